//! Manual clock, seeded randomness, fault engine: for tests only.

pub mod clock;
pub mod entropy;
pub mod faults;
pub mod slot;
pub mod vault;
