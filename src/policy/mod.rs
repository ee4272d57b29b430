//! `decide(request, facts)`: a pure question with all facts on the table, answered from the policy file.
//!
//! The policy file (TOML, see `docs/POLICY.md`) says which role may do what, in which compartments, for which purposes,
//! and how each field is shown: clear, masked, as a pseudonym, or not at all. It is compiled once, at start, into one
//! table a role, so that a decision is two look-ups.
//!
//! The answer is a [`Permit`], which nobody else can build, or a [`Denial`]. This room fetches nothing, knows no HTTP,
//! no key and no ciphertext. `vault` alone calls [`decide`], once per command.
//!
//! ```compile_fail
//! // Only a decision makes a permit: its fields are private, so not even one permit can be made into another.
//! fn forge(permit: membervault::policy::Permit) -> membervault::policy::Permit {
//!     membervault::policy::Permit { ..permit }
//! }
//! ```
//!
//! Rules of reading, in order of weight: what no rule allows is denied; a deny rule wins over every allow rule; of two
//! allow rules the one that names the compartment counts instead of the one for `"*"`; two rules that would speak of
//! the same case are refused when the file is read.

mod action;
mod against;
mod compile;
mod decide;
mod denial;
mod draft;
mod lint;
mod mask;
mod parse;
mod permit;
mod request;
mod review;
mod table;
mod view;
mod weigh;

pub use action::Action;
pub use decide::decide;
pub use denial::Denial;
pub use lint::Lint;
pub use mask::Mask;
pub use parse::PolicyError;
pub use permit::Permit;
pub use request::{Facts, MemberState, Request};
pub use table::Policy;
pub use view::{Projection, Treatment, View, Withheld, WithheldReason, pseudonym_text};
pub use weigh::{Scales, Screen};

#[cfg(test)]
mod tests;
