//! The facade: one file per verb.
