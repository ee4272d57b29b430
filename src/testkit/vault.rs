//! A whole vault in memory, under a manual clock and seeded randomness: the product without disk, time or chance.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::crypto::{Entropy, Key, LogKey, Suite};
use crate::keyring::KeyringBody;
use crate::ledger::LedgerSettings;
use crate::policy::Policy;
use crate::schema::DataMap;
use crate::store::memory::MemoryEngine;
use crate::store::{Engine, KeyRange, Keyspace};
use crate::types::place::{Node, VaultRoot};
use crate::types::{Actor, Ctx, Purpose, RequestId, Role, TokenId, VaultId};
use crate::vault::log::LogSettings;
use crate::vault::seal::StepWatch;
use crate::vault::{Error, Founding, Parts, Vault};

use super::clock::ManualClock;
use super::entropy::SeededEntropy;
use super::slot::{MemoryCapsules, MemorySlot};

/// Where the manual clock starts: 2026-01-01.
pub const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// The vault's id in tests.
pub const VAULT_ID: VaultId = VaultId::from_bytes([0x11; 16]);

/// A vault and what drives it.
pub struct TestVault {
    /// The vault.
    pub vault: Vault,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its engine, for looking at bytes and for opening it again.
    pub engine: Arc<dyn Engine>,
    /// Where its root is kept.
    pub slot: Arc<MemorySlot>,
    /// Where its redo capsules are kept.
    pub capsules: Arc<MemoryCapsules>,
    seed: u64,
    log: LogSettings,
    mirrors: Vec<PathBuf>,
    map: DataMap,
}

/// What outlives a vault that is not open: bytes, keyring, capsules and the clock.
pub struct Remains {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// The keyring.
    pub slot: Arc<MemorySlot>,
    /// The capsules.
    pub capsules: Arc<MemoryCapsules>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// The seed of its randomness.
    pub seed: u64,
    /// The settings of its log.
    pub log: LogSettings,
    /// The directories that mirror its control rows.
    pub mirrors: Vec<PathBuf>,
    /// Its data map.
    pub map: DataMap,
}

impl TestVault {
    /// A new vault for few members over a memory engine.
    pub fn new(seed: u64) -> Self {
        Self::over(seed, Arc::new(MemoryEngine::new()))
    }

    /// A new vault over an engine of the test's choice.
    ///
    /// # Panics
    /// If the vault cannot be founded.
    pub fn over(seed: u64, engine: Arc<dyn Engine>) -> Self {
        let remains = Remains::none(seed, engine);
        Vault::found(&remains.parts(None), &Founding { expect_members: 1_000, suite: Suite::ChaCha20Poly1305 })
            .expect("found");
        remains.open(None).expect("open")
    }

    /// A vault that was founded before with this seed and never sealed, opened over what its engine left.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn found_in(seed: u64, engine: Arc<dyn Engine>) -> Self {
        Remains::none(seed, engine).open(None).expect("the vault opens")
    }

    /// Closes the vault and opens it again over the same engine, as a restart does.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn reopen(&mut self) {
        self.vault.close().expect("close");
        self.vault = Vault::open(self.remains().parts(None)).expect("the vault opens");
    }

    /// What is left of the vault when its process ends.
    pub fn remains(&self) -> Remains {
        Remains {
            engine: Arc::clone(&self.engine),
            slot: Arc::clone(&self.slot),
            capsules: Arc::clone(&self.capsules),
            clock: Arc::clone(&self.clock),
            seed: self.seed,
            log: self.log.clone(),
            mirrors: self.mirrors.clone(),
            map: self.map.clone(),
        }
    }

    /// Closes the vault and opens it again with other settings of its log.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn reopen_with_log(&mut self, log: LogSettings) {
        self.log = log;
        self.reopen();
    }

    /// Closes the vault and opens it again under another data map.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn reopen_with_map(&mut self, map: DataMap) {
        self.map = map;
        self.reopen();
    }
}

impl Remains {
    /// Before there is a vault: the same keyring for the same seed, as a keyring file gives it.
    fn none(seed: u64, engine: Arc<dyn Engine>) -> Self {
        let keys = SeededEntropy::new(seed);
        let body = KeyringBody {
            epoch: 1,
            root: Key::generate(&keys).expect("root"),
            next: None,
            vault_secret: Key::generate(&keys).expect("vault secret"),
            ledger_size: 0,
            ledger_root: [0; 32],
            holders: Vec::new(),
        };
        let (slot, capsules) = (Arc::new(MemorySlot::new(VAULT_ID, &body)), Arc::default());
        Self {
            engine,
            slot,
            capsules,
            clock: Arc::new(ManualClock::at(START)),
            seed,
            log: LogSettings::default(),
            mirrors: Vec::new(),
            map: DataMap::default_map(),
        }
    }

    /// Opens the vault again; `watch` is told after each step of a seal.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(self, watch: Option<StepWatch>) -> Result<TestVault, Error> {
        let vault = Vault::open(self.parts(watch))?;
        let Self { engine, slot, capsules, clock, seed, log, mirrors, map } = self;
        Ok(TestVault { vault, clock, engine, slot, capsules, seed, log, mirrors, map })
    }

    /// What the vault is made of, with fresh randomness for each life of it.
    pub fn parts(&self, watch: Option<StepWatch>) -> Parts {
        let life = leaves(&*self.engine).wrapping_add(self.slot.begin_life() << 16);
        let entropy: Arc<dyn Entropy> =
            Arc::new(SeededEntropy::new(self.seed.wrapping_mul(31).wrapping_add(life << 32).wrapping_add(7)));
        Parts {
            engine: Arc::clone(&self.engine),
            slot: Arc::clone(&self.slot) as _,
            vault: VAULT_ID,
            capsules: Arc::clone(&self.capsules) as _,
            seal_watch: watch,
            mirrors: self.mirrors.clone(),
            policy: Policy::parse(Policy::default_text()).expect("the default policy"),
            map: self.map.clone(),
            log: self.log.clone(),
            ledger: LedgerSettings::default(),
            clock: Arc::clone(&self.clock) as _,
            entropy,
        }
    }
}

/// How long the ledger is: a number that no earlier life of the same vault began with, so that ids and keys of an
/// earlier life do not come again.
fn leaves(engine: &dyn Engine) -> u64 {
    let mut leaves = 0;
    let count = &mut |_: &[u8], _: &[u8]| {
        leaves += 1;
        ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Ledger, &KeyRange::all(), count).expect("the ledger is scanned");
    leaves
}

/// The key that signs the log of a vault of this seed, for tests that forge what the vault would never sign.
///
/// # Panics
/// If the seeded randomness fails.
pub fn log_key(seed: u64) -> LogKey {
    let keys = SeededEntropy::new(seed);
    let _root: Key<Node> = Key::generate(&keys).expect("root");
    Key::<VaultRoot>::generate(&keys).expect("vault secret").log_key()
}

/// The context of a caller of this role, without a purpose.
pub fn ctx(role: Role) -> Ctx {
    Ctx {
        actor: Actor { token: TokenId::from_bytes([role.number(); 8]), ..Actor::local(role) },
        purpose: None,
        request: RequestId::from_random([role.number(); 16]),
    }
}

/// The context of a caller of this role that states a purpose.
///
/// # Panics
/// If `purpose` is not a name.
pub fn ctx_for(role: Role, purpose: &str) -> Ctx {
    Ctx { purpose: Some(purpose.parse::<Purpose>().expect("a purpose")), ..ctx(role) }
}
