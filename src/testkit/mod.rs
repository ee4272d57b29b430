//! Manual clock, seeded randomness, fault engine: for tests only.

pub mod entropy;
pub mod faults;
