//! The facade: one file per verb.
//!
//! The edges (`http`, `cli`, `jobs`) know this room and rank 0 only. A verb finds the member, puts the facts on the
//! table, asks the policy once, opens what the permit covers, and commits rows and evidence together before it answers.

pub mod api;
