//! Who did what, added up from the log: per token, its last entry ever and its acts in a period.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::codec::leaf::LeafHead;
use crate::codec::{Event, Leaf, LeafKind};
use crate::policy::Action;
use crate::types::{Purpose, TokenId};

use super::super::{Error, Vault};

/// What the log says of a period.
#[derive(Default)]
pub(super) struct Usage {
    /// Leaves of the log.
    pub(super) size: u64,
    /// What each token did.
    pub(super) tokens: HashMap<TokenId, OfToken>,
    /// Purposes that were stated in the period.
    pub(super) purposes: BTreeSet<Purpose>,
    /// Refusals in the period: token, action and reason as the log numbers them.
    pub(super) denied: BTreeMap<(TokenId, u8, u8), u64>,
    /// The first leaf of the period.
    pub(super) first: Option<u64>,
    /// Which leaves from the first on show what is in a record, a bit each.
    shows: Vec<u64>,
}

/// What one token did.
#[derive(Default)]
pub(super) struct OfToken {
    /// The minute of its last entry, whenever that was.
    pub(super) last: u32,
    /// What it did in the period.
    pub(super) acts: BTreeMap<Action, u64>,
}

impl Usage {
    /// Reads the log up to now; the period is from the minute `since` on.
    pub(super) fn of(vault: &Vault, since: u32) -> Result<Self, Error> {
        let mut usage = Self { size: vault.ledger().size(), ..Self::default() };
        vault.each_leaf(usage.size, &mut |index, head, bytes| usage.add(index, head, bytes, since))?;
        Ok(usage)
    }

    fn add(&mut self, index: u64, head: LeafHead, bytes: &[u8], since: u32) -> Result<(), Error> {
        let token = self.tokens.entry(head.actor).or_default();
        token.last = token.last.max(head.minute);
        if head.minute < since {
            return Ok(());
        }
        let leaf = Leaf::parse(bytes)?;
        for action in judged(&leaf.event) {
            *token.acts.entry(*action).or_default() += 1;
        }
        if let Event::Denial { action, reason } = leaf.event {
            *self.denied.entry((head.actor, action, reason)).or_default() += 1;
        }
        self.purposes.extend(leaf.purpose);
        let first = *self.first.get_or_insert(index);
        if shows(head.kind) {
            let (at, bit) = place(index, first);
            self.shows.resize(self.shows.len().max(at.saturating_add(1)), 0);
            if let Some(word) = self.shows.get_mut(at) {
                *word |= bit;
            }
        }
        Ok(())
    }

    /// Whether a leaf of the period shows what is in a record.
    pub(super) fn shows(&self, index: u64) -> bool {
        let Some(first) = self.first.filter(|first| *first <= index) else { return false };
        let (at, bit) = place(index, first);
        self.shows.get(at).is_some_and(|word| word & bit != 0)
    }
}

fn place(index: u64, first: u64) -> (usize, u64) {
    let offset = index.saturating_sub(first);
    (usize::try_from(offset / 64).unwrap_or(usize::MAX), 1 << (offset % 64))
}

/// Whether an act of this kind shows what is in a record, rather than writing, listing or changing it.
pub(super) const fn shows(kind: LeafKind) -> bool {
    matches!(
        kind,
        LeafKind::RecordRead
            | LeafKind::MemberLookup
            | LeafKind::MemberExport
            | LeafKind::AudienceRead
            | LeafKind::SegmentRead
            | LeafKind::RecordQuery
            | LeafKind::ShareOpen
    )
}

/// The acts whose use the log tells. Others leave no entry of their own (such as reading the policy), or share one.
pub(super) const JUDGED: &[Action] = &[
    Action::MemberCreate,
    Action::RecordRead,
    Action::RecordWrite,
    Action::RecordDelete,
    Action::RecordList,
    Action::MemberLookup,
    Action::MemberList,
    Action::MemberExport,
    Action::MemberErase,
    Action::CompartmentErase,
    Action::HoldSet,
    Action::HoldRelease,
    Action::TokenCreate,
    Action::TokenRevoke,
    Action::BackupRun,
    Action::ConsentWrite,
    Action::StandingWrite,
    Action::AudienceRead,
    Action::SegmentRead,
    Action::RecordQuery,
    Action::ShareCreate,
    Action::ShareRevoke,
    Action::HistoryRead,
    Action::DisclosureWrite,
    Action::RecipientWrite,
    Action::WindowOpen,
    Action::CanaryWrite,
    Action::FreezeSet,
    Action::FreezeRelease,
    Action::BreachRead,
    Action::AuditRead,
    Action::DekRotate,
];

/// The act an entry stands for, where it is one of [`JUDGED`].
const fn judged(event: &Event) -> &'static [Action] {
    match event {
        Event::MemberCreate(_) | Event::Import => &[Action::MemberCreate],
        Event::RecordRead(_) => &[Action::RecordRead],
        Event::RecordWrite(_) => &[Action::RecordWrite],
        Event::RecordDelete(_) => &[Action::RecordDelete],
        Event::RecordList(_) => &[Action::RecordList],
        Event::MemberLookup(_) => &[Action::MemberLookup],
        Event::MemberList => &[Action::MemberList],
        Event::MemberExport(_) => &[Action::MemberExport],
        Event::EraseIntent { compartment_only: false, .. } => &[Action::MemberErase],
        Event::EraseIntent { .. } => &[Action::CompartmentErase],
        Event::HoldSet(_) => &[Action::HoldSet],
        Event::HoldRelease(_) => &[Action::HoldRelease],
        Event::TokenCreate(..) => &[Action::TokenCreate],
        Event::TokenRevoke(..) => &[Action::TokenRevoke],
        Event::Backup { .. } => &[Action::BackupRun],
        Event::ConsentChange(_) => &[Action::ConsentWrite],
        Event::StandingChange(_) => &[Action::StandingWrite],
        Event::AudienceRead => &[Action::AudienceRead],
        Event::SegmentRead => &[Action::SegmentRead],
        Event::RecordQuery => &[Action::RecordQuery],
        Event::ShareCreate(_) => &[Action::ShareCreate],
        Event::ShareRevoke(_) => &[Action::ShareRevoke],
        Event::HistoryRead(_) => &[Action::HistoryRead],
        Event::Disclosure(_) => &[Action::DisclosureWrite],
        Event::RecipientChange(_) => &[Action::RecipientWrite],
        Event::WindowOpen(_) => &[Action::WindowOpen],
        Event::CanaryWrite(_) => &[Action::CanaryWrite],
        Event::Freeze(_) => &[Action::FreezeSet],
        Event::FreezeRelease(_) => &[Action::FreezeRelease],
        Event::BreachReport(_) => &[Action::BreachRead],
        Event::AuditReport(_) => &[Action::AuditRead],
        Event::DekRotate(_) => &[Action::DekRotate],
        _ => &[],
    }
}
