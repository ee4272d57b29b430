//! Proofs as files (C2SP `tlog-proof`): that an entry is in a log, for a reader who has nothing but the log's key.

use data_encoding::BASE64;

use super::Checkpoint;
use super::checkpoint::{decimal, hash};
use super::hash::Hash;
use super::key::VerifierKey;
use super::note::{Note, NoteError};
use super::verify::verify_inclusion;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The hashes of a proof in a tree of 2^64 leaves.
const HASHES_MAX: usize = 64;

/// That the entry `index` is in the log of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Which entry.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, word for word.
    pub checkpoint: String,
}

impl InclusionProof {
    /// The file.
    pub fn text(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| BASE64.encode(hash) + "\n").collect();
        format!("{FIRST_LINE}\nindex {}\n{hashes}\n{}", self.index, self.checkpoint)
    }

    /// Reads the file. Nothing is verified yet. Extra data, which the specification lets others add, is refused: our
    /// proofs need none, and nothing vouches for it.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("not a tlog-proof file");
        let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed);
        }
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?)).ok_or(malformed)?;
        let hashes: Option<Vec<Hash>> = lines.take(HASHES_MAX + 1).map(hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= HASHES_MAX).ok_or(malformed)?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the log of `key` holds a leaf of this hash at [`Self::index`], and gives its checkpoint.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] and [`NoteError::Unsigned`] of the checkpoint; [`NoteError::Malformed`] where it
    /// is none; [`NoteError::Untrue`] where it is of another log, or has another root than the proof leads to.
    pub fn verify(&self, leaf: &Hash, key: &VerifierKey) -> Result<Checkpoint, NoteError> {
        let note = Note::parse(&self.checkpoint)?;
        note.require(key)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != *key.name() {
            return Err(NoteError::Untrue("the checkpoint is of another log than the key"));
        }
        if verify_inclusion(self.index, checkpoint.size, leaf, &checkpoint.root, &self.hashes) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Untrue("the proof does not lead from this entry to the root of the checkpoint"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::sign_note;
    use super::super::{KeyName, SignatureType, naive, node_hash};
    use super::*;
    use crate::crypto::LogKey;

    fn world() -> (InclusionProof, Vec<Hash>, LogKey, VerifierKey) {
        let leaves = naive::leaves(3);
        let key = LogKey::from_seed_for_tests(&[5; 32]);
        let origin: KeyName = "example.org/log".parse().unwrap();
        let checkpoint = Checkpoint { origin: origin.clone(), size: 3, root: naive::root(&leaves) };
        let signed = sign_note(&checkpoint.text(), &origin, &key);
        let proof = InclusionProof { index: 1, hashes: vec![leaves[0], leaves[2]], checkpoint: signed };
        let verifier = VerifierKey::new(origin, SignatureType::Ed25519, key.public());
        (proof, leaves, key, verifier)
    }

    #[test]
    fn a_proof_survives_its_text_and_holds() {
        let (proof, leaves, _, verifier) = world();
        let text = proof.text();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"));
        assert_eq!(InclusionProof::parse(&text).as_ref(), Ok(&proof));
        assert_eq!(proof.verify(&leaves[1], &verifier).map(|checkpoint| checkpoint.size), Ok(3));
        let alone = InclusionProof { index: 0, hashes: Vec::new(), checkpoint: proof.checkpoint };
        assert_eq!(InclusionProof::parse(&alone.text()), Ok(alone));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let (proof, leaves, key, verifier) = world();
        let refused = |proof: &InclusionProof, leaf: &Hash| proof.verify(leaf, &verifier).unwrap_err();
        assert!(matches!(refused(&proof, &leaves[0]), NoteError::Untrue(_)));
        assert!(matches!(refused(&InclusionProof { index: 2, ..proof.clone() }, &leaves[1]), NoteError::Untrue(_)));
        let hashes = vec![leaves[0], node_hash(&leaves[0], &leaves[2])];
        assert!(matches!(refused(&InclusionProof { hashes, ..proof.clone() }, &leaves[1]), NoteError::Untrue(_)));
        let checkpoint = proof.checkpoint.replace("\n3\n", "\n4\n");
        assert_eq!(refused(&InclusionProof { checkpoint, ..proof.clone() }, &leaves[1]), NoteError::BadSignature);
        // A checkpoint that this key signed for another log.
        let other = Checkpoint { origin: "other".parse().unwrap(), size: 3, root: naive::root(&leaves) };
        let checkpoint = sign_note(&other.text(), verifier.name(), &key);
        assert!(matches!(refused(&InclusionProof { checkpoint, ..proof }, &leaves[1]), NoteError::Untrue(_)));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let (proof, ..) = world();
        let good = proof.text();
        for text in [
            String::new(),
            good.replace("@v1", "@v2"),
            good.replace("index 1", "index 01"),
            good.replace("index 1", "index -1"),
            good.replace("index 1\n", ""),
            good.replace("index 1", "extra AAAA\nindex 1"),
            good.replacen('=', "", 1),
            good.replace("\n\n", "\n"),
            good.replace("index 1\n", &format!("index 1\n{}", (BASE64.encode(&[0; 32]) + "\n").repeat(63))),
        ] {
            let refused = InclusionProof::parse(&text).map(|_| ());
            assert!(matches!(refused, Err(NoteError::Malformed(_))), "{text}");
        }
    }
}
