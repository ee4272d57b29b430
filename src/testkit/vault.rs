//! A whole vault in memory, under a manual clock and seeded randomness: the product without disk, time or chance.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::crypto::{Entropy, Key, Suite};
use crate::keyring::KeyringBody;
use crate::ledger::LedgerSettings;
use crate::policy::Policy;
use crate::store::memory::MemoryEngine;
use crate::store::{Engine, KeyRange, Keyspace};
use crate::types::{Actor, Ctx, Purpose, RequestId, Role, TokenId, VaultId};
use crate::vault::log::LogSettings;
use crate::vault::{Founding, Parts, Vault};

use super::clock::ManualClock;
use super::entropy::SeededEntropy;

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
    seed: u64,
    log: LogSettings,
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
        let clock = Arc::new(ManualClock::at(START));
        let log = LogSettings::default();
        let parts = parts(seed, 0, &engine, &clock, log.clone());
        Vault::found(&parts, &Founding { expect_members: 1_000, suite: Suite::ChaCha20Poly1305 }).expect("found");
        Self { vault: Vault::open(parts).expect("open"), clock, engine, seed, log }
    }

    /// A vault that was founded before with this seed, opened over what its engine left.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn found_in(seed: u64, engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let life = leaves(&*engine);
        let log = LogSettings::default();
        Self { vault: open(seed, life, &engine, &clock, log.clone()), clock, engine, seed, log }
    }

    /// Closes the vault and opens it again over the same engine, as a restart does.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn reopen(&mut self) {
        self.vault.close().expect("close");
        self.vault = open(self.seed, leaves(&*self.engine), &self.engine, &self.clock, self.log.clone());
    }

    /// Closes the vault and opens it again with other settings of its log.
    ///
    /// # Panics
    /// If the vault cannot be opened.
    pub fn reopen_with_log(&mut self, log: LogSettings) {
        self.log = log;
        self.reopen();
    }
}

fn open(seed: u64, life: u64, engine: &Arc<dyn Engine>, clock: &Arc<ManualClock>, log: LogSettings) -> Vault {
    Vault::open(parts(seed, life, engine, clock, log)).expect("the vault opens")
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

/// The same keyring for the same seed, as a keyring file gives it; fresh randomness for everything else.
fn parts(seed: u64, life: u64, engine: &Arc<dyn Engine>, clock: &Arc<ManualClock>, log: LogSettings) -> Parts {
    let keys = SeededEntropy::new(seed);
    let keyring = KeyringBody {
        epoch: 1,
        root: Key::generate(&keys).expect("root"),
        next: None,
        vault_secret: Key::generate(&keys).expect("vault secret"),
        ledger_size: 0,
        ledger_root: [0; 32],
        holders: Vec::new(),
    };
    let entropy: Arc<dyn Entropy> =
        Arc::new(SeededEntropy::new(seed.wrapping_mul(31).wrapping_add(life << 32).wrapping_add(7)));
    Parts {
        engine: Arc::clone(engine),
        keyring,
        vault: VAULT_ID,
        policy: Policy::parse(Policy::default_text()).expect("the default policy"),
        ledger: LedgerSettings::default(),
        log,
        clock: Arc::clone(clock) as _,
        entropy,
    }
}

/// The context of a caller of this role, without a purpose.
pub fn ctx(role: Role) -> Ctx {
    Ctx {
        actor: Actor { token: TokenId::from_bytes([role.number(); 8]), role, member: None },
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
