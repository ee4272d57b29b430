//! Found a vault, and open one: check that database and keyring belong together before anything is served.
//!
//! The concrete engine, clock, randomness and master key are handed in by `app`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::code::Code;
use crate::codec::Event;
use crate::codec::rows::{VaultMeta, encode_epoch};
use crate::crypto::{Entropy, Suite};
use crate::keyring::{Keyring, KeyringSlot, TreeShape};
use crate::ledger::{self, Ledger, LedgerSettings};
use crate::policy::Policy;
use crate::schema::DataMap;
use crate::store::capsules::Capsules;
use crate::store::{Batch, Durability, Engine};
use crate::tables;
use crate::types::{Actor, Ctx, RequestId, Role, VaultId};

use super::backup::BackupDesk;
use super::crowd::segment::FLOOR_DEFAULT;
use super::guard::Guards;
use super::log::{LogBook, LogSettings};
use super::mirror;
use super::purge::Purges;
use super::recover::{self, Recovery, stale};
use super::request::RequestDesk;
use super::schema;
use super::seal::{Seals, StepWatch};
use super::share::ShareDesk;
use super::tokens::TokenBook;
use super::{Error, Rooms, Vault};

/// What a vault is made of.
pub struct Parts {
    /// The storage engine.
    pub engine: Arc<dyn Engine>,
    /// Where the root of the key tree is kept, unlocked.
    pub slot: Arc<dyn KeyringSlot>,
    /// The vault it belongs to.
    pub vault: VaultId,
    /// Where redo capsules are kept.
    pub capsules: Arc<dyn Capsules>,
    /// Told after each step of a seal; for tests of recovery.
    pub seal_watch: Option<StepWatch>,
    /// Directories that mirror the control rows.
    pub mirrors: Vec<PathBuf>,
    /// The policy in force.
    pub policy: Policy,
    /// The data map in force.
    pub map: DataMap,
    /// How the log is shown to others.
    pub log: LogSettings,
    /// How the ledger is to work.
    pub ledger: LedgerSettings,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
}

/// Whether a restore that is under way keeps the vault shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// It does.
    Standing,
    /// It is the restore itself that opens.
    Raised,
}

/// What is chosen when a vault is founded, for good.
pub struct Founding {
    /// How many members are expected; chooses the depth of the key tree and the size of the index.
    pub expect_members: u64,
    /// The cipher suite.
    pub suite: Suite,
}

impl Vault {
    /// Plants a new vault in an empty engine. The keyring file must be on disk before: a tree without its keyring is
    /// lost, a keyring without its tree is merely useless.
    ///
    /// # Errors
    /// `already_exists` if the engine holds a vault; whatever the engine answers.
    pub fn found(parts: &Parts, founding: &Founding) -> Result<(), Error> {
        let engine = &*parts.engine;
        if tables::meta::vault(engine)?.is_some() {
            return Err(Error::Mismatch {
                code: Code::AlreadyExists,
                problem: "the database holds a vault already; choose another directory",
            });
        }
        let shape = TreeShape::for_members(founding.expect_members)?;
        let suite = founding.suite;
        let keyring = parts.slot.read()?;
        Keyring::plant(&parts.vault, suite, &shape, &keyring.root, &*parts.entropy, &mut |batch| {
            engine.write(batch, Durability::Buffered)
        })?;
        let meta = VaultMeta {
            vault: parts.vault,
            suite: suite.number(),
            depth: shape.depth(),
            buckets: shape.all_buckets(),
            created: parts.clock.now(),
        };
        // Last and durable: a database with this row is a whole vault.
        let mut batch = Batch::new();
        batch.put(tables::meta::KEYSPACE, tables::meta::EPOCH_KEY, encode_epoch(keyring.epoch));
        batch.put(tables::meta::KEYSPACE, tables::meta::VAULT_KEY, meta.encode());
        engine.write(batch, Durability::Synced)?;
        Ok(())
    }

    /// Opens a vault.
    ///
    /// # Errors
    /// `no_vault` where there is none; `stale_image` where database and keyring are of different ages or vaults;
    /// `corrupt` where the ledger does not add up.
    pub fn open(parts: Parts) -> Result<Self, Error> {
        Self::open_behind(parts, Guard::Standing)
    }

    /// Opens a vault, also where a restore is under way if the guard is raised for it.
    pub(super) fn open_behind(parts: Parts, guard: Guard) -> Result<Self, Error> {
        if guard == Guard::Standing && tables::meta::unfinished(&*parts.engine)?.is_some() {
            return Err(Error::RestoreUnfinished);
        }
        parts.policy.fits(&parts.map)?;
        let meta = consistent(&parts)?;
        let suite = Suite::from_number(meta.suite).map_err(|_| Error::Mismatch {
            code: Code::UnsupportedVersion,
            problem: "the vault uses a cipher suite this version does not know; use a newer version",
        })?;
        let (mut keyring, recovery) = recover::settle(&parts)?;
        let anchor = (keyring.ledger_size, keyring.ledger_root);
        if let Recovery::SealResumed { .. } = recovery
            && let Some((epoch, root)) = keyring.next.take()
        {
            (keyring.epoch, keyring.root) = (epoch, root);
        }
        check_anchor(&*parts.engine, anchor)?;
        // Only now that the database is known to be the right one is anything written to its mirrors.
        let engine = mirror::around(parts.engine, &parts.mirrors)?;
        let ledger = Ledger::open(Arc::clone(&engine), parts.ledger)?;
        let shape = TreeShape::from_meta(meta.depth, meta.buckets)?;
        let keyring = Keyring::new(parts.vault, suite, shape, keyring);
        let log = LogBook::new(parts.log, &parts.vault, keyring.log_key());
        let seals = Seals::new(parts.slot, parts.capsules, parts.seal_watch);
        let shares = ShareDesk::new(parts.clock.now());
        let vault = Self(Arc::new(Rooms {
            engine,
            keyring,
            ledger,
            policy: ArcSwap::from_pointee(parts.policy),
            map: ArcSwap::from_pointee(parts.map),
            maps: schema::Maps::default(),
            clock: parts.clock,
            entropy: parts.entropy,
            meta,
            suite,
            tokens: TokenBook::default(),
            guards: Guards::default(),
            shares,
            segment_floor: AtomicU64::new(FLOOR_DEFAULT),
            backups: BackupDesk::default(),
            log,
            seals,
            purges: Purges::default(),
            requests: RequestDesk::default(),
            recovery,
        }));
        vault.finish_seals(recovery)?;
        vault.load_tokens()?;
        vault.load_guards()?;
        vault.log_opening()?;
        Ok(vault)
    }

    /// Commits what waits and closes the ledger. Every change acknowledged before is durable; later ones are refused.
    ///
    /// # Errors
    /// What the last sync answered.
    pub fn close(&self) -> Result<(), Error> {
        self.0.purges.close();
        self.0.backups.close();
        Ok(self.ledger().close()?)
    }

    /// Which policy was in force when, and that the vault was opened, belongs into the log.
    fn log_opening(&self) -> Result<(), Error> {
        let ctx =
            Ctx { actor: Actor::local(Role::Ops), purpose: None, request: RequestId::from_random(self.random()?) };
        let opened = if self.ledger().size() == 0 { Event::VaultInit } else { Event::VaultOpen };
        let mut change = self.event(&ctx, opened, self.now());
        change.absorb(self.event(&ctx, Event::PolicyLoad(self.policy().digest()), self.now()));
        if let Some(loaded) = self.load_map(&ctx, &self.map())? {
            change.absorb(loaded);
        }
        self.ledger().submit(change, Durability::Synced).wait()?;
        Ok(())
    }
}

/// The database is a vault, and the one the keyring names.
fn consistent(parts: &Parts) -> Result<VaultMeta, Error> {
    let meta = tables::meta::vault(&*parts.engine)?.ok_or(Error::Mismatch {
        code: Code::NoVault,
        problem: "the database holds no vault; run 'membervault init', or name the right directory",
    })?;
    if meta.vault == parts.vault {
        Ok(meta)
    } else {
        Err(stale("the keyring belongs to another vault than the database"))
    }
}

/// The log is the one the keyring saw at the last seal, or has grown out of it.
fn check_anchor(engine: &dyn Engine, (size, root): (u64, [u8; 32])) -> Result<(), Error> {
    if size == 0 {
        return Ok(()); // never sealed
    }
    match ledger::root_at(engine, size)? {
        Some(found) if found == root => Ok(()),
        Some(_) => {
            Err(stale("the ledger in the database is not the one the keyring remembers: another or altered history"))
        }
        None => Err(stale(
            "the ledger is shorter than the keyring remembers: an old image. Restore the newest data under the latest \
             control rows ('membervault restore'), or replay the erasures since ('membervault recover --stale')",
        )),
    }
}
