//! The keyring file: `header | envelope | CRC-32 u32`, the envelope being under the key-encryption key.
//!
//! Header: `"MVKEYS1\n" 8 | vault 16 | method u8 | m_kib u32 | t u32 | p u32 | salt 16` (53 bytes). It is part of the
//! associated data of the envelope, so a changed header does not open. The checksum covers all before it; it protects
//! nothing, but tells a damaged file from a wrong passphrase.
//!
//! Body: `1 | epoch u64 | root 32 | has next u8 [epoch u64 | root 32] | vault secret 32 | ledger size u64 | ledger root
//! 32 | holders u8 x (name | len u16 | path) | zeroes to a multiple of 512`.

use std::path::PathBuf;

use super::key_bytes::KeyBytes;
use super::reader::{Reader, name_len};
use super::{CodecError, Plaintext};
use crate::types::{HolderName, VaultId};

/// Bytes of the checksum at the end of a file.
const CHECKSUM_LEN: usize = 4;
const FILE: &str = "keyring file";
const HEADER: &str = "keyring header";
const BODY: &str = "keyring body";
const VERSION: u8 = 1;
const BLOCK: usize = 512;

/// The first bytes of every keyring file. The last but one is its version.
pub const KEYRING_MAGIC: &[u8; 8] = b"MVKEYS1\n";
/// Directories a keyring may be copied to.
pub const HOLDERS_MAX: usize = 16;
/// Bytes of the path of one of them.
pub const HOLDER_PATH_MAX: usize = 1024;

/// How the key-encryption key is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnlockMethod {
    /// From a passphrase, through Argon2id.
    Passphrase = 1,
    /// From a key file.
    KeyFile = 2,
}

/// The clear header of a keyring file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyringHeader {
    /// The vault.
    pub vault: VaultId,
    /// How the key-encryption key is found.
    pub method: UnlockMethod,
    /// Argon2id: memory in KiB. Zero for a key file, like the three fields below.
    pub m_kib: u32,
    /// Argon2id: passes.
    pub t: u32,
    /// Argon2id: lanes.
    pub p: u32,
    /// Argon2id: salt.
    pub salt: [u8; 16],
}

impl KeyringHeader {
    /// Bytes of a header.
    pub const LEN: usize = 53;

    /// Writes the header.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.extend_from_slice(KEYRING_MAGIC);
        bytes.extend_from_slice(self.vault.as_bytes());
        bytes.push(self.method as u8);
        bytes.extend([self.m_kib, self.t, self.p].iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// The file of this header and an envelope. Allocated once, so that growing leaves no copy that nobody wipes.
    pub fn frame(&self, envelope: &[u8]) -> Vec<u8> {
        let mut file = Vec::with_capacity(Self::LEN.saturating_add(envelope.len()).saturating_add(CHECKSUM_LEN));
        file.extend_from_slice(&self.encode());
        file.extend_from_slice(envelope);
        file.extend_from_slice(&crc32fast::hash(&file).to_be_bytes());
        file
    }

    /// Header and envelope of a file.
    pub fn unframe(file: &[u8]) -> Result<(Self, &[u8]), CodecError> {
        if let [b'M', b'V', b'K', b'E', b'Y', b'S', version @ b'2'..=b'9', b'\n', ..] = file {
            return Err(CodecError::Unknown { what: FILE, found: *version });
        }
        let (covered, checksum) = file.split_last_chunk().ok_or(CodecError::Truncated { what: FILE })?;
        if *checksum != crc32fast::hash(covered).to_be_bytes() {
            return Err(CodecError::Invalid { what: FILE, field: "its checksum" });
        }
        Self::parse(covered)
    }

    /// Reads the header at the beginning of `file`; the rest is given back.
    pub fn parse(file: &[u8]) -> Result<(Self, &[u8]), CodecError> {
        let mut reader = Reader::unversioned(HEADER, file);
        if reader.array()? != KEYRING_MAGIC {
            return Err(reader.invalid("magic"));
        }
        let header = Self {
            vault: VaultId::from_bytes(*reader.array()?),
            method: match reader.u8()? {
                1 => UnlockMethod::Passphrase,
                2 => UnlockMethod::KeyFile,
                found => return Err(reader.unknown(found)),
            },
            m_kib: reader.u32()?,
            t: reader.u32()?,
            p: reader.u32()?,
            salt: *reader.array()?,
        };
        Ok((header, reader.rest()))
    }
}

/// The sealed part of a keyring. `R` is a root key of the key tree, `V` the vault secret.
pub struct KeyringBody<R, V> {
    /// The epoch of the key tree.
    pub epoch: u64,
    /// The key of the root node.
    pub root: R,
    /// While a seal is under way: the next epoch and the key of its root node.
    pub next: Option<(u64, R)>,
    /// The vault's own secret.
    pub vault_secret: V,
    /// Leaves in the ledger when the keyring was written.
    pub ledger_size: u64,
    /// The root hash over them.
    pub ledger_root: [u8; 32],
    /// Who keeps copies of the file.
    pub holders: Vec<Holder>,
}

/// A directory, on another disk or host, that keeps a copy of the keyring file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What the operator calls it.
    pub name: HolderName,
    /// The directory.
    pub directory: PathBuf,
}

impl<R: KeyBytes, V: KeyBytes> KeyringBody<R, V> {
    /// Writes the body.
    pub fn encode(&self) -> Result<Plaintext, CodecError> {
        let mut body = Plaintext::with_capacity(BLOCK);
        body.extend(&[VERSION]);
        body.extend(&self.epoch.to_be_bytes());
        body.extend(self.root.expose_key_bytes());
        body.extend(&[u8::from(self.next.is_some())]);
        if let Some((epoch, root)) = &self.next {
            body.extend(&epoch.to_be_bytes());
            body.extend(root.expose_key_bytes());
        }
        body.extend(self.vault_secret.expose_key_bytes());
        body.extend(&self.ledger_size.to_be_bytes());
        body.extend(&self.ledger_root);
        encode_holders(&self.holders, &mut body)?;
        let padded = body.len().next_multiple_of(BLOCK);
        body.pad_to(padded);
        Ok(body)
    }

    /// Reads a body.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(BODY, bytes, VERSION)?;
        let body = Self {
            epoch: reader.u64()?,
            root: R::from_key_bytes(reader.array()?),
            next: match reader.u8()? {
                0 => None,
                1 => Some((reader.u64()?, R::from_key_bytes(reader.array()?))),
                _ => return Err(reader.invalid("has next")),
            },
            vault_secret: V::from_key_bytes(reader.array()?),
            ledger_size: reader.u64()?,
            ledger_root: *reader.array()?,
            holders: parse_holders(&mut reader)?,
        };
        reader.finish_padded(bytes.len(), BLOCK).map(|()| body)
    }
}

fn encode_holders(holders: &[Holder], body: &mut Plaintext) -> Result<(), CodecError> {
    let too_large = |field| CodecError::TooLarge { what: BODY, field };
    let count = u8::try_from(holders.len()).ok().filter(|_| holders.len() <= HOLDERS_MAX);
    body.extend(&[count.ok_or(too_large("the number of holders"))?]);
    for holder in holders {
        let path = holder.directory.to_str().ok_or(CodecError::Invalid { what: BODY, field: "holder" })?;
        body.extend(&[name_len(holder.name.as_str())]);
        body.extend(holder.name.as_str().as_bytes());
        let len = u16::try_from(path.len()).ok().filter(|_| path.len() <= HOLDER_PATH_MAX);
        body.extend(&len.ok_or(too_large("the path of a holder"))?.to_be_bytes());
        body.extend(path.as_bytes());
    }
    Ok(())
}

fn parse_holders(reader: &mut Reader<'_>) -> Result<Vec<Holder>, CodecError> {
    let count = usize::from(reader.u8()?);
    if count > HOLDERS_MAX {
        return Err(reader.invalid("the number of holders"));
    }
    let mut holders = Vec::with_capacity(count);
    for _ in 0..count {
        let name = reader.name("the name of a holder")?;
        let len = usize::from(reader.u16()?);
        let path = reader.take(len)?;
        if len > HOLDER_PATH_MAX {
            return Err(reader.invalid("holder"));
        }
        let path = std::str::from_utf8(path).map_err(|_| reader.invalid("holder"))?;
        holders.push(Holder { name, directory: PathBuf::from(path) });
    }
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    type Body = KeyringBody<Secret<[u8; 32]>, Secret<[u8; 32]>>;

    fn body(next: bool, holders: &[&str]) -> Body {
        KeyringBody {
            epoch: 4,
            root: Secret::new([1; 32]),
            next: next.then(|| (5, Secret::new([2; 32]))),
            vault_secret: Secret::new([3; 32]),
            ledger_size: 6,
            ledger_root: [7; 32],
            holders: holders.iter().copied().map(holder).collect(),
        }
    }

    fn holder(path: &str) -> Holder {
        Holder { name: "safe".parse().unwrap(), directory: path.into() }
    }

    #[test]
    fn a_body_survives_its_bytes() {
        for (next, holders) in [(false, [].as_slice()), (true, &["/mnt/a", "/mnt/ü"])] {
            let bytes = body(next, holders).encode().unwrap();
            assert_eq!(bytes.len(), 512);
            let read = Body::parse(bytes.expose()).unwrap();
            assert_eq!((read.epoch, read.ledger_size, read.ledger_root), (4, 6, [7; 32]));
            assert_eq!(read.next.as_ref().map(|(epoch, root)| (*epoch, *root.expose())), next.then_some((5, [2; 32])));
            assert_eq!((read.root.expose(), read.vault_secret.expose()), (&[1; 32], &[3; 32]));
            assert_eq!(read.holders, body(next, holders).holders);
        }
    }

    #[test]
    fn damage_is_refused() {
        let bytes = body(true, &["/mnt/a"]).encode().unwrap().expose().to_vec();
        (0..bytes.len()).for_each(|cut| assert!(Body::parse(&bytes[..cut]).is_err(), "{cut}"));
        for (at, value) in [(0, 2), (41, 2), (154, 17), (156, b'S'), (162, 0xff), (511, 1)] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            assert!(Body::parse(&bytes).is_err(), "{at}");
        }
        assert!(Body::parse(&[bytes.as_slice(), &[0; 512]].concat()).is_err());
        let too_long = "x".repeat(HOLDER_PATH_MAX + 1);
        assert!(body(false, &[too_long.as_str()]).encode().is_err());
        assert!(body(false, &["/mnt"; 17]).encode().is_err());
    }

    #[test]
    fn the_header_is_read_without_the_key() {
        let vault = VaultId::from_bytes([9; 16]);
        let header = KeyringHeader { vault, method: UnlockMethod::Passphrase, m_kib: 65536, t: 3, p: 4, salt: [8; 16] };
        let mut file = header.encode();
        assert_eq!(file.len(), KeyringHeader::LEN);
        file.extend_from_slice(b"envelope");
        assert_eq!(KeyringHeader::parse(&file), Ok((header, b"envelope".as_slice())));
        (0..KeyringHeader::LEN).for_each(|cut| assert!(KeyringHeader::parse(&file[..cut]).is_err()));
        assert_eq!(KeyringHeader::unframe(&header.frame(b"envelope")), Ok((header, b"envelope".as_slice())));
        file[24] = 3;
        assert_eq!(KeyringHeader::parse(&file), Err(CodecError::Unknown { what: HEADER, found: 3 }));
        file[0] = b'm';
        assert!(KeyringHeader::parse(&file).is_err());
    }
}
