//! Hands the command line to `cli`, in a process that leaves no traces of its memory.

use std::process::ExitCode;

/// glibc's allocator keeps what many threads freed; under load that doubles the memory of `serve`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    membervault::cli::main(std::env::args_os())
}
