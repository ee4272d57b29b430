//! Manual clock, seeded randomness, fault engine: for tests only.

pub mod faults;
