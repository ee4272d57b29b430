//! What a member said is in doubt: an old image came back, and a newer log says that something changed since, not what.
//!
//! The safe side is taken, and nothing that was said is lost: consents are withdrawn in its name with a reason, or its data
//! are restricted, until somebody has asked the member. Called by the recovery of an image, offline.

use crate::codec::Event;
use crate::ledger::Durability;
use crate::types::{Ctx, MemberId};

use super::super::{Error, Vault};
use super::{Happening, HistoryEntry, history};

/// The reason in the history, by which such an entry is known again: it never changes.
pub(in crate::vault) const IN_DOUBT: &str = "an image from before a change was brought back; ask the member again";

/// What is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vault) enum Doubt {
    /// To what the member agrees.
    Consents,
    /// What it objected to, restricted or refused.
    Stances,
}

impl HistoryEntry {
    /// Whether the vault wrote it for want of the member's word.
    pub(in crate::vault) fn is_in_doubt(&self) -> bool {
        self.reason.as_deref() == Some(IN_DOUBT)
    }
}

impl Vault {
    /// Takes away all consents of a member, or restricts the use of its data, by an entry of its history. `false`: it was
    /// so already.
    pub(in crate::vault) fn set_aside(&self, ctx: &Ctx, member: &MemberId, doubt: Doubt) -> Result<bool, Error> {
        let (case, mut opened) = self.open_again(ctx, member)?;
        let before = opened.body.standing.clone();
        let standing = &mut opened.body.standing;
        let (event, leaf): (_, fn(_) -> _) = match doubt {
            Doubt::Consents => (Happening::Withdrawn, Event::ConsentChange),
            Doubt::Stances => (Happening::Restricted, Event::StandingChange),
        };
        let mut purposes = Vec::new();
        match doubt {
            Doubt::Consents => {
                purposes.extend(before.purposes().iter().filter(|one| one.consent.is_some()).map(|one| &one.purpose));
                for purpose in &purposes {
                    // Taking away never fails for want of room.
                    let _less = standing.set_consent(purpose, None);
                }
            }
            Doubt::Stances => standing.restricted = true,
        }
        if *standing == before {
            return Ok(false);
        }
        let entry = HistoryEntry { reason: Some(IN_DOUBT.to_owned()), ..HistoryEntry::of(&case, event, &purposes) };
        let change = history::append(&case, &mut opened, member, &before, leaf, &entry)?;
        self.ledger().submit(change, Durability::Synced).wait()?;
        Ok(true)
    }
}
