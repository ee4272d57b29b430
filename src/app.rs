//! Composition: the one place that names the concrete engine and master key provider.
//!
//! Turns settings into an open [`Vault`], or into a new one. Another engine is one line in `engine`; another
//! key provider is one line in `unlock`. Decides nothing that a member would notice. `cli` comes in.

mod error;
mod process;
mod restore;
mod unlock;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SystemClock;
use crate::config::{self, Settings};
use crate::crypto::{Entropy, OsEntropy, WebhookKey};
use crate::keyring::{Holder, Keyring, KeyringFile, UnlockedKeyring};
use crate::ledger::{LedgerSettings, READ_SYNC_INTERVAL_MS, ReadDurability};
use crate::masterkey::{MasterKeyError, secret_file};
use crate::policy::Policy;
use crate::schema::DataMap;
use crate::store::Engine;
use crate::store::cached::CachedEngine;
use crate::store::mirrored::MirroredCapsules;
use crate::store::rocks::{Opening, RocksEngine, RocksSettings};
use crate::tlog::{KeyName, VerifierKey};
use crate::types::{HolderName, RequestId, VaultId};
use crate::vault::backup::BackupSettings;
use crate::vault::log::verifier_key;
use crate::vault::purge::PurgeSettings;
use crate::vault::schema::{MapSource, MapUnread};
use crate::vault::{Parts, Vault};

pub use crate::crypto::Suite;
pub use crate::masterkey::UnlockMethod;
pub use crate::vault::Founding;
pub use error::AppError;
pub use process::prepare as prepare_process;
pub use restore::{Prepared, RestoreRequest, recover_stale};
use unlock::next_master;
pub use unlock::{KeyringReport, Unlock, create_key_file, describe_keyring, unlock_method, upgrade_keyring};

const MIB: usize = 1024 * 1024;
/// Bytes of the file of the secret that signs alerts.
const ALERT_KEY_BYTES_MAX: usize = 256;

/// Opens the vault of these settings.
///
/// What is quick to find wrong comes before what is slow, which is to stretch the passphrase.
pub fn open(settings: &Settings, unlock: &Unlock) -> Result<Vault, AppError> {
    let rules = rules(settings)?;
    let engine = engine(settings, Opening::Existing)?;
    let (unlocked, _) = keyring_file(settings)?.unlock(&*unlock.master_key()?)?;
    let vault = Vault::open(parts(settings, engine, unlocked, rules))?;
    vault.set_backups(backups(settings))?;
    if let Some(next) = next_master(settings) {
        vault.set_next_master(next);
    }
    if let Some(path) = settings.schema_file.clone() {
        vault.set_map_source(map_source(path));
    }
    vault.set_requests(settings.requests.clone());
    vault.set_segment_floor(settings.segments_floor);
    vault.set_guards(settings.guards.clone());
    vault.set_purges(PurgeSettings { rate_mib_s: settings.purge_rate_mib_s });
    #[cfg(feature = "sabotage")]
    crate::sabotage::leak_keyring(&settings.keyring, settings.backup_directory.as_deref());
    Ok(vault)
}

/// Founds a vault: its keyring file first, then its database. Returns its id.
///
/// A crash in between leaves a keyring that opens nothing and holds nothing, and a database that is no vault.
pub fn found(settings: &Settings, unlock: &Unlock, founding: &Founding) -> Result<VaultId, AppError> {
    check_vacant(settings)?;
    let (rules, master) = (rules(settings)?, unlock.new_master_key()?);
    let vault = VaultId::from_random(random()?);
    let body = Keyring::draw(&OsEntropy)?;
    let unlocked = keyring_file(settings)?.create(vault, founding.suite, &*master, &body, &OsEntropy)?;
    drop(body);
    let parts = parts(settings, engine(settings, Opening::Fresh)?, unlocked, rules);
    Vault::found(&parts, founding)?;
    // Opened once, so that its first leaf is in the ledger and everything is known to fit.
    Vault::open(parts)?.close()?;
    Ok(vault)
}

/// Checks that no vault would be overwritten, before a person is asked for anything.
pub fn check_vacant(settings: &Settings) -> Result<(), AppError> {
    keyring_file(settings)?;
    if settings.keyring.symlink_metadata().is_ok() {
        return Err(AppError::Occupied { what: "a keyring file", path: settings.keyring.clone() });
    }
    vacant(&settings.data)
}

/// Nothing is in the directory, or it is not there.
fn vacant(directory: &Path) -> Result<(), AppError> {
    let failed = |source| AppError::File { doing: "examine the data directory", path: directory.to_owned(), source };
    match directory.read_dir() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(AppError::Occupied { what: "something", path: directory.to_owned() }),
        },
    }
}

/// The key that verifies the log of this vault. Needs the keyring and its master key, not the database.
pub fn log_key(settings: &Settings, unlock: &Unlock) -> Result<VerifierKey, AppError> {
    let (unlocked, keyring) = keyring_file(settings)?.unlock(&*unlock.master_key()?)?;
    let origin = settings.log.origin.clone().unwrap_or_else(|| KeyName::of_vault(unlocked.vault()));
    Ok(verifier_key(origin, &keyring.vault_secret.log_key()))
}

/// The policy of these settings.
pub fn policy(settings: &Settings) -> Result<Policy, AppError> {
    match &settings.policy {
        Some(path) => policy_in(path),
        None => Ok(Policy::parse(Policy::default_text())?),
    }
}

/// What is decided by: who may see what, and what is kept and why.
type Rules = (Policy, DataMap);

fn rules(settings: &Settings) -> Result<Rules, AppError> {
    Ok((policy(settings)?, schema(settings)?))
}

/// The data map of these settings.
pub fn schema(settings: &Settings) -> Result<DataMap, AppError> {
    match &settings.schema_file {
        Some(path) => schema_in(path),
        None => Ok(DataMap::parse(DataMap::default_text())?),
    }
}

/// The data map in a file.
pub fn schema_in(path: &Path) -> Result<DataMap, AppError> {
    let unreadable = |source| AppError::File { doing: "read the data map", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    DataMap::parse(&text).map_err(|source| AppError::SchemaFile { path: path.to_owned(), source })
}

/// Reads the data map anew each time it is asked for.
fn map_source(path: PathBuf) -> MapSource {
    Arc::new(move || {
        schema_in(&path).map_err(|error| match error {
            AppError::SchemaFile { source, .. } => MapUnread::Map(source),
            error => {
                tracing::error!(%error, "the data map cannot be read");
                MapUnread::File
            }
        })
    })
}

/// The policy in a file.
pub fn policy_in(path: &Path) -> Result<Policy, AppError> {
    let unreadable = |source| AppError::File { doing: "read the policy file", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Policy::parse(&text).map_err(|source| AppError::PolicyFile { path: path.to_owned(), source })
}

/// The secret that signs alerts, where a receiver is set. Only `serve` sends any, so that nothing done in an emergency
/// fails for want of it.
pub fn alert_key(settings: &Settings) -> Result<Option<WebhookKey>, AppError> {
    let Some(alerts) = &settings.alerts else { return Ok(None) };
    let text = secret_file::read(&alerts.key_file, ALERT_KEY_BYTES_MAX).map_err(MasterKeyError::from)?;
    let key = WebhookKey::parse(&text).ok_or_else(|| AppError::AlertKey { path: alerts.key_file.clone() })?;
    Ok(Some(key))
}

/// Draws ids for requests. They are for logs and replies and open nothing: if there is no randomness the id is zero,
/// and whatever needs a key fails by itself.
pub fn request_ids() -> Arc<dyn Fn() -> RequestId + Send + Sync> {
    Arc::new(|| RequestId::from_random(random().unwrap_or_default()))
}

fn engine(settings: &Settings, opening: Opening) -> Result<Arc<dyn Engine>, AppError> {
    let rocks = RocksEngine::open(&RocksSettings {
        block_cache_bytes: settings.cache_mib * MIB,
        write_buffer_bytes: settings.write_buffer_mib * MIB,
        ..RocksSettings::new(&settings.data, opening)
    })?;
    Ok(match settings.row_cache_mib * MIB {
        0 => Arc::new(rocks),
        bytes => Arc::new(CachedEngine::new(Arc::new(rocks), bytes)),
    })
}

fn keyring_file(settings: &Settings) -> Result<KeyringFile, AppError> {
    Ok(KeyringFile::at(&settings.keyring, &settings.data)?)
}

fn parts(settings: &Settings, engine: Arc<dyn Engine>, unlocked: UnlockedKeyring, (policy, map): Rules) -> Parts {
    let read_durability = match settings.read_durability {
        config::ReadDurability::Interval => ReadDurability::Interval,
        config::ReadDurability::Sync => ReadDurability::Sync,
    };
    Parts {
        engine,
        vault: *unlocked.vault(),
        slot: Arc::new(unlocked),
        capsules: Arc::new(MirroredCapsules::at(capsules_of(settings)).copied_to(settings.mirrors.clone())),
        #[cfg(not(feature = "sabotage"))]
        seal_watch: None,
        #[cfg(feature = "sabotage")]
        seal_watch: Some(Arc::new(|step| crate::sabotage::step_taken(step.name()))),
        mirrors: settings.mirrors.clone(),
        policy,
        map,
        log: settings.log.clone(),
        ledger: LedgerSettings { read_durability, sync_interval: Duration::from_millis(READ_SYNC_INTERVAL_MS) },
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    }
}

/// Redo capsules lie beside the database, so that one that loses a batch has not lost them too.
fn capsules_of(settings: &Settings) -> PathBuf {
    settings.capsules.clone().unwrap_or_else(|| {
        let mut name = settings.data.as_os_str().to_owned();
        name.push(".capsules");
        PathBuf::from(name)
    })
}

/// A holder in this directory: made absolute, since `serve` may be started from anywhere, and outside the database, so
/// that no copy of it carries a keyring.
pub fn holder(settings: &Settings, name: HolderName, directory: &Path) -> Result<Holder, AppError> {
    let failed = |source| AppError::File { doing: "find the holder's directory", path: directory.to_owned(), source };
    let holder = Holder { name, directory: directory.canonicalize().map_err(failed)? };
    for apart in settings.backup_directory.iter().chain(&settings.mirrors).chain([&settings.data]) {
        KeyringFile::at(holder.directory.join("keyring"), apart)?;
    }
    Ok(holder)
}

fn backups(settings: &Settings) -> BackupSettings {
    // Beside the database: hard links do not reach another file system.
    let mut scratch = settings.data.clone().into_os_string();
    scratch.push(".checkpoint");
    BackupSettings {
        directory: settings.backup_directory.clone(),
        scratch: scratch.into(),
        rate_mib_s: settings.backup_rate_mib_s,
    }
}

fn random() -> Result<[u8; 16], AppError> {
    let mut bytes = [0; 16];
    OsEntropy.fill_public(&mut bytes)?;
    Ok(bytes)
}
