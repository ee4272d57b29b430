//! A master key in a file: 32 random bytes as one line of text, for servers that start without a person.
//!
//! ```text
//! mvkey1-<64 hex digits: the key>-<8 hex digits: CRC-32 of all before the last '-'>
//! ```
//!
//! The checksum is no protection; it tells a mistyped or truncated copy from a wrong one.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::secret_file;
use super::{MasterKey, MasterKeyError, UnlockMethod, UnlockParams};
use crate::crypto::{self, Entropy, Key};
use crate::secret::Secret;
use crate::types::place::Kek;

const PREFIX: &str = "mvkey1-";
/// Prefix, key, dash, checksum.
const LINE_LEN: usize = PREFIX.len() + 64 + 1 + 8;
/// The line, and a line end of either kind.
const FILE_BYTES_MAX: usize = LINE_LEN + 2;

/// A master key that was read from, or written to, a key file.
pub struct KeyFile {
    path: PathBuf,
    key: Secret<[u8; 32]>,
}

impl KeyFile {
    /// Makes a new key and writes it to `path`, which must not exist.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self, MasterKeyError> {
        let key = Secret::init_with(|bytes: &mut [u8; 32]| entropy.fill(bytes))?;
        secret_file::create(path, line_of(key.expose()).as_bytes())?;
        Self::read(path)
    }

    /// Reads a key file that only its owner can read.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let bytes = secret_file::read(path, FILE_BYTES_MAX).map_err(|error| match error {
            secret_file::SecretFileError::TooLong { path, .. } => MasterKeyError::NotAKeyFile { path },
            other => other.into(),
        })?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Self { path: path.into(), key: parse(line, path)? })
    }

    /// Where it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl MasterKey for KeyFile {
    fn method(&self) -> UnlockMethod {
        UnlockMethod::KeyFile
    }

    fn fresh_params(&self, _: &dyn Entropy) -> Result<UnlockParams, MasterKeyError> {
        Ok(UnlockParams::KeyFile)
    }

    fn kek(&self, params: &UnlockParams) -> Result<Key<Kek>, MasterKeyError> {
        match params {
            UnlockParams::KeyFile => Ok(crypto::kek_from_key_file(self.key.expose())),
            other => Err(MasterKeyError::WrongMethod { needed: other.method(), given: self.method() }),
        }
    }
}

fn line_of(key: &[u8; 32]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX));
    line.push_str(PREFIX);
    HEXLOWER.encode_append(key, &mut line);
    let checksum = crc32fast::hash(line.as_bytes());
    line.push('-');
    HEXLOWER.encode_append(&checksum.to_be_bytes(), &mut line);
    line.push('\n');
    line
}

fn parse(line: &[u8], path: &Path) -> Result<Secret<[u8; 32]>, MasterKeyError> {
    let damaged = || MasterKeyError::DamagedKeyFile { path: path.into() };
    let text = line.strip_prefix(PREFIX.as_bytes()).ok_or_else(|| MasterKeyError::NotAKeyFile { path: path.into() })?;
    let (digits, checksum) = text.split_at_checked(64).ok_or_else(damaged)?;
    let checksum = checksum.strip_prefix(b"-").ok_or_else(damaged)?;
    let covered = line.get(..PREFIX.len() + digits.len()).ok_or_else(damaged)?;
    if HEXLOWER.decode(checksum).ok().as_deref() != Some(&crc32fast::hash(covered).to_be_bytes()) {
        return Err(damaged());
    }
    Secret::init_with(|key: &mut [u8; 32]| match HEXLOWER.decode_mut(digits, key) {
        Ok(32) => Ok(()),
        _ => Err(damaged()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Code, Coded};

    /// A line with a checksum computed elsewhere (Python's `zlib.crc32`).
    const VECTOR: &str = "mvkey1-000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f-43553b93\n";

    fn check(content: &[u8]) -> Result<[u8; 32], Code> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        secret_file::create(&path, content).unwrap();
        KeyFile::read(&path).map(|file| *file.key.expose()).map_err(|error| error.code())
    }

    #[test]
    fn the_line_is_as_documented() {
        let key = std::array::from_fn(|i| i as u8);
        assert_eq!(*line_of(&key), VECTOR);
        for content in [VECTOR, VECTOR.trim(), &VECTOR.replace('\n', "\r\n")] {
            assert_eq!(check(content.as_bytes()), Ok(key));
        }
    }

    #[test]
    fn a_flipped_or_missing_byte_is_noticed() {
        let refused = |line: &[u8], why: &str| {
            let error = parse(line, Path::new("key")).err();
            assert_eq!(error.map(|error| error.code()), Some(Code::WrongMasterKey), "{why}");
        };
        let line = VECTOR.trim().as_bytes();
        for at in 0..line.len() {
            refused(&line[..at], &format!("cut at {at}"));
            let mut flipped = line.to_vec();
            flipped[at] ^= 1;
            refused(&flipped, &format!("flipped at {at}"));
        }
        refused(VECTOR.as_bytes(), "a line end is not part of the line");
        for content in [format!("{VECTOR}x"), VECTOR.repeat(2), String::new(), "\n".into()] {
            assert_eq!(check(content.as_bytes()), Err(Code::WrongMasterKey));
        }
    }

    #[test]
    fn a_made_key_file_opens_again_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = KeyFile::create(&path, &crypto::OsEntropy).unwrap();
        assert_eq!(KeyFile::read(&path).unwrap().key.expose(), made.key.expose());
        assert_eq!(KeyFile::create(&path, &crypto::OsEntropy).err().map(|e| e.code()), Some(Code::AlreadyExists));
    }
}
