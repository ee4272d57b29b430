//! Manual clock, seeded randomness, fault engine: for tests only.
