//! Agreed rows, kept in step with the standing in the member row: both are written by one change.

use crate::ledger::Change;
use crate::tables::agreed;
use crate::types::standing::PurposeStanding;
use crate::types::{MemberId, Standing};

/// Writes and removes the agreed rows that make `before` into `after`.
pub(super) fn follow(change: &mut Change, member: &MemberId, before: &Standing, after: &Standing) {
    for PurposeStanding { purpose, consent, .. } in after.purposes() {
        let was = before.purposes().iter().find(|one| one.purpose == *purpose).and_then(|one| one.consent);
        match consent {
            Some(consent) if Some(*consent) != was => {
                change.put(agreed::KEYSPACE, agreed::key(purpose, member), agreed::encode(consent));
            }
            _ => {}
        }
    }
    for PurposeStanding { purpose, consent, .. } in before.purposes() {
        let is = after.purposes().iter().find(|one| one.purpose == *purpose).and_then(|one| one.consent);
        if consent.is_some() && is.is_none() {
            change.delete(agreed::KEYSPACE, agreed::key(purpose, member));
        }
    }
}

/// Removes all agreed rows of a member that is erased.
pub(in crate::vault) fn remove_postings(change: &mut Change, member: &MemberId, standing: &Standing) {
    follow(change, member, standing, &Standing::default());
}
