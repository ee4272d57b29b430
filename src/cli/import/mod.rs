//! `membervault import`.

mod csv;
mod jsonl;
mod mapping;
mod pipeline;
mod row;
mod source;
mod tally;
#[cfg(test)]
mod testing;
