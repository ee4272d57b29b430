//! Whom to tell that a member was erased (GDPR Art. 19): every recipient that was given its data.
//!
//! Found before the keys go, and kept beside the erasure: names of recipients, nothing of the member.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::codec::rows;
use crate::crypto;
use crate::ledger::Change;
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Compartment, ErasureId, MemberId, RecipientName};

use super::super::history::Accesses;
use super::super::pipeline::{Case, Opened};
use super::super::{Error, Vault, dossier};
use super::{SERIES, list};

/// A notice as it is stored (JSON, sealed).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNotice {
    recipients: BTreeSet<RecipientName>,
}

/// How a member was used.
pub(crate) struct Uses {
    /// Under what its accesses lie.
    pub(crate) prefix: [u8; 16],
    /// Whether some of them may name a recipient.
    pub(crate) marked: bool,
    /// Who outside was given data.
    pub(crate) recipients: BTreeSet<RecipientName>,
}

impl Case<'_> {
    /// The accesses of an opened member, and the recipients that were given data of it, or of one compartment of it. What
    /// does not open must not stop an erasure, and is passed over.
    pub(crate) fn uses_of(
        &self,
        opened: &Opened,
        member: &MemberId,
        compartment: Option<&Compartment>,
    ) -> Result<Uses, Error> {
        let concerns = |found: Option<&Compartment>| match (compartment, found) {
            (Some(erased), Some(found)) => erased == found,
            // The member as a whole is erased, or was given as a whole.
            _ => true,
        };
        let accesses = Accesses::of(self.vault, member, &opened.body.mk);
        let mut recipients = BTreeSet::new();
        let marked = accesses.each_disclosed(&mut |detail| {
            recipients.extend(detail.recipient.filter(|_| concerns(detail.compartment.as_ref())));
        })?;
        for number in 1..=dossier::length(self, opened, member, SERIES, 0).unwrap_or(0) {
            if let Ok(recorded) = list::recorded(self, opened, member, number) {
                recipients.extend(concerns(Some(&recorded.compartment)).then_some(recorded.recipient));
            }
        }
        Ok(Uses { prefix: *accesses.prefix(), marked, recipients })
    }
}

impl Vault {
    /// Keeps whom to tell of an erasure.
    pub(crate) fn put_notice(
        &self,
        change: &mut Change,
        erasure: &ErasureId,
        recipients: BTreeSet<RecipientName>,
    ) -> Result<Vec<RecipientName>, Error> {
        if recipients.is_empty() {
            return Ok(Vec::new());
        }
        let stored = StoredNotice { recipients };
        let plain = serde_json::to_vec(&stored).map_err(|_| Error::Internal("a notice is serialisable"))?;
        let key = tables::notice::key(erasure);
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: &key }, &plain)?;
        change.put(tables::notice::KEYSPACE, key, row);
        Ok(stored.recipients.into_iter().collect())
    }

    /// Whom to tell of an erasure.
    pub(crate) fn notice(&self, erasure: &ErasureId) -> Result<Vec<RecipientName>, Error> {
        let Some(row) = tables::notice::row(self.engine(), erasure)? else { return Ok(Vec::new()) };
        let key = tables::notice::key(erasure);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(&row)?)?;
        let stored: StoredNotice =
            serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("an opened notice is one"))?;
        Ok(stored.recipients.into_iter().collect())
    }
}
