//! Byte layouts of every row, versioned. Knows no key and no engine.
