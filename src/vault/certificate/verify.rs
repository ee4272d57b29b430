//! Checking a certificate, without the vault: nothing is believed that the log's key, or what it signed, does not bear
//! out. Each check has a name that never changes.

use std::fmt;

use crate::clock::Timestamp;
use crate::codec::event::{Rotation, SealEvent};
use crate::codec::{Event, Leaf};
use crate::tlog::{InclusionProof, Note, VerifierKey, leaf_hash};

use super::super::api::{Scope, Stage};
use super::super::check::{Check, Finding, demand, document, signed};
use super::{Certificate, Entry, Evidence, FORMAT};

/// All checks, in order. What failed may keep later ones from being made.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The certificate, if it was one.
    pub certificate: Option<Certificate>,
    /// The checks that were made.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether every check was made and holds.
    pub fn holds(&self) -> bool {
        self.certificate.is_some() && self.checks.iter().all(Check::holds)
    }
}

/// Checks a certificate under the key of the log. Every witness whose key is given must have cosigned.
pub fn verify(text: &str, key: &VerifierKey, witnesses: &[VerifierKey]) -> Verdict {
    let (note, certificate) = match form(text) {
        Ok(read) => read,
        Err(found) => return Verdict { certificate: None, checks: vec![Check::of("form", Err(found))] },
    };
    let mut checks =
        vec![Check::of("form", Ok(FORMAT.to_owned())), Check::of("signature", signature(&note, &certificate, key))];
    // What nobody signed is not worth a closer look.
    if checks.iter().all(Check::holds) {
        let evidence = &certificate.evidence;
        checks.extend([
            Check::of("intent", intent(&certificate)),
            Check::of("rotation", rotation(&certificate)),
            Check::of("seal", seal(&certificate)),
        ]);
        checks.extend(evidence.purge.as_ref().map(|entry| Check::of("purge", purge(&certificate, entry))));
        checks.push(Check::of("inclusion", inclusion(evidence, key)));
        checks.extend(witnesses.iter().map(|witness| Check::of("witness", cosigned(evidence, witness))));
        checks.push(Check::of("stages", stages(&certificate)));
    }
    Verdict { certificate: Some(certificate), checks }
}

fn form(text: &str) -> Result<(Note<'_>, Certificate), String> {
    let (note, certificate): (_, Certificate) = document(text)?;
    demand(certificate.certificate == FORMAT, "another version of certificates")?;
    Ok((note, certificate))
}

fn signature(note: &Note<'_>, certificate: &Certificate, key: &VerifierKey) -> Finding {
    signed(note, certificate.log.as_str(), key, "the certificate is of another log than the key")
}

fn leaf(entry: &Entry) -> Result<Leaf, String> {
    Leaf::parse(&entry.leaf).map_err(|error| error.to_string())
}

/// The entry of the erasure is about this erasure, under this tag.
fn intent(certificate: &Certificate) -> Finding {
    let leaf = leaf(&certificate.evidence.intent)?;
    let subject = &certificate.erasure;
    let Event::EraseIntent { erasure, compartment_only, tag } = leaf.event else {
        return Err("the entry is no erase.intent".to_owned());
    };
    demand(erasure == subject.id, "the entry is of another erasure")?;
    demand(compartment_only == (subject.scope == Scope::Compartment), "the entry is of another scope")?;
    demand(tag == subject.tag, "the entry has another tag")?;
    demand(leaf.minute == certificate.stages.fenced_at.as_minutes(), "the entry is of another time")?;
    Ok("the erasure was decided and logged under its tag".to_owned())
}

/// The key tree got the new root that the seal speaks of.
fn rotation(certificate: &Certificate) -> Finding {
    let Event::TreeRotate(Rotation { epoch, old_root, new_root, .. }) = leaf(&certificate.evidence.rotation)?.event
    else {
        return Err("the entry is no tree.rotate".to_owned());
    };
    let keys = &certificate.keys;
    let same = (epoch, old_root, new_root) == (keys.epoch, keys.destroyed_root, keys.remaining_root);
    demand(same, "the entry is of another epoch or of other roots")?;
    demand(old_root != new_root, "the root did not change")?;
    Ok(format!("the key tree got its root of epoch {epoch}"))
}

/// The seal names this tag, and the roots, the level and the holders are those of the certificate.
fn seal(certificate: &Certificate) -> Finding {
    let leaf = leaf(&certificate.evidence.seal)?;
    let minute = leaf.minute;
    let Event::Seal(SealEvent { epoch, old_root, new_root, level, holders, tags }) = leaf.event else {
        return Err("the entry is no seal".to_owned());
    };
    let keys = &certificate.keys;
    let same = (epoch, old_root, new_root) == (keys.epoch, keys.destroyed_root, keys.remaining_root);
    demand(same, "the entry is of another epoch or of other roots")?;
    demand(tags.contains(&certificate.erasure.tag), "the entry does not name the tag of this erasure")?;
    demand(level == certificate.slot.level, "the entry is of another slot level")?;
    demand(holders == certificate.holders, "the entry names other holders, or other words of theirs")?;
    demand(minute == certificate.stages.sealed_at.as_minutes(), "the entry is of another time")?;
    Ok(format!("the root before epoch {epoch} is gone everywhere, for this tag and {} others", tags.len() - 1))
}

/// The purge names this tag.
fn purge(certificate: &Certificate, entry: &Entry) -> Finding {
    let leaf = leaf(entry)?;
    let Event::Purge(tags) = leaf.event else { return Err("the entry is no purge".to_owned()) };
    demand(tags.contains(&certificate.erasure.tag), "the entry does not name the tag of this erasure")?;
    let purged = certificate.stages.purged_at.map(Timestamp::as_minutes);
    demand(purged == Some(leaf.minute), "the entry is of another time")?;
    Ok("the files of the vault were searched for it, and it was not found".to_owned())
}

/// The entries are in the log, in this order, under one checkpoint that the log's key signed.
fn inclusion(evidence: &Evidence, key: &VerifierKey) -> Finding {
    let (mut before, mut signed) = (None, None::<(u64, String)>);
    let always = [("intent", &evidence.intent), ("rotation", &evidence.rotation), ("seal", &evidence.seal)];
    for (name, entry) in always.into_iter().chain(evidence.purge.as_ref().map(|entry| ("purge", entry))) {
        let because = |what: &dyn fmt::Display| format!("{name}: {what}");
        let proof = InclusionProof::parse(&entry.proof).map_err(|error| because(&error))?;
        let checkpoint = proof.verify(&leaf_hash(&entry.leaf), key).map_err(|error| because(&error))?;
        demand(before < Some(proof.index), &because(&"it does not come after the entry before"))?;
        let same = signed.as_ref().is_none_or(|(_, known)| *known == proof.checkpoint);
        demand(same, &because(&"under another checkpoint"))?;
        before = Some(proof.index);
        signed = Some((checkpoint.size, proof.checkpoint));
    }
    Ok(format!("all of them are in the log of {} entries", signed.map_or(0, |(size, _)| size)))
}

fn cosigned(evidence: &Evidence, witness: &VerifierKey) -> Finding {
    let because = |error: &dyn fmt::Display| format!("{}: {error}", witness.name());
    let proof = InclusionProof::parse(&evidence.seal.proof).map_err(|error| because(&error))?;
    let note = Note::parse(&proof.checkpoint).map_err(|error| because(&error))?;
    note.require(witness).map_err(|error| because(&error))?;
    Ok(format!("{} saw the log as it is proved here", witness.name()))
}

/// The times follow each other, and the stage is one that has a certificate.
fn stages(certificate: &Certificate) -> Finding {
    let times = &certificate.stages;
    let ascending = times.requested_at <= times.fenced_at && times.fenced_at <= times.sealed_at;
    demand(ascending, "the stages do not follow each other")?;
    let last = times.purged_at.unwrap_or(times.sealed_at);
    demand(times.sealed_at <= last && last <= certificate.issued_at, "a stage is later than what follows it")?;
    match (certificate.stage, times.purged_at, &certificate.evidence.purge) {
        (Stage::Sealed, None, None) => Ok(format!("sealed at {}", times.sealed_at)),
        (Stage::Purged, Some(purged), Some(_)) => Ok(format!("sealed at {}, purged at {purged}", times.sealed_at)),
        _ => Err("the stage is not that of its times and entries".to_owned()),
    }
}
