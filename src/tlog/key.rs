//! Public keys with their names: what a verifier is given, as a line of text.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};

use super::note::NoteError;
use crate::crypto::{PublicKey, sha256};
use crate::types::VaultId;

/// Bytes of the short id of a key.
pub(super) const KEY_ID_LEN: usize = 4;

/// The name of a key, which for a log is its origin: visible, without spaces and plus signs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Bytes of a name. Witnesses refuse longer ones.
    pub const LEN_MAX: usize = 255;

    /// The name of a vault's log, unless another was chosen.
    pub fn of_vault(vault: &VaultId) -> Self {
        Self(format!("membervault/{vault}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.len() > Self::LEN_MAX || text.contains(wrong) {
            return Err(NoteError::Key("the name has 1 to 255 bytes, without spaces and plus signs"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a signature under a key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureType {
    /// A signature of the text.
    Ed25519 = 1,
    /// A witness's statement, with its time, that it saw the checkpoint and that the log only grew.
    Cosignature = 4,
}

/// A public key with its name: what a verifier is given. As text it is a `vkey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    kind: SignatureType,
    key: PublicKey,
}

impl VerifierKey {
    /// A key of this name and kind.
    pub const fn new(name: KeyName, kind: SignatureType, key: PublicKey) -> Self {
        Self { name, kind, key }
    }

    /// The name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// What signatures under it say.
    pub const fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The public key.
    pub(super) const fn public(&self) -> &PublicKey {
        &self.key
    }

    /// The short id in signature lines. Tells keys apart; not a hash to rely on.
    pub fn id(&self) -> [u8; KEY_ID_LEN] {
        let hash = sha256(&[self.name.0.as_bytes(), b"\n", &[self.kind as u8], self.key.as_bytes()]);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind as u8], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id()), BASE64.encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Key("this text is not one");
        // The key itself may contain a plus sign; name and id cannot.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| malformed)?;
        let (kind, key) = bytes.split_first().ok_or(malformed)?;
        let kind = match kind {
            1 => SignatureType::Ed25519,
            4 => SignatureType::Cosignature,
            _ => return Err(NoteError::Key("this one is of another type")),
        };
        let key = key.try_into().ok().and_then(PublicKey::from_bytes).ok_or(malformed)?;
        let verifier = Self { name: name.parse()?, kind, key };
        if HEXLOWER.encode(&verifier.id()) == id {
            Ok(verifier)
        } else {
            Err(NoteError::Key("its id does not belong to its name and key: a typing error?"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::LogKey;

    #[test]
    fn what_is_no_verifier_key_is_refused() {
        let name = "example.org/log".parse().unwrap();
        let public = LogKey::from_seed_for_tests(&[1; 32]).public();
        let good = VerifierKey::new(name, SignatureType::Ed25519, public).to_string();
        assert!(good.parse::<VerifierKey>().is_ok());
        let (name, rest) = good.split_once('+').unwrap();
        let (id, key) = rest.split_once('+').unwrap();
        for text in [
            String::new(),
            name.to_owned(),
            format!("{name}+{id}"),
            format!("other+{id}+{key}"),
            format!("{name}+00000000+{key}"),
            format!("{name}+{}+{key}", id.to_uppercase() + "A"),
            format!("{name}+{id}+{}", &key[..key.len() - 4]),
            format!("{name}+{id}+Ag{}", &key[2..]),
            format!("na me+{id}+{key}"),
            format!("+{id}+{key}"),
            good.clone() + "=",
        ] {
            assert!(matches!(text.parse::<VerifierKey>(), Err(NoteError::Key(_))), "{text}");
        }
    }
}
