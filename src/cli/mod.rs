//! The command line: takes, calls one verb, gives.
mod import;
