//! The command line: takes, calls one verb, gives.
//!
//! Each command is a file: its arguments as a type with the text of its `--help`, and a short function that turns them
//! into a call of the vault and the answer into lines or JSON. Settings are resolved here once and handed on. Answers go
//! to standard output, remarks, logs and errors to standard error. `main.rs` alone comes in.
//!
//! What this room must never do: take personal data as an argument (every user of a machine can see arguments, and
//! shells keep them), or repeat it in an error.

mod args;
mod audit;
mod backup;
mod bundle;
mod breach;
mod certificate;
mod completions;
mod config_show;
mod doctor;
mod export;
mod failure;
mod history;
mod holder;
mod import;
mod init;
mod keyring;
mod log;
mod member;
mod output;
mod policy;
mod purge;
mod recover;
mod report;
mod restore;
mod retention;
mod schema;
mod seal;
mod serve;
mod session;
mod span;
mod status;
mod token;
mod unlock;
mod verify_bundle;
mod verify_certificate;
mod verify_receipt;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::{Done, EXIT_USAGE, Failure};
use session::Session;

use crate::app;

/// Does what the arguments say and answers with the exit code of the process.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // First of all, before a secret is read or a thread is started.
    let warnings = app::prepare_process();
    match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let verbose = cli.global.verbose;
            ended(run(cli, &warnings), verbose)
        }
        Err(usage) => {
            let _ = usage.print();
            if usage.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
        }
    }
}

fn ended(result: Result<Done, Failure>, verbose: bool) -> ExitCode {
    match result {
        Ok(done) => ExitCode::from(done.exit_code()),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.lines(verbose));
            ExitCode::from(failure::exit_code(failure.code()))
        }
    }
}

fn run(mut cli: Cli, warnings: &[String]) -> Result<Done, Failure> {
    let flags = cli.command.typed();
    // For a restore, `--data` is the data that come back; the database keeps its setting.
    let backup = if matches!(cli.command, Command::Restore(_)) { cli.global.take_data() } else { None };
    let session = || Session::begin(&cli.global, flags, warnings);
    match cli.command {
        Command::Init(arguments) => arguments.run(&session()?),
        Command::Serve(arguments) => arguments.run(&session()?),
        Command::Import(arguments) => arguments.run(&session()?),
        Command::Export(arguments) => arguments.run(&session()?),
        Command::Token(command) => command.run(&session()?),
        Command::Member(command) => command.run(&session()?),
        Command::Policy(command) => command.run(&session()?),
        Command::Schema(command) => command.run(&session()?),
        Command::Retention(command) => command.run(&session()?),
        Command::Seal(arguments) => arguments.run(&session()?),
        Command::Purge(arguments) => arguments.run(&session()?),
        Command::Holder(command) => command.run(&session()?),
        Command::Restore(arguments) => arguments.run(&session()?, backup),
        Command::Recover(arguments) => arguments.run(&session()?),
        Command::Status(arguments) => arguments.run(&session()?),
        Command::Doctor(arguments) => arguments.run(&session()?),
        Command::Backup(command) => command.run(&session()?),
        Command::Breach(command) => command.run(&session()?),
        Command::Audit(command) => command.run(&session()?),
        Command::Keyring(command) => command.run(&session()?),
        Command::Certificate(arguments) => arguments.run(&session()?),
        Command::Log(command) => command.run(&session()?),
        Command::Config(command) => command.run(&session()?),
        Command::Completions(arguments) => arguments.run(),
        Command::VerifyBundle(arguments) => arguments.run(output::Output { quiet: cli.global.quiet }),
        Command::VerifyCertificate(arguments) => arguments.run(output::Output { quiet: cli.global.quiet }),
        Command::VerifyReceipt(arguments) => arguments.run(output::Output { quiet: cli.global.quiet }),
        Command::Version => output::version(),
    }
}
