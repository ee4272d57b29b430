//! The seal: after it, what was erased cannot be read from any byte ever written with all the keys of today.
//!
//! Erasing writes a fence and removes the rows; old files still hold them, under keys that today's root leads to. The
//! seal replaces the keys on every path from the root to what was removed, and then the root, and only then says so.

mod step;

pub use step::Step;
