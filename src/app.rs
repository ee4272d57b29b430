//! Composition: the one place that names the concrete engine and master key provider.

mod harden;

pub use harden::{HardenError, harden};
