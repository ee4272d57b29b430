//! Seal and open, derive, blind tokens: the only room that names cryptographic crates.
