//! Signed notes (C2SP `signed-note`): a text, and under it who stands by it.
//!
//! Reads notes of anybody, writes those of the log. Signatures of keys that were not asked for are no business of ours;
//! one under a key that was asked for must hold, or the note is refused as a whole.

use data_encoding::BASE64;

use super::key::{KEY_ID_LEN, KeyName, SignatureType, VerifierKey};
use crate::code::{Code, Coded};
use crate::crypto::LogKey;

/// The longest note that is read: a certificate has about ten kilobytes.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// The most signatures of one note.
pub const SIGNATURES_MAX: usize = 64;

const LINE_START: &str = "\u{2014} ";

/// Why a note, a checkpoint, a proof or a key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the form of a signed note, checkpoint or proof.
    #[error("{0}")]
    Malformed(&'static str),
    /// Well-formed and signed, but not true of what it was held against.
    #[error("{0}")]
    Untrue(&'static str),
    /// Not a verifier key.
    #[error("a verifier key has the form <name>+<8 hex>+<base64>, of type Ed25519 or cosignature/v1; {0}")]
    Key(&'static str),
    /// Nobody whose key was given signed it.
    #[error("it is not signed under the key that was given")]
    Unsigned,
    /// The signature under a key that was given does not hold.
    #[error("the signature under the key that was given does not hold")]
    BadSignature,
}

impl Coded for NoteError {
    fn code(&self) -> Code {
        match self {
            Self::Key(_) => Code::InvalidRequest,
            Self::Malformed(_) | Self::Untrue(_) | Self::Unsigned | Self::BadSignature => Code::NotVerified,
        }
    }
}

/// A note as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

/// One line under a note.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SignatureLine<'a> {
    line: &'a str,
    name: &'a str,
    id: [u8; KEY_ID_LEN],
    signature: Vec<u8>,
}

/// A signature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested<'a> {
    /// The line as it stands in the note, without its newline.
    pub line: &'a str,
    /// When a witness signed, in seconds since 1970.
    pub time: Option<u64>,
}

impl<'a> Note<'a> {
    /// Reads a note. Nothing is verified yet.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed("the note is too long"));
        }
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed("a signed note has no control characters but newlines"));
        }
        let split = note.rfind("\n\n").and_then(|at| note.split_at_checked(at + 1));
        let (text, rest) = split.ok_or(NoteError::Malformed("a signed note has a blank line before its signatures"))?;
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).unwrap_or_default();
        let signatures: Result<Vec<_>, _> =
            lines.split('\n').take(SIGNATURES_MAX + 1).map(SignatureLine::parse).collect();
        let signatures = signatures?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Malformed("the note has too many signatures"));
        }
        Ok(Self { text, signatures })
    }

    /// The text, with its last newline. Means nothing until somebody's signature was verified.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The signature under `key`, if there is one.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if there is one that does not hold.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<Option<Attested<'a>>, NoteError> {
        let id = key.id();
        let mut found = None;
        for line in self.signatures.iter().filter(|line| line.name == key.name().as_str() && line.id == id) {
            let attested = line.verify(self.text, key).ok_or(NoteError::BadSignature)?;
            found = found.or(Some(attested));
        }
        Ok(found)
    }

    /// Demands a signature under `key`.
    pub fn require(&self, key: &VerifierKey) -> Result<Attested<'a>, NoteError> {
        self.signed_by(key)?.ok_or(NoteError::Unsigned)
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("a signature line has the form: em dash, key name, base64");
        let (name, signature) = line.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).ok_or(malformed)?;
        let _: KeyName = name.parse().map_err(|_| malformed)?;
        let bytes = BASE64.decode(signature.as_bytes()).map_err(|_| malformed)?;
        let (id, signature) = bytes.split_first_chunk().filter(|(_, rest)| !rest.is_empty()).ok_or(malformed)?;
        Ok(Self { line, name, id: *id, signature: signature.to_vec() })
    }

    fn verify(&self, text: &str, key: &VerifierKey) -> Option<Attested<'a>> {
        let (time, signature, message) = match key.kind() {
            SignatureType::Ed25519 => (None, self.signature.as_slice(), text.to_owned()),
            SignatureType::Cosignature => {
                let (time, signature) = self.signature.split_first_chunk()?;
                let time = u64::from_be_bytes(*time);
                (Some(time), signature, cosigned_message(time, text))
            }
        };
        let signature = signature.try_into().ok().filter(|_| time.is_none_or(|time| i64::try_from(time).is_ok()))?;
        key.public().verifies(message.as_bytes(), signature).then_some(Attested { line: self.line, time })
    }
}

/// What a witness signs.
fn cosigned_message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// The note of the log over `text`, which ends with a newline and has no other control characters.
pub fn sign_note(text: &str, name: &KeyName, key: &LogKey) -> String {
    let verifier = VerifierKey::new(name.clone(), SignatureType::Ed25519, key.public());
    format!("{text}\n{}", signature_line(&verifier, &key.sign(text.as_bytes())))
}

/// A cosignature line over a checkpoint, as a witness makes it. The vault is no witness; tests and tools are.
pub fn cosign(text: &str, name: &KeyName, key: &LogKey, time: u64) -> String {
    let verifier = VerifierKey::new(name.clone(), SignatureType::Cosignature, key.public());
    let signature = key.sign(cosigned_message(time, text).as_bytes());
    signature_line(&verifier, &[time.to_be_bytes().as_slice(), &signature].concat())
}

fn signature_line(key: &VerifierKey, signature: &[u8]) -> String {
    format!("{LINE_START}{} {}\n", key.name(), BASE64.encode(&[&key.id(), signature].concat()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_read_is_not_believed_and_does_not_panic(text in "[\\PC\n\u{2014} ]{0,200}") {
            let key: VerifierKey = VKEY.parse().unwrap();
            if let Ok(note) = Note::parse(&text) {
                prop_assert!(note.require(&key).is_err());
            }
        }
    }

    /// The example of the Go package `golang.org/x/mod/sumdb/note`, which the specification grew out of.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    /// The example of the C2SP specification of checkpoints, cosigned.
    const CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

    #[test]
    fn the_note_of_the_go_package_verifies() {
        let key: VerifierKey = VKEY.parse().unwrap();
        assert_eq!(key.to_string(), VKEY);
        let note = Note::parse(NOTE).unwrap();
        assert!(note.text().ends_with("your problem is.\n"));
        assert!(note.require(&key).is_ok());
        for (at, _) in note.text().trim_end().char_indices() {
            let mut changed = NOTE.to_owned();
            changed.replace_range(at..=at, "#");
            let refused = Note::parse(&changed).and_then(|note| note.require(&key).map(|_| ()));
            assert_eq!(refused, Err(NoteError::BadSignature), "{at}");
        }
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let note = Note::parse(CHECKPOINT).unwrap();
        assert_eq!(note.signatures.len(), 2);
        assert_eq!(note.signatures[1].name, "witness.example.com/w1");
        // 2023-03-17, as the example says.
        assert_eq!(note.signatures[1].signature[..8], 1_679_315_147u64.to_be_bytes());
    }

    fn name(text: &str) -> KeyName {
        text.parse().unwrap()
    }

    fn key(seed: u8, kind: SignatureType, of: &str) -> (LogKey, VerifierKey) {
        let key = LogKey::from_seed_for_tests(&[seed; 32]);
        let verifier = VerifierKey::new(name(of), kind, key.public());
        (key, verifier)
    }

    #[test]
    fn what_the_log_and_a_witness_sign_verifies_and_nothing_else_does() {
        let (log, log_key) = key(1, SignatureType::Ed25519, "example.org/log");
        let (witness, witness_key) = key(2, SignatureType::Cosignature, "witness.example");
        let text = "example.org/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        let signed = sign_note(text, log_key.name(), &log);
        let cosigned = signed.clone() + &cosign(text, witness_key.name(), &witness, 77);

        let note = Note::parse(&cosigned).unwrap();
        assert_eq!(note.require(&log_key).map(|by| by.time), Ok(None));
        assert_eq!(note.require(&witness_key).map(|by| by.time), Ok(Some(77)));
        // A key of the same name and another id, and one of the same bytes and another kind, did not sign.
        let (_, stranger) = key(3, SignatureType::Ed25519, "example.org/log");
        let (_, as_witness) = key(1, SignatureType::Cosignature, "example.org/log");
        for other in [&stranger, &as_witness] {
            assert_eq!(note.signed_by(other), Ok(None));
            assert_eq!(note.require(other), Err(NoteError::Unsigned));
        }
        assert_eq!(Note::parse(&signed).unwrap().require(&witness_key), Err(NoteError::Unsigned));
        // The time is signed.
        let line = cosign(text, witness_key.name(), &witness, 77);
        let mut signature = BASE64.decode(line.trim().rsplit(' ').next().unwrap().as_bytes()).unwrap();
        signature[11] += 1;
        let later = format!("{LINE_START}witness.example {}\n", BASE64.encode(&signature));
        let later = signed.clone() + &later;
        assert_eq!(Note::parse(&later).unwrap().signed_by(&witness_key), Err(NoteError::BadSignature));
        let other_text = "example.org/log\n2\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        let moved = sign_note(other_text, log_key.name(), &log) + &line;
        assert_eq!(Note::parse(&moved).unwrap().signed_by(&witness_key), Err(NoteError::BadSignature));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let (log, verifier) = key(1, SignatureType::Ed25519, "log");
        let good = sign_note("text\n", verifier.name(), &log);
        assert!(Note::parse(&good).is_ok());
        let signature = good.rsplit(' ').next().unwrap().trim();
        let cases = [
            String::new(),
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            good.trim_end().to_owned(),
            good.replace('\u{2014}', "-"),
            good.replace("log ", ""),
            good.replace("log ", "l+g "),
            good.replace(signature, "####"),
            good.replace(signature, "AAAA"),
            good.replace("text", "te\txt"),
            format!("{good}\n"),
            format!("{good}trailing\n"),
            "a".repeat(NOTE_BYTES_MAX + 1),
            good.clone() + &format!("\u{2014} log {signature}\n").repeat(SIGNATURES_MAX),
        ];
        for case in cases {
            let refused = Note::parse(&case).map(|_| ());
            assert!(matches!(refused, Err(NoteError::Malformed(_))), "{:?}", &case[..case.len().min(99)]);
        }
    }
}
