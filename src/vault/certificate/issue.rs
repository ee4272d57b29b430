//! Writing a certificate: rows and ledger entries of one sealed erasure, under the signature of the log.

use crate::code::Code;
use crate::codec::{ErasureRow, ErasureStage, Event, Leaf};
use crate::ledger::StoredLog;
use crate::policy::Action;
use crate::tables;
use crate::tlog::sign_note;
use crate::types::{Ctx, ErasureId, MemberId};

use super::super::act::{Act, Prepared};
use super::super::api::{Erasure, Scope, Stage};
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::{Certificate, Entry, Evidence, FORMAT, RootKeys, Stages, Subject, words};

/// Why there is no certificate of an erasure that is only fenced.
const NOT_SEALED: Error = Error::Mismatch {
    code: Code::NotSealed,
    problem: "the erasure is fenced, and the keys to old copies still exist; seal it first, then there is a certificate",
};

impl Vault {
    /// The certificate of a sealed erasure: a signed note.
    ///
    /// # Errors
    /// `not_sealed` while it is only fenced; `not_found`; a denial of the policy; what the sync of the ledger answers.
    pub fn certificate<'v>(&'v self, ctx: &'v Ctx, id: &'v ErasureId) -> Act<'v, String> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::ErasureRead)?;
            let row = tables::erasure::read(self.engine(), id)?.ok_or_else(Error::not_found)?;
            Ok(Prepared::unlogged(self.issue(id, &row)?))
        })
    }

    /// The erasures of a member: of all of it, and of compartments before that.
    ///
    /// # Errors
    /// `not_found` if there is none; a denial of the policy.
    pub fn erasures_of<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Vec<Erasure>> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::ErasureRead)?;
            let ids = tables::fence::all_of(self.engine(), member)?;
            let erasures: Result<Vec<_>, _> = ids.iter().map(|id| self.erasure_row(id)).collect();
            let erasures = erasures?;
            if erasures.is_empty() { Err(Error::not_found().into()) } else { Ok(Prepared::unlogged(erasures)) }
        })
    }

    fn issue(&self, id: &ErasureId, row: &ErasureRow) -> Result<String, Error> {
        let stage = match row.stage {
            ErasureStage::Fenced => return Err(NOT_SEALED),
            ErasureStage::Sealed => Stage::Sealed,
            ErasureStage::Purged => Stage::Purged,
        };
        let evidence = self.evidence_for(row)?;
        let Event::Seal(seal) = Leaf::parse(&evidence.seal.leaf)?.event else {
            return Err(Error::Internal("the seal of an erasure is a seal"));
        };
        let scope = if row.compartment.is_some() { Scope::Compartment } else { Scope::Member };
        let (origin, key) = (self.log_verifier().name(), self.keyring().log_key());
        let certificate = Certificate {
            certificate: FORMAT.to_owned(),
            vault: *self.id(),
            log: origin.to_string(),
            issued_at: self.now(),
            erasure: Subject { id: *id, member: row.member, scope, tag: row.tag },
            statement: words::statement(scope),
            stage,
            stages: Stages {
                requested_at: row.requested,
                fenced_at: row.fenced,
                sealed_at: row.sealed,
                purged_at: (stage == Stage::Purged).then_some(row.purged),
            },
            keys: RootKeys { epoch: seal.epoch, destroyed_root: seal.old_root, remaining_root: seal.new_root },
            slot: words::slot(seal.level),
            residual_paths: words::residual_paths(stage, &seal.holders),
            holders: seal.holders,
            not_covered: words::not_covered(),
            software: format!("membervault {}", env!("CARGO_PKG_VERSION")),
            evidence,
        };
        let text = serde_json::to_string_pretty(&certificate);
        let text = text.map_err(|_| Error::Internal("a certificate is serialisable"))?;
        Ok(sign_note(&(text + "\n"), origin, key))
    }

    /// The entries, all under one checkpoint.
    fn evidence_for(&self, row: &ErasureRow) -> Result<Evidence, Error> {
        let rotation = tables::rotation::read(self.engine(), row.epoch)?
            .ok_or(Error::Internal("an erasure is sealed by a rotation"))?;
        let purge = if row.stage == ErasureStage::Purged { Some(self.purge_leaf(row)?) } else { None };
        let last = row.leaf.max(rotation.leaf).max(row.seal_leaf).max(purge.unwrap_or(0));
        let (size, checkpoint) = self.checkpoint_over(last)?;
        let entry = |index| -> Result<Entry, Error> {
            let leaf = StoredLog(self.engine()).leaf_bytes(index)?;
            let leaf = leaf.ok_or(Error::Internal("the leaves of an erasure are in the ledger"))?;
            Ok(Entry { leaf: leaf.to_vec(), proof: self.proof_in(index, size, checkpoint.clone())?.text() })
        };
        Ok(Evidence {
            intent: entry(row.leaf)?,
            rotation: entry(rotation.leaf)?,
            seal: entry(row.seal_leaf)?,
            purge: purge.map(entry).transpose()?,
        })
    }
}
