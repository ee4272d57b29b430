//! Settings as typed, then as resolved.
