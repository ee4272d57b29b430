//! From directories to a restore: which engine reads what, and what is to be found wrong before anything is copied.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{AppError, MIB, Unlock, capsules_of, engine, keyring_file, parts, rules, vacant};
use crate::backup::{Depot, Manifest, Progress, clear};
use crate::config::Settings;
use crate::keyring::KeyringFile;
use crate::store::memory::MemoryEngine;
use crate::store::mirrored::{self, MirroredCapsules};
use crate::store::rocks::{Opening, RocksEngine, RocksSettings};
use crate::store::{Engine, StoreError};
use crate::types::BackupId;
use crate::vault::restore::{Control, Recovered, Restored, Restoring};
use crate::vault::{Parts, Vault};

/// Memory for blocks of a database that is only read once.
const READ_ONCE_MIB: usize = 32;

/// What is restored, from where, into what.
pub struct RestoreRequest {
    /// The directory of one backup.
    pub backup: PathBuf,
    /// The directory of the newest database, or of a mirror.
    pub control: PathBuf,
    /// The directory of the new database.
    pub into: PathBuf,
}

/// A restore that nothing speaks against so far.
pub struct Prepared<'a> {
    settings: &'a Settings,
    request: RestoreRequest,
    depot: Depot,
    backup: BackupId,
}

impl RestoreRequest {
    /// Finds wrong what is quick to find wrong, before a person is asked for a passphrase.
    pub fn prepare(self, settings: &Settings) -> Result<Prepared<'_>, AppError> {
        let (depot, backup) = Depot::of_backup(&self.backup)?;
        vacant(&self.into)?;
        let keyring = KeyringFile::at(&settings.keyring, &self.into)?.inspect()?;
        if keyring.vault != depot.manifest(&backup)?.0.vault {
            return Err(AppError::OtherVault { path: self.backup });
        }
        if !mirrored::is_mirror(&self.control) && !self.control.join("CURRENT").is_file() {
            return Err(StoreError::Missing { path: self.control }.into());
        }
        Ok(Prepared { settings, request: self, depot, backup })
    }
}

impl Prepared<'_> {
    /// Restores. The directory is a vault when this returns, and stays shut if it fails.
    pub fn run(self, unlock: &Unlock, progress: &Progress) -> Result<Restored, AppError> {
        let laid_out = beside(&self.request.into, ".backup");
        clear(&laid_out)?;
        let outcome = self.restore(unlock, &laid_out, progress);
        // Whether it succeeded or not: it holds old values, and may be large.
        clear(&laid_out)?;
        outcome
    }

    fn restore(&self, unlock: &Unlock, laid_out: &Path, progress: &Progress) -> Result<Restored, AppError> {
        let (_, manifest_sha256) = self.depot.manifest(&self.backup)?;
        let RestoreRequest { control, into, .. } = &self.request;
        let own = Settings { data: into.clone(), mirrors: Vec::new(), ..self.settings.clone() };
        let (unlocked, _) = keyring_file(&own)?.unlock(&*unlock.master_key()?)?;
        let rules = rules(&own)?;
        let source = Source::open(control)?;
        let manifest = self.depot.fetch(&self.backup, laid_out, progress)?;
        let data = read_once(laid_out)?;
        let restoring = Restoring {
            data: &*data,
            control: source.control(),
            backup: self.backup,
            manifest_sha256,
            ledger: (manifest.ledger_size, root_of(&manifest)),
        };
        let parts = parts(&own, engine(&own, Opening::Fresh)?, unlocked, rules);
        let from =
            if *control == self.settings.data { capsules_of(self.settings) } else { beside(control, ".capsules") };
        let capsules = MirroredCapsules::at(capsules_of(&own)).or_from([from, control.clone()]);
        let (vault, restored) = Vault::restore(Parts { capsules: Arc::new(capsules), ..parts }, restoring)?;
        vault.close()?;
        Ok(restored)
    }
}

/// Brings an old image with its old keyring up to date by a newer copy of the log: a mirror, or another database.
pub fn recover_stale(settings: &Settings, unlock: &Unlock, log: &Path) -> Result<Recovered, AppError> {
    let rules = rules(settings)?;
    let source = Source::open(log)?;
    let own = Settings { mirrors: Vec::new(), ..settings.clone() };
    let engine = engine(&own, Opening::Existing)?;
    let (unlocked, _) = keyring_file(&own)?.unlock(&*unlock.master_key()?)?;
    let parts = parts(&own, engine, unlocked, rules);
    let (vault, recovered) = match source {
        Source::Database(other) => Vault::recover_stale(parts, &*other)?,
        Source::Mirror(directory) => {
            let copy = MemoryEngine::new();
            Control::Mirror(&directory).ledger(&copy)?;
            Vault::recover_stale(parts, &copy)?
        }
    };
    vault.close()?;
    Ok(recovered)
}

/// A directory that has the latest rows.
enum Source {
    Database(Arc<dyn Engine>),
    Mirror(PathBuf),
}

impl Source {
    fn open(directory: &Path) -> Result<Self, AppError> {
        if mirrored::is_mirror(directory) {
            Ok(Self::Mirror(directory.to_owned()))
        } else {
            read_once(directory).map(Self::Database)
        }
    }

    fn control(&self) -> Control<'_> {
        match self {
            Self::Database(engine) => Control::Database(&**engine),
            Self::Mirror(directory) => Control::Mirror(directory),
        }
    }
}

fn read_once(directory: &Path) -> Result<Arc<dyn Engine>, AppError> {
    let settings = RocksSettings {
        block_cache_bytes: READ_ONCE_MIB * MIB,
        write_buffer_bytes: READ_ONCE_MIB / 4 * MIB,
        ..RocksSettings::new(directory, Opening::Existing)
    };
    Ok(Arc::new(RocksEngine::open(&settings)?))
}

/// A directory beside another, named after it.
fn beside(directory: &Path, ending: &str) -> PathBuf {
    let mut name = directory.components().as_path().as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The root in a manifest, which was checked to be one when it was read.
fn root_of(manifest: &Manifest) -> [u8; 32] {
    let bytes = data_encoding::HEXLOWER.decode(manifest.ledger_root.as_bytes()).unwrap_or_default();
    bytes.try_into().unwrap_or_default()
}
