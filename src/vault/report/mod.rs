//! Reports over the whole log: what a token or a role touched, and what the regular review of access looks at.
//!
//! The log names nobody, so whom an entry was about is found the other way round: every living member's keys are opened
//! once, and its own access rows say which entries are its own. A report costs as much as there are entries, members and
//! accesses in its period; it holds no snapshot meanwhile. What it says is logged by its hash.

pub mod audit;
pub mod breach;
mod markdown;
mod tally;
mod text;
mod usage;
mod walk;

pub use audit::{AuditQuery, AuditReport};
pub use breach::{BreachQuery, BreachReport, Suspect};
pub use tally::MemberTouched;
