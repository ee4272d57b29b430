//! The facade: one file per verb.
//!
//! The edges (`http`, `cli`, `jobs`) know this room and rank 0 only. A verb finds the member, puts the facts on the
//! table, asks the policy once, opens what the permit covers, and commits rows and evidence together before it answers.
//! Nothing here knows HTTP, parses a command line or names a storage engine.

pub mod act;
pub mod api;
pub mod backup;
mod bearer;
pub mod bundle;
pub mod certificate;
mod check;
pub mod consent;
mod correct;
mod cosign;
pub mod create;
pub mod crowd;
mod cursor;
pub mod dek;
pub mod doctor;
pub mod disclosure;
mod dossier;
mod erase;
pub mod error;
mod evidence;
mod export;
pub mod history;
pub mod guard;
pub mod hold;
pub mod holder;
pub mod import;
mod index;
mod input;
mod list;
pub mod log;
mod log_tiles;
mod lookup;
pub mod member_token;
mod mirror;
mod open;
mod pipeline;
mod postings;
pub mod purge;
mod query;
mod rate;
mod read;
pub mod recipient;
pub mod recover;
mod records;
mod register;
pub mod request;
pub mod report;
pub mod restore;
pub mod retention;
pub mod schema;
pub mod seal;
pub mod share;
mod status;
pub mod tokens;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;

use crate::clock::{Clock, Timestamp};
use crate::codec::RowStamp;
use crate::codec::rows::VaultMeta;
use crate::crypto::{self, Entropy, Key, Suite};
use crate::keyring::{Keyring, MemberBody};
use crate::ledger::{Change, Ledger, Reliance};
use crate::policy::Policy;
use crate::schema::DataMap;
use crate::store::Engine;
use crate::tables;
use crate::types::place::Place;
use crate::types::{MemberId, VaultId};

pub use act::Act;
pub use error::Error;
pub use open::{Founding, Parts};

/// An open vault. Cheap to clone; all clones are the same vault.
#[derive(Clone)]
pub struct Vault(Arc<Rooms>);

/// What the verbs work with, handed in when the vault is opened.
struct Rooms {
    engine: Arc<dyn Engine>,
    keyring: Keyring,
    ledger: Ledger,
    policy: ArcSwap<Policy>,
    map: ArcSwap<DataMap>,
    maps: schema::Maps,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    meta: VaultMeta,
    suite: Suite,
    tokens: tokens::TokenBook,
    guards: guard::Guards,
    shares: share::ShareDesk,
    /// See [`crowd::segment`].
    segment_floor: AtomicU64,
    backups: backup::BackupDesk,
    log: log::LogBook,
    seals: seal::Seals,
    purges: purge::Purges,
    requests: request::RequestDesk,
    recovery: recover::Recovery,
}

impl Vault {
    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.0.engine
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.0.policy.load_full()
    }

    /// The data map in force.
    pub fn map(&self) -> Arc<DataMap> {
        self.0.map.load_full()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn tokens(&self) -> &tokens::TokenBook {
        &self.0.tokens
    }

    pub(crate) fn guards(&self) -> &guard::Guards {
        &self.0.guards
    }

    fn share_desk(&self) -> &share::ShareDesk {
        &self.0.shares
    }

    fn seals(&self) -> &seal::Seals {
        &self.0.seals
    }

    pub(crate) fn id(&self) -> &VaultId {
        &self.0.meta.vault
    }

    pub(crate) fn suite(&self) -> Suite {
        self.0.suite
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Fresh random bytes, for ids.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.entropy().fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Seals a member's keys and puts the row into `change`, which holds only while the tree is at this epoch.
    pub(crate) fn put_member(&self, change: &mut Change, member: &MemberId, body: &MemberBody) -> Result<(), Error> {
        // Taken before the row is sealed: a seal in between makes a conflict, never a row under a key that is gone.
        change.relies_on(Reliance::Epoch(self.keyring().epoch()));
        let row = self.keyring().seal_member(self.engine(), member, body, self.entropy())?;
        change.put(tables::member::KEYSPACE, tables::member::key(member), row);
        Ok(())
    }

    /// Puts the row of an opened member into `change` anew, with what became of its body since; the change relies on the
    /// row being the one that was opened.
    pub(crate) fn renew_member(
        &self,
        change: &mut Change,
        member: &MemberId,
        opened: &pipeline::Opened,
    ) -> Result<(), Error> {
        change.relies_on(Reliance::Row {
            keyspace: tables::member::KEYSPACE,
            key: tables::member::key(member).to_vec(),
            stamp: Some(RowStamp::of(&opened.row)),
        });
        self.put_member(change, member, &opened.body)
    }

    /// A row that is one envelope.
    pub(crate) fn seal_row<P: Place>(&self, key: &Key<P::Key>, place: &P, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut row = crate::codec::rows::begin_sealed(crypto::ENVELOPE_OVERHEAD + plain.len());
        crypto::seal_into(self.suite(), key, place, plain, self.entropy(), &mut row)?;
        Ok(row)
    }
}
