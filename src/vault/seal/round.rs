//! One round: the steps of a seal, taken once, for some leaves of the key tree.
//!
//! Each step leaves behind what the next one needs; taken in another order they find nothing and refuse. What must be
//! true after each is written at [`Step`]. The work that takes time (drawing keys, wrapping rows) is done beside running
//! writers; with them held up, only what changed meanwhile is done again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::codec::event::Rotation;
use crate::codec::rows::{HeadRow, encode_epoch};
use crate::codec::{Event, RotationRow, RowStamp};
use crate::crypto::Key;
use crate::keyring::{NextTree, NodeRow, Retired, Rewrapped};
use crate::ledger::{Change, Durability, Exclusive, LateRow};
use crate::store::{Keyspace, Reader};
use crate::tables;
use crate::types::place::Subtree;
use crate::types::{Actor, Ctx, RequestId, Role};

use super::super::purge::residue::left;
use super::super::{Error, Vault};
use super::waiting::Waiting;
use super::{SealReport, Step};

/// How often the seal looks whether the last reader has let go of the old tree, before it goes on without.
const WIPE_LOOKS_MAX: u32 = 100_000;
const OUT_OF_ORDER: Error = Error::Internal("the steps of a seal are out of order");

/// A round under way.
pub(crate) struct Round<'v> {
    vault: &'v Vault,
    leaves: Vec<(Subtree, u32)>,
    waiting: Waiting,
    reached: Reached<'v>,
    rows: u64,
    pause: Duration,
}

/// What the steps so far left behind.
enum Reached<'v> {
    Nothing,
    Prepared(Box<Prepared<'v>>),
    Turned { epoch: u64, head: HeadRow, retired: Option<Retired> },
    Moving,
}

struct Prepared<'v> {
    next: NextTree<'v>,
    epoch: u64,
    old_root: [u8; 32],
    nodes: Vec<NodeRow>,
    known: BTreeMap<(Keyspace, Vec<u8>), Rewrapped>,
    /// The marks of the leaves, as they were when the rows were made.
    marks: Marks,
}

type Marks = BTreeMap<(Subtree, u32), RowStamp>;

impl<'v> Round<'v> {
    /// `waiting` is what earlier rounds know of the erasures that wait.
    pub(super) fn new(vault: &'v Vault, leaves: &[(Subtree, u32)], waiting: Waiting) -> Self {
        Self { vault, leaves: leaves.to_vec(), waiting, reached: Reached::Nothing, rows: 0, pause: Duration::ZERO }
    }

    /// What this round knows of the erasures that wait.
    pub(super) fn into_waiting(self) -> Waiting {
        self.waiting
    }

    /// A round that an earlier process committed and did not finish.
    pub(crate) fn resumed(vault: &'v Vault, epoch: u64, leaves: Vec<(Subtree, u32)>) -> Result<Self, Error> {
        let reached = Reached::Turned { epoch, head: vault.ledger().synced_head()?, retired: None };
        Ok(Self { vault, leaves, waiting: Waiting::default(), reached, rows: 0, pause: Duration::ZERO })
    }

    pub(super) fn add_to(&self, report: &mut SealReport) {
        report.rounds += 1;
        report.leaves += self.leaves.len() as u64;
        report.rows += self.rows;
        let pause = u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX);
        report.longest_pause_us = report.longest_pause_us.max(pause);
    }

    /// Takes one step.
    pub(crate) fn take(&mut self, step: Step) -> Result<(), Error> {
        self.reached = match (step, std::mem::replace(&mut self.reached, Reached::Moving)) {
            (Step::Prepare, Reached::Nothing) => Reached::Prepared(Box::new(self.prepare()?)),
            (Step::Commit, Reached::Prepared(prepared)) => self.commit(*prepared)?,
            (Step::Verify, turned @ Reached::Turned { .. }) => {
                self.vault.keyring().verify_leaves(self.vault.engine(), &self.leaves)?;
                turned
            }
            (Step::Capsule, Reached::Turned { epoch, head, retired }) => {
                let capsule = self.vault.capsule(epoch, &self.leaves)?;
                self.vault.seals().capsules.keep(epoch, &capsule)?;
                Reached::Turned { epoch, head, retired }
            }
            (Step::Drop, Reached::Turned { epoch, head, retired }) => {
                self.vault.drop_old_root(epoch, &head)?;
                Reached::Turned { epoch, head, retired }
            }
            (Step::Wipe, Reached::Turned { epoch, head, retired }) => {
                wait_until_wiped(retired.as_ref());
                Reached::Turned { epoch, head, retired: None }
            }
            _ => return Err(OUT_OF_ORDER),
        };
        Ok(())
    }

    /// S1. The pending root is in the keyring, durably, before a byte is written under it.
    fn prepare(&mut self) -> Result<Prepared<'v>, Error> {
        let vault = self.vault;
        let slot = vault.seals().slot();
        let mut body = slot.read()?;
        if body.epoch != vault.keyring().epoch() {
            return Err(Error::Internal("the keyring is not at the epoch of the tree"));
        }
        let (epoch, old_root) = (body.epoch.saturating_add(1), body.root.commitment());
        // What an attempt before this one drew is overwritten here: its keys are on the disk and are never used.
        #[cfg(feature = "sabotage")]
        let pending = body.next.take().filter(|_| crate::sabotage::is(crate::sabotage::Fault::ReusePendingKeys));
        body.next = Some((epoch, Key::generate(vault.entropy())?));
        #[cfg(feature = "sabotage")]
        {
            body.next = pending.or(body.next);
        }
        slot.replace(&body, vault.entropy())?;
        vault.share_with_holders(&body);
        let root = slot.read()?.next.map(|(_, root)| root).ok_or(OUT_OF_ORDER)?;
        let snapshot = vault.engine().snapshot()?;
        let next = vault.keyring().next_tree(&*snapshot, &self.leaves, root, vault.entropy())?;
        // The marks of this moment come with all erasures that set them.
        let marks = self.marks(&*snapshot)?;
        self.waiting.catch_up(&*snapshot)?;
        let known = next.rewrap(&*snapshot, self.waiting.departing(), BTreeMap::new(), vault.entropy())?;
        let known = known.into_iter().map(|made| ((made.keyspace, made.key.clone()), made)).collect();
        let nodes = next.node_rows(vault.entropy())?;
        Ok(Prepared { next, epoch, old_root, nodes, known, marks })
    }

    fn marks(&self, reader: &dyn Reader) -> Result<Marks, Error> {
        let ends = self.leaves.iter().min().zip(self.leaves.iter().max());
        Ok(ends.map(|(first, last)| tables::dirty::between(reader, *first, *last)).transpose()?.unwrap_or_default())
    }

    /// S2. Between two commits of others; durable before anybody relies on it.
    fn commit(&mut self, prepared: Prepared<'v>) -> Result<Reached<'v>, Error> {
        let epoch = prepared.epoch;
        let (retired, pause) = self.vault.ledger().exclusive(|ledger| {
            let retired = self.turn(ledger, prepared)?;
            Ok::<_, Error>((retired, ledger.held()))
        })??;
        self.pause = pause;
        let head = self.vault.ledger().synced_head()?;
        Ok(Reached::Turned { epoch, head, retired: Some(retired) })
    }

    fn turn(&mut self, ledger: &mut Exclusive<'_>, prepared: Prepared<'v>) -> Result<Retired, Error> {
        let Prepared { next, epoch, old_root, nodes, known, marks } = prepared;
        let vault = self.vault;
        let rows = next.rewrap(vault.engine(), self.waiting.departing(), known, vault.entropy())?;
        // A bucket that was marked again meanwhile may hold entries of somebody erased meanwhile: its mark stays for the
        // next sweep. Of a shard everything went with the row of the member.
        let present = self.marks(vault.engine())?;
        let done = |leaf: &(Subtree, u32)| leaf.0 == Subtree::MEMBERS || marks.get(leaf) == present.get(leaf);
        let marks: Vec<_> = next.leaves().filter(done).collect();
        self.rows = rows.len() as u64;
        let rotation = RotationRow {
            old_root,
            new_root: next.root_commitment(),
            at: vault.now(),
            leaf: 0,
            leaves: next.leaves().collect(),
        };
        let change = vault.turning_change(epoch, &rotation, nodes, (rows, marks))?;
        vault.keyring().turn(epoch, || {
            ledger.commit(change, Durability::Buffered)?;
            Ok(next.into_root())
        })
    }
}

impl Vault {
    /// The whole batch of a round.
    fn turning_change(
        &self,
        epoch: u64,
        rotation: &RotationRow,
        nodes: Vec<NodeRow>,
        (rows, marks): (Vec<Rewrapped>, Vec<(Subtree, u32)>),
    ) -> Result<Change, Error> {
        let RotationRow { old_root, new_root, ref leaves, .. } = *rotation;
        let leaves_count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let event = Event::TreeRotate(Rotation { epoch, old_root, new_root, leaves: leaves_count });
        let mut change = self.event(&self.own_ctx()?, event, rotation.at);
        for Rewrapped { keyspace, key, row, lost, .. } in rows {
            change.put(keyspace, key, row);
            left(&mut change, &lost);
        }
        for (key, row) in nodes {
            change.put(tables::node::KEYSPACE, key, row);
        }
        for (subtree, leaf) in marks {
            change.delete(tables::dirty::KEYSPACE, tables::dirty::key(subtree, leaf));
        }
        change.late(LateRow {
            keyspace: tables::rotation::KEYSPACE,
            key: tables::rotation::key(epoch).to_vec(),
            value: rotation.encode()?,
            index_at: RotationRow::LEAF_AT,
        });
        change.put(tables::meta::KEYSPACE, tables::meta::EPOCH_KEY, encode_epoch(epoch));
        Ok(change)
    }

    /// S4. The old root is gone from here; holders that are away are found again when the erasures are certified.
    fn drop_old_root(&self, epoch: u64, head: &HeadRow) -> Result<(), Error> {
        let mut body = self.seals().slot().read()?;
        match body.next.take() {
            Some((next, root)) if next == epoch => {
                #[cfg(feature = "sabotage")]
                if crate::sabotage::is(crate::sabotage::Fault::KeepOldRoot) {
                    use crate::codec::KeyBytes as _;
                    body.next = Some((body.epoch, Key::from_key_bytes(body.root.expose_key_bytes())));
                }
                body.epoch = next;
                body.root = root;
            }
            _ => return Err(Error::Internal("the keyring does not hold the root that was committed")),
        }
        (body.ledger_size, body.ledger_root) = (head.size, head.root);
        self.seals().slot().replace(&body, self.entropy())?;
        self.share_with_holders(&body);
        Ok(())
    }

    /// The context of what the vault does by itself.
    pub(crate) fn own_ctx(&self) -> Result<Ctx, Error> {
        Ok(Ctx { actor: Actor::local(Role::Ops), purpose: None, request: RequestId::from_random(self.random()?) })
    }
}

/// S5. Requests under way hold single keys for microseconds; nobody can begin from the old tree any more.
fn wait_until_wiped(retired: Option<&Retired>) {
    let Some(retired) = retired else { return };
    for _ in 0..WIPE_LOOKS_MAX {
        if retired.is_wiped() {
            return;
        }
        std::thread::yield_now();
    }
    tracing::warn!("a reader still holds the key tree of the last epoch; it is wiped when that reader ends");
}
