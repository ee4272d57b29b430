//! The log as others see it: signed checkpoints, tiles, entries, proofs (C2SP `tlog-tiles`).
//!
//! A checkpoint is signed only of a size that is on disk: a suffix that a crash can take would make the log that comes
//! after contradict what was signed. Nothing beyond the last signed checkpoint is shown. The log names nobody, so whoever
//! may read it learns when and how much the vault is used, and nothing of whom.

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::codec::keys;
use crate::crypto::LogKey;
use crate::ledger::StoredLog;
use crate::policy::Action;
use crate::store::{KeyRange, Keyspace};
use crate::tables;
use crate::tlog::{
    Checkpoint, InclusionProof, KeyName, Note, SignatureType, TILE_WIDTH, TileKind, TilePath, VerifierKey,
    inclusion_proof, sign_note, tile_at,
};
use crate::types::{Ctx, VaultId};

use super::act::{Act, Prepared, Refusal};
use super::log_tiles::{LogTiles, TileRoots};
use super::pipeline::Case;
use super::{Error, Vault};

/// A new checkpoint is signed at most this often, unless an entry is asked for that no checkpoint covers: a reader who
/// comes every moment must not make the disk sync every moment.
pub const CHECKPOINT_AGE_MS: u64 = 1_000;

/// What can be chosen about the log.
#[derive(Clone, Debug, Default)]
pub struct LogSettings {
    /// The name of the log; `None` for [`KeyName::of_vault`].
    pub origin: Option<KeyName>,
    /// Whether anyone may read it, without a token.
    pub public: bool,
    /// Whose cosignatures are accepted.
    pub witnesses: Vec<VerifierKey>,
}

/// The key that verifies the log of this vault.
pub fn verifier_key(origin: KeyName, key: &LogKey) -> VerifierKey {
    VerifierKey::new(origin, SignatureType::Ed25519, key.public())
}

/// Name, key and last checkpoint of the log.
pub(super) struct LogBook {
    pub(super) verifier: VerifierKey,
    pub(super) witnesses: Vec<VerifierKey>,
    public: bool,
    last: Mutex<Option<Arc<Signed>>>,
    roots: TileRoots,
}

/// A signed checkpoint.
pub(super) struct Signed {
    pub(super) size: u64,
    pub(super) note: String,
    at: Timestamp,
}

impl LogBook {
    pub(super) fn new(settings: LogSettings, vault: &VaultId, key: &LogKey) -> Self {
        let origin = settings.origin.unwrap_or_else(|| KeyName::of_vault(vault));
        let verifier = verifier_key(origin, key);
        Self {
            verifier,
            witnesses: settings.witnesses,
            public: settings.public,
            last: Mutex::default(),
            roots: TileRoots::default(),
        }
    }
}

impl Vault {
    /// The key that verifies this vault's log.
    pub fn log_verifier(&self) -> &VerifierKey {
        &self.0.log.verifier
    }

    /// Whether anyone may read the log.
    pub fn log_is_public(&self) -> bool {
        self.0.log.public
    }

    /// The newest signed checkpoint, with the cosignatures there are for it. `who` is nobody where the log is public.
    ///
    /// # Errors
    /// A denial of the policy; `unauthenticated`; what the sync answers.
    pub fn log_checkpoint<'v>(&'v self, who: Option<&'v Ctx>) -> Act<'v, String> {
        Act::new(self, move || {
            self.may_read_log(who)?;
            let signed = self.signed_checkpoint(0)?;
            let cosigned = tables::cosigned::read(self.engine(), signed.size)?;
            Ok(Prepared::unlogged(cosigned.filter(|note| self.is_ours(note)).unwrap_or_else(|| signed.note.clone())))
        })
    }

    /// The newest checkpoint that a witness has cosigned.
    ///
    /// # Errors
    /// `not_found` if there is none; a denial of the policy; `unauthenticated`.
    pub fn log_cosigned_checkpoint<'v>(&'v self, who: Option<&'v Ctx>) -> Act<'v, String> {
        Act::new(self, move || {
            self.may_read_log(who)?;
            let (_, note) = self.newest_cosigned()?.ok_or_else(Error::not_found)?;
            Ok(Prepared::unlogged(note))
        })
    }

    /// A tile of hashes or a bundle of entries, as far as the last signed checkpoint reaches.
    ///
    /// # Errors
    /// `not_found` beyond it; a denial of the policy; `unauthenticated`.
    pub fn log_tile<'v>(&'v self, who: Option<&'v Ctx>, path: &'v TilePath) -> Act<'v, Vec<u8>> {
        Act::new(self, move || {
            self.may_read_log(who)?;
            let size = self.signed_checkpoint(0)?.size;
            let bytes = match path.kind {
                TileKind::Hashes(level) => self.hashes(level, path, size)?,
                TileKind::Entries => self.entries(path, size)?,
            };
            Ok(Prepared::unlogged(bytes.ok_or_else(Error::not_found)?))
        })
    }

    /// The proof that the entry `index` is in the log: a `tlog-proof` file, under a checkpoint that a witness cosigned
    /// if there is one that reaches so far.
    ///
    /// # Errors
    /// `not_found` if there is no such entry; a denial of the policy; `unauthenticated`.
    pub fn log_proof<'v>(&'v self, who: Option<&'v Ctx>, index: u64) -> Act<'v, String> {
        Act::new(self, move || {
            self.may_read_log(who)?;
            let (size, checkpoint) = self.checkpoint_over(index)?;
            Ok(Prepared::unlogged(self.proof_in(index, size, checkpoint)?.text()))
        })
    }

    pub(super) fn may_read_log(&self, who: Option<&Ctx>) -> Result<(), Refusal> {
        match who {
            Some(ctx) => Case::open(self, ctx).decide_plain(Action::LogRead).map(|_permit| ()),
            None if self.0.log.public => Ok(()),
            None => Err(Error::Unauthenticated.into()),
        }
    }

    /// The last signed checkpoint, or a new one: where the last has fewer than `least` leaves, or is old and behind.
    pub(super) fn signed_checkpoint(&self, least: u64) -> Result<Arc<Signed>, Error> {
        let book = &self.0.log;
        let mut last = book.last.lock();
        let now = self.now();
        if let Some(signed) = &*last {
            let fresh = now.as_millis() < signed.at.as_millis().saturating_add(CHECKPOINT_AGE_MS);
            if signed.size >= least && (fresh || signed.size == self.ledger().size()) {
                return Ok(Arc::clone(signed));
            }
        }
        let head = self.ledger().synced_head()?;
        let origin = book.verifier.name();
        let checkpoint = Checkpoint { origin: origin.clone(), size: head.size, root: head.root };
        let note = sign_note(&checkpoint.text(), origin, self.keyring().log_key());
        let signed = Arc::new(Signed { size: head.size, note, at: now });
        *last = Some(Arc::clone(&signed));
        Ok(signed)
    }

    /// A checkpoint that covers the entry `index`, with its size: a cosigned one if possible.
    pub(super) fn checkpoint_over(&self, index: u64) -> Result<(u64, String), Error> {
        if let Some((size, note)) = self.newest_cosigned()?.filter(|(size, _)| *size > index) {
            return Ok((size, note));
        }
        let least = index.checked_add(1).filter(|least| *least <= self.ledger().size()).ok_or_else(Error::not_found)?;
        let signed = self.signed_checkpoint(least)?;
        Ok((signed.size, signed.note.clone()))
    }

    /// The proof that an entry is in the tree of the checkpoint.
    pub(super) fn proof_in(&self, index: u64, size: u64, checkpoint: String) -> Result<InclusionProof, Error> {
        let hashes = inclusion_proof(index, size, &mut self.log_tiles())?.ok_or_else(Error::not_found)?;
        Ok(InclusionProof { index, hashes, checkpoint })
    }

    /// The hashes of the log.
    pub(super) fn log_tiles(&self) -> LogTiles<'_> {
        LogTiles { stored: StoredLog(self.engine()), roots: &self.0.log.roots }
    }

    /// The newest cosigned checkpoint under the present name and key of the log.
    fn newest_cosigned(&self) -> Result<Option<(u64, String)>, Error> {
        for size in tables::cosigned::sizes(self.engine())?.into_iter().rev() {
            if let Some(note) = tables::cosigned::read(self.engine(), size)?.filter(|note| self.is_ours(note)) {
                return Ok(Some((size, note)));
            }
        }
        Ok(None)
    }

    /// Whether a stored checkpoint is of the log as it is named now: the name can be changed.
    pub(super) fn is_ours(&self, note: &str) -> bool {
        Note::parse(note).is_ok_and(|note| note.require(&self.0.log.verifier).is_ok())
    }

    fn hashes(&self, level: u8, path: &TilePath, size: u64) -> Result<Option<Vec<u8>>, Error> {
        let hashes = tile_at(level, path.index, size, &mut self.log_tiles())?;
        Ok(hashes.filter(|hashes| hashes.len() >= path.width).map(|mut hashes| {
            hashes.truncate(path.width);
            hashes.concat()
        }))
    }

    fn entries(&self, path: &TilePath, size: u64) -> Result<Option<Vec<u8>>, Error> {
        let first = path.index.checked_mul(TILE_WIDTH as u64);
        let end = first.and_then(|first| first.checked_add(path.width as u64)).filter(|end| *end <= size);
        let (Some(first), Some(end)) = (first, end) else { return Ok(None) };
        let range = KeyRange { start: keys::leaf(first).to_vec(), end: Some(keys::leaf(end).to_vec()) };
        let (mut bundle, mut count) = (Vec::new(), 0);
        self.engine().scan(Keyspace::Ledger, &range, &mut |_, leaf| {
            // No leaf is longer than 64 KiB.
            bundle.extend_from_slice(&u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
            bundle.extend_from_slice(leaf);
            count += 1;
            ControlFlow::Continue(())
        })?;
        if count == path.width { Ok(Some(bundle)) } else { Err(Error::Internal("the leaves of the log are dense")) }
    }
}
