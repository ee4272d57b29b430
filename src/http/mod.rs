//! The HTTP edge: extract, call one verb, convert.
