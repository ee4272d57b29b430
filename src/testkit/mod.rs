//! Manual clock, seeded randomness, fault engine, slots that remember: for tests only.

pub mod clock;
pub mod entropy;
pub mod faults;
pub mod recorder;
pub mod slot;
pub mod vault;
pub mod watched;
