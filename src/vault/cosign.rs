//! Cosignatures: what witnesses say of our checkpoints, accepted where it holds and kept beside them.
//!
//! A witness signs that it saw this checkpoint and that the log only grew since the last one it saw. Whoever trusts a
//! witness need not trust that the vault shows everybody the same log.

use crate::codec::rows::encode_cosigned;
use crate::codec::{Event, Leaf, RowStamp};
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::tlog::{Attested, Checkpoint, Note, NoteError, VerifierKey, root_at};
use crate::types::{Ctx, TokenId};

use super::act::{Act, Decision, Prepared};
use super::api::Cosigned;
use super::{Error, Vault};

/// How far ahead of ours a witness's clock may be.
const AHEAD_MAX_S: u64 = 300;

impl Vault {
    /// Takes a checkpoint of this log with cosignatures, and keeps those that hold under the keys of the witnesses that
    /// were configured. Those kept already are not kept twice.
    ///
    /// # Errors
    /// `not_verified` if it is no checkpoint of this log, if a cosignature does not hold, or if there is none of a
    /// configured witness; a denial of the policy; `unauthenticated`.
    pub fn log_cosign<'v>(&'v self, who: Option<&'v Ctx>, note: &'v str) -> Act<'v, Cosigned> {
        Act::new(self, move || {
            self.may_read_log(who)?;
            self.prepare_cosign(who, note)
        })
    }

    fn prepare_cosign(&self, who: Option<&Ctx>, text: &str) -> Decision<Cosigned> {
        let note = Note::parse(text)?;
        let size = self.checked(&note)?.size;
        let row = tables::cosigned::row(self.engine(), size)?;
        let kept = tables::cosigned::read(self.engine(), size)?.filter(|kept| self.is_ours(kept));
        let mut lines = Lines::of(self, kept.as_deref())?;
        let added: Vec<&VerifierKey> = lines.add(self, &note)?;
        let reply = Cosigned { size, added: added.iter().map(|key| key.name().to_string()).collect() };
        let Some(mut change) = self.evidence_of(who, size, &added) else { return Ok(Prepared::unlogged(reply)) };
        let stamp = row.as_deref().map(RowStamp::of);
        let key = tables::cosigned::key(size);
        change.relies_on(Reliance::Row { keyspace: tables::cosigned::KEYSPACE, key: key.to_vec(), stamp });
        change.put(tables::cosigned::KEYSPACE, key, encode_cosigned(&lines.under(self.signed_text(&note))));
        let sizes = tables::cosigned::sizes(self.engine())?;
        let over = (sizes.len() + usize::from(row.is_none())).saturating_sub(tables::cosigned::KEPT_MAX);
        for old in sizes.into_iter().filter(|old| *old != size).take(over) {
            change.delete(tables::cosigned::KEYSPACE, tables::cosigned::key(old));
        }
        Ok(Prepared::durable(reply, change))
    }

    /// The checkpoint of the note, if we signed it and it is of the log as it is.
    fn checked(&self, note: &Note<'_>) -> Result<Checkpoint, Error> {
        let key = self.log_verifier();
        note.require(key)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let ours = checkpoint.origin == *key.name() && checkpoint.size <= self.ledger().size();
        if ours && root_at(checkpoint.size, &mut self.log_tiles())? == checkpoint.root {
            Ok(checkpoint)
        } else {
            Err(NoteError::Untrue("the checkpoint is not one of this log").into())
        }
    }

    /// Our own signature over the text of a checkpoint: Ed25519 gives the same one each time.
    fn signed_text(&self, note: &Note<'_>) -> String {
        crate::tlog::sign_note(note.text(), self.log_verifier().name(), self.keyring().log_key())
    }

    fn evidence_of(&self, who: Option<&Ctx>, size: u64, added: &[&VerifierKey]) -> Option<Change> {
        let (minute, actor) = (self.now().as_minutes(), who.map_or(TokenId::NOBODY, |ctx| ctx.actor.token));
        let changes = added.iter().map(|key| {
            let event = Event::LogCosign { size, witness: key.id() };
            Change::new(Leaf { minute, actor, purpose: None, reference: [0; 16], event })
        });
        changes.reduce(|mut all, one| {
            all.absorb(one);
            all
        })
    }
}

/// The cosignature lines of one checkpoint, each with its witness and its time.
struct Lines<'a>(Vec<(&'a VerifierKey, u64, String)>);

impl<'a> Lines<'a> {
    /// Those that are kept, as far as their witnesses are still configured.
    fn of(vault: &'a Vault, kept: Option<&str>) -> Result<Self, Error> {
        let mut lines = Self(Vec::new());
        if let Some(kept) = kept {
            lines.add(vault, &Note::parse(kept)?).or_else(|error| match error {
                Error::Note(NoteError::Unsigned) => Ok(Vec::new()),
                other => Err(other),
            })?;
        }
        Ok(lines)
    }

    /// Adds those of the note that are new, or newer than what is kept; says whose. There must be at least one, new or
    /// not, of a witness we know.
    fn add(&mut self, vault: &'a Vault, note: &Note<'_>) -> Result<Vec<&'a VerifierKey>, Error> {
        let latest = vault.now().as_millis() / 1_000 + AHEAD_MAX_S;
        let (mut added, mut seen) = (Vec::new(), false);
        for key in &vault.0.log.witnesses {
            let Some(Attested { line, time: Some(time) }) = note.signed_by(key)? else { continue };
            if time > latest {
                return Err(NoteError::Untrue("the cosignature is of a time to come").into());
            }
            seen = true;
            if self.0.iter().any(|(known, kept, _)| *known == key && *kept >= time) {
                continue;
            }
            self.0.retain(|(known, ..)| *known != key);
            self.0.push((key, time, line.to_owned()));
            added.push(key);
        }
        if seen { Ok(added) } else { Err(NoteError::Unsigned.into()) }
    }

    /// The whole note, over our own signature.
    fn under(self, mut signed: String) -> String {
        for (_, _, line) in self.0 {
            signed.push_str(&line);
            signed.push('\n');
        }
        signed
    }
}
