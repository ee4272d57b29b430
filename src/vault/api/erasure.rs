//! What is said of an erasure.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{ErasureId, MemberId, RecipientName};

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Denied everywhere; keys and records removed, index entries void. Old bytes can still be opened with today's keys.
    Fenced,
    /// The keys are gone: no byte ever written can be opened with the keys of today.
    Sealed,
    /// The old bytes are gone from the live files too.
    Purged,
}

/// What an erasure erased. Which compartment it was is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The member.
    Member,
    /// One compartment of the member.
    Compartment,
}

/// An erasure.
#[derive(Clone, Debug, Serialize)]
pub struct Erasure {
    /// The erasure.
    pub id: ErasureId,
    /// The member.
    pub member: MemberId,
    /// Whether the whole member or one compartment was erased.
    pub scope: Scope,
    /// How far it has come.
    pub stage: Stage,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the fence was durable.
    pub fenced_at: Timestamp,
    /// The index of its leaf in the ledger.
    pub leaf: u64,
    /// The seal, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// When the live files were found clean of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purged_at: Option<Timestamp>,
    /// The recipients that were given data, by name in the register: they are to be told (GDPR Art. 19).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<RecipientName>,
}

/// The keys of an erasure are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sealed {
    /// Since when.
    pub at: Timestamp,
    /// The epoch of the only root of the key tree that was left.
    pub epoch: u64,
    /// The index of the seal's leaf in the ledger.
    pub leaf: u64,
}
