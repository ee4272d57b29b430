//! The command line: takes, calls one verb, gives.
