use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{VAULT, same};
use crate::code::{Code, Coded};
use crate::codec::Holder;
use crate::crypto::{Key, OsEntropy, Suite};
use crate::keyring::{FILE_BYTES_MAX, Keyring, KeyringBody, KeyringError, KeyringFile};
use crate::masterkey::{Cost, KeyFile, MasterKey, Passphrase, UnlockMethod};

const WORDS: &str = "correct horse battery staple";

struct Place {
    dir: tempfile::TempDir,
    body: KeyringBody,
}

impl Place {
    fn path(&self) -> PathBuf {
        self.dir.path().join("keyring")
    }

    fn file(&self) -> KeyringFile {
        KeyringFile::at(self.path(), &self.dir.path().join("db")).unwrap()
    }

    fn unlock(&self, words: &str) -> Result<KeyringBody, Code> {
        self.file().unlock(&passphrase(words)).map(|(_, body)| body).map_err(|error| error.code())
    }

    fn opens(&self) -> bool {
        self.unlock(WORDS).is_ok_and(|body| same(&body.root, &self.body.root))
    }

    /// Writes a file of its own: some file systems sync one that is truncated and written again.
    fn write(&self, bytes: &[u8]) {
        fs::remove_file(self.path()).unwrap();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path()).unwrap();
        file.write_all(bytes).unwrap();
    }
}

fn passphrase(words: &str) -> Passphrase {
    Passphrase::new(words).unwrap().with_cost(Cost::WEAK_FOR_TESTS)
}

fn created() -> Place {
    let place = Place { dir: tempfile::tempdir().unwrap(), body: Keyring::draw(&OsEntropy).unwrap() };
    place.file().create(VAULT, Suite::ChaCha20Poly1305, &passphrase(WORDS), &place.body, &OsEntropy).unwrap();
    place
}

/// The file with one byte changed and a checksum that fits again: what a forger would write.
fn forged(good: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = good[..good.len() - 4].to_vec();
    bytes[at] ^= mask;
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

#[test]
fn a_keyring_is_small_private_and_opens_again() {
    let place = created();
    let meta = fs::metadata(place.path()).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert!(meta.len() < 4096);
    let body = place.unlock(WORDS).unwrap();
    assert!(same(&body.root, &place.body.root) && same(&body.vault_secret, &place.body.vault_secret));
    assert_eq!((body.epoch, body.ledger_size, body.next.is_some()), (1, 0, false));
    let info = place.file().inspect().unwrap();
    assert_eq!((info.vault, info.unlock.method()), (VAULT, UnlockMethod::Passphrase));
    let again = place.file().create(VAULT, Suite::ChaCha20Poly1305, &passphrase(WORDS), &body, &OsEntropy);
    assert_eq!(again.err().map(|error| error.code()), Some(Code::AlreadyExists));
    assert!(place.opens());
}

#[test]
fn a_wrong_master_key_is_told_from_damage() {
    let place = created();
    assert_eq!(place.unlock("correct horse battery stable").err(), Some(Code::WrongMasterKey));
    let key_file = KeyFile::create(&place.dir.path().join("key"), &OsEntropy).unwrap();
    let error = place.file().unlock(&key_file).err().unwrap();
    assert_eq!(error.code(), Code::WrongMasterKey);
    assert_eq!(error.to_string(), "this keyring is unlocked by a passphrase, but a key file was given");
    fs::remove_file(place.path()).unwrap();
    assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringMissing));
}

#[test]
fn damage_anywhere_is_noticed_before_the_master_key_is_blamed() {
    let place = created();
    let good = fs::read(place.path()).unwrap();
    for at in 0..good.len() {
        place.write(&good[..at]);
        assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringCorrupt), "cut at {at}");
        for mask in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= mask;
            place.write(&bad);
            assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringCorrupt), "flipped {mask:02x} at {at}");
        }
    }
    for longer in [1, 512, FILE_BYTES_MAX, 1_000_000] {
        place.write(&[good.as_slice(), &vec![0; longer]].concat());
        assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringCorrupt), "{longer} bytes more");
    }
    place.write(&good);
    assert!(place.opens());
}

#[test]
fn a_forged_file_never_opens() {
    let place = created();
    let good = fs::read(place.path()).unwrap();
    for at in 0..good.len() - 4 {
        place.write(&forged(&good, at, 0x01));
        assert!(place.unlock(WORDS).is_err(), "forged at {at}");
    }
    place.write(&forged(&good, 24, 0x03)); // method 2: a key file
    assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringCorrupt), "a key file has no parameters");
    place.write(&forged(&good, 40, 0x01)); // salt
    assert_eq!(place.unlock(WORDS).err(), Some(Code::WrongMasterKey));
    place.write(&forged(&good, 10, 0x01)); // vault
    assert_eq!(place.unlock(WORDS).err(), Some(Code::WrongMasterKey));
    place.write(&forged(&good, 56, 0x08)); // suite 9
    assert_eq!(place.unlock(WORDS).err(), Some(Code::UnsupportedVersion));
    let mut later = good.clone();
    later[6] = b'2';
    place.write(&later);
    assert_eq!(place.unlock(WORDS).err(), Some(Code::UnsupportedVersion));
}

#[test]
fn a_hostile_header_cannot_eat_memory_or_time() {
    let place = created();
    let good = fs::read(place.path()).unwrap();
    for (at, mask, what) in [(25, 0x80, "memory"), (29, 0x80, "passes"), (33, 0x80, "lanes"), (28, 0x08, "no memory")] {
        place.write(&forged(&good, at, mask));
        let error = place.file().inspect().err().unwrap();
        assert_eq!(error.code(), Code::KeyringCorrupt, "{what}");
        assert_eq!(place.unlock(WORDS).err(), Some(Code::KeyringCorrupt), "{what}");
    }
}

#[test]
fn an_exposed_linked_or_misplaced_file_is_refused() {
    let place = created();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(place.unlock(WORDS).err(), Some(Code::ExposedFile), "{mode:o}");
        assert_eq!(place.file().inspect().err().map(|error| error.code()), Some(Code::ExposedFile));
    }
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(place.opens());

    let link = place.dir.path().join("link");
    symlink(place.path(), &link).unwrap();
    let linked = KeyringFile::at(&link, &place.dir.path().join("db")).unwrap();
    assert_eq!(linked.inspect().err().map(|error| error.code()), Some(Code::InvalidConfig));

    let inside = KeyringFile::at(place.dir.path().join("db/keyring"), &place.dir.path().join("db"));
    assert_eq!(inside.err().map(|error| error.code()), Some(Code::InvalidConfig));
}

#[test]
fn a_crash_before_the_rename_leaves_the_old_keyring_and_no_copy() {
    let place = created();
    let (unlocked, mut body) = place.file().unlock(&passphrase(WORDS)).unwrap();
    let good = fs::read(place.path()).unwrap();
    let unfinished = place.dir.path().join("keyring.new");
    for cut in [0, 53, good.len() / 2, good.len()] {
        fs::write(&unfinished, &good[..cut]).unwrap();
        assert!(place.opens());
        assert!(!unfinished.exists(), "a copy of a keyring must not lie about");
    }
    fs::write(&unfinished, &good).unwrap();
    body.epoch = 2;
    unlocked.replace(&body, &OsEntropy).unwrap();
    assert!(!unfinished.exists());
    assert_eq!(place.unlock(WORDS).unwrap().epoch, 2);
}

#[test]
fn a_keyring_is_replaced_as_a_whole_or_not_at_all() {
    let place = created();
    let (unlocked, mut body) = place.file().unlock(&passphrase(WORDS)).unwrap();
    let good = fs::read(place.path()).unwrap();
    body.next = Some((2, Key::generate(&OsEntropy).unwrap()));
    unlocked.replace(&body, &OsEntropy).unwrap();
    let read = unlocked.read().unwrap();
    assert_eq!(read.next.as_ref().map(|(epoch, _)| *epoch), Some(2));
    assert!(same(&read.next.unwrap().1, &body.next.as_ref().unwrap().1));
    assert_ne!(fs::read(place.path()).unwrap(), good);

    let before = fs::read(place.path()).unwrap();
    body.holders = vec![Holder { name: "far".parse().unwrap(), directory: "x".repeat(1000).into() }; 4];
    let error = unlocked.replace(&body, &OsEntropy).err().unwrap();
    assert!(matches!(error, KeyringError::TooLarge { .. }), "{error}");
    body.holders = Vec::new();
    let successor = place.dir.path().join("keyring.new");
    fs::create_dir(&successor).unwrap(); // nothing can be written there
    assert!(unlocked.replace(&body, &OsEntropy).is_err());
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[test]
fn a_rewrapped_keyring_opens_with_the_new_master_key_alone() {
    let place = created();
    let (running, _) = place.file().unlock(&passphrase(WORDS)).unwrap();
    let other = passphrase("a wholly different phrase");
    assert_eq!(
        place.file().rewrap(&other, &other, &OsEntropy).err().map(|error| error.code()),
        Some(Code::WrongMasterKey)
    );
    assert!(place.opens());

    place.file().rewrap(&passphrase(WORDS), &other, &OsEntropy).unwrap();
    assert_eq!(place.unlock(WORDS).err(), Some(Code::WrongMasterKey));
    assert!(same(&place.unlock("a wholly different phrase").unwrap().root, &place.body.root));
    assert!(matches!(running.read(), Err(KeyringError::ChangedMeanwhile { .. })));
    let late = running.replace(&place.body, &OsEntropy);
    assert!(matches!(late, Err(KeyringError::ChangedMeanwhile { .. })), "the old phrase does not come back");

    let key_path = place.dir.path().join("key");
    let key_file = KeyFile::create(&key_path, &OsEntropy).unwrap();
    place.file().rewrap(&other, &key_file, &OsEntropy).unwrap();
    assert_eq!(place.file().inspect().unwrap().unlock.method(), UnlockMethod::KeyFile);
    let reopened: &dyn MasterKey = &KeyFile::read(&key_path).unwrap();
    assert!(same(&place.file().unlock(reopened).unwrap().1.root, &place.body.root));
    assert_eq!(place.unlock("a wholly different phrase").err(), Some(Code::WrongMasterKey));
}

#[test]
fn the_other_suite_is_kept_through_every_rewrite() {
    let place = created();
    fs::remove_file(place.path()).unwrap();
    let master = passphrase(WORDS);
    place.file().create(VAULT, Suite::Aes256Gcm, &master, &place.body, &OsEntropy).unwrap();
    let suite = |path: &Path| fs::read(path).unwrap()[53 + 3];
    assert_eq!(suite(&place.path()), 2);
    place.file().rewrap(&master, &master, &OsEntropy).unwrap().replace(&place.body, &OsEntropy).unwrap();
    assert_eq!(suite(&place.path()), 2);
    assert!(place.opens());
}
