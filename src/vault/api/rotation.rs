//! What is said of the rotation of a data key.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::types::{Compartment, MemberId};

/// A compartment got a new data key, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyRotation {
    /// The member.
    pub member: MemberId,
    /// The compartment.
    pub compartment: Compartment,
    /// Records that this call sealed under the new key.
    pub records: usize,
    /// Whether all of them are, and the old key is dropped. If not, the same request carries on.
    pub done: bool,
    /// When.
    pub rotated_at: Timestamp,
}
