//! `membervault import`.

mod csv;
mod jsonl;
mod mapping;
mod row;
#[cfg(test)]
mod testing;
