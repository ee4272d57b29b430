//! Typed rows over engine bytes.
