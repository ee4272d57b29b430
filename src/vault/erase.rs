//! Erase a member, or one compartment of a member: the fence.
//!
//! One durable commit writes the fence, removes the member row (or its data keys) and the records, marks what the next
//! seal must re-key, and logs the intent. From the reply on, every verb answers `gone`; a writer that was under way relies
//! on there being no fence and is refused. The fence is never lifted.
//!
//! Of a whole member, entries of the index and details of accesses are void from then on, and go with the seal.
//!
//! What this does not do: destroy old bytes. Until the seal, copies of the old rows can be opened with today's keys.

use crate::codec::Event;
use crate::codec::rows::{ErasureRow, ErasureStage};
use crate::codec::{RowStamp, keys};
use crate::ledger::{Change, Durability, LateRow, Reliance};
use crate::policy::{Action, Denial};
use crate::store::Keyspace;
use crate::tables;
use crate::types::place::Subtree;
use crate::types::{Compartment, Ctx, ErasureId, MemberId, RecipientName};

use super::act::{Act, Decision, Prepared, Refusal};
use super::api::{Erasure, Listing, Page, RecordAddress, Scope, Sealed, Stage};
use super::cursor::LISTING_ERASURES;
use super::disclosure::notice::Uses;
use super::index::Rewritten;
use super::pipeline::{Case, Opened};
use super::purge::residue::Removed;
use super::{Error, Vault, consent, input};

impl Vault {
    /// Erases a member, or one compartment of it.
    ///
    /// # Errors
    /// `invalid_name` for the compartment that is the vault's own; `legal_hold` while a hold stands; `gone` where it was erased before; `not_found`; a denial of the policy.
    pub fn erase<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        compartment: Option<&'v Compartment>,
    ) -> Act<'v, Erasure> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, compartment))
    }

    /// One erasure.
    ///
    /// # Errors
    /// `not_found`; a denial of the policy.
    pub fn erasure<'v>(&'v self, ctx: &'v Ctx, id: &'v ErasureId) -> Act<'v, Erasure> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.decide_plain(Action::ErasureRead)?;
            let row = tables::erasure::read(self.engine(), id)?.ok_or_else(Error::not_found)?;
            Ok(Prepared::unlogged(self.shown_erasure(*id, &row)?))
        })
    }

    /// Lists erasures, in the order of their ids.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy.
    pub fn list_erasures<'v>(&'v self, ctx: &'v Ctx, page: &'v Page) -> Act<'v, Listing<Erasure>> {
        Act::new(self, move || prepare_list(&Case::open(self, ctx), page))
    }
}

impl Vault {
    /// Erases what was erased before and is there again: an old image came back. No policy and no hold of today stands
    /// against it, since it was decided then. The erasure keeps its id.
    pub(crate) fn erase_again(
        &self,
        ctx: &Ctx,
        member: &MemberId,
        scope: Option<u16>,
        id: &ErasureId,
    ) -> Result<(), Error> {
        let (case, opened) = self.open_again(ctx, member)?;
        let compartment =
            scope.and_then(|number| opened.body.compartment_numbered(number)).map(|keys| keys.name.clone());

        let tag = opened.body.mk.erasure_tag(scope);
        let intent = Event::EraseIntent { erasure: *id, compartment_only: scope.is_some(), tag };
        let mut change = self.event(ctx, intent, case.now);
        change.relies_on(Reliance::Row {
            keyspace: tables::member::KEYSPACE,
            key: tables::member::key(member).to_vec(),
            stamp: Some(RowStamp::of(&opened.row)),
        });
        if scope.is_none() {
            change.delete(tables::hold::KEYSPACE, tables::hold::key(member));
        }
        let mut uses = case.uses_of(&opened, member, compartment.as_ref())?;
        fence(&mut change, id, &ErasureRow::fenced(*member, scope, case.now, tag), &uses);
        // Who was named the first time stays named.
        uses.recipients.extend(self.notice(id)?);
        self.put_notice(&mut change, id, std::mem::take(&mut uses.recipients))?;
        remove(&case, &mut change, id, (member, scope), opened, (compartment.as_ref(), &uses))?;
        if scope.is_none() {
            self.settle_requests(&case, &mut change, member, id)?;
        }
        self.ledger().submit(change, Durability::Synced).wait()?;
        Ok(())
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, compartment: Option<&Compartment>) -> Decision<Erasure> {
    let (reply, change) = erasing(case, member, compartment)?;
    Ok(Prepared::durable(reply, change).then(|reply, receipt| {
        #[cfg(feature = "sabotage")]
        let _goes_on = crate::sabotage::step_taken("erase");
        reply.leaf = receipt.index;
    }))
}

/// Decides an erasure: as it will be, but for the index of its leaf, and the change that makes it so.
pub(super) fn erasing(
    case: &Case<'_>,
    member: &MemberId,
    compartment: Option<&Compartment>,
) -> Result<(Erasure, Change), Refusal> {
    let opened = open(case, member, compartment)?;
    Ok(erasing_opened(case, member, compartment, opened)?)
}

/// As [`erasing`], of a member that is open already and on whom no hold lies.
pub(super) fn erasing_opened(
    case: &Case<'_>,
    member: &MemberId,
    compartment: Option<&Compartment>,
    opened: Opened,
) -> Result<(Erasure, Change), Error> {
    let scope = match compartment {
        None => None,
        Some(name) => Some(opened.compartment(name)?.ok_or_else(Error::not_found)?.number),
    };
    let vault = case.vault;
    let id = ErasureId::from_random(vault.random()?);
    let tag = opened.body.mk.erasure_tag(scope);
    let intent = Event::EraseIntent { erasure: id, compartment_only: scope.is_some(), tag };
    let mut change = vault.event(case.ctx, intent, case.now);
    let row = ErasureRow::fenced(*member, scope, case.now, tag);
    change.decided_at(case.mark);
    rely(case, &mut change, member, &opened);
    let mut uses = case.uses_of(&opened, member, compartment)?;
    fence(&mut change, &id, &row, &uses);
    // Who is given data meanwhile is to be told too: each access of theirs sets this row.
    let handed_out = tables::access::mark(&uses.prefix).to_vec();
    change.relies_on(Reliance::Unwritten { keyspace: tables::access::MARKS, key: handed_out, since: case.mark });
    let notify = vault.put_notice(&mut change, &id, std::mem::take(&mut uses.recipients))?;
    remove(case, &mut change, &id, (member, scope), opened, (compartment, &uses))?;
    if scope.is_none() {
        vault.settle_requests(case, &mut change, member, &id)?;
    }
    Ok((erasure(id, &row, notify), change))
}

/// Decides with the hold as a fact: its presence forbids erasing, whether or not it can be opened.
fn open(case: &Case<'_>, member: &MemberId, compartment: Option<&Compartment>) -> Result<Opened, Refusal> {
    compartment.map_or(Ok(()), input::open_to_callers)?;
    let action = if compartment.is_some() { Action::CompartmentErase } else { Action::MemberErase };
    case.open_member(action, member, compartment)
}

/// The decision stands on the member row as it was, and on there being no hold.
fn rely(case: &Case<'_>, change: &mut Change, member: &MemberId, opened: &Opened) {
    let row = |key: &[u8], stamp| Reliance::Row { keyspace: Keyspace::Control, key: key.to_vec(), stamp };
    change.relies_on(row(&tables::member::key(member), Some(RowStamp::of(&opened.row))));
    change.relies_on(row(&tables::hold::key(member), None));
    change.relies_on(Reliance::Epoch(case.vault.keyring().epoch()));
}

fn fence(change: &mut Change, id: &ErasureId, row: &ErasureRow, uses: &Uses) {
    change.put(tables::fence::KEYSPACE, tables::fence::key(&row.member, row.compartment), tables::fence::encode(id));
    change.late(LateRow {
        keyspace: tables::erasure::KEYSPACE,
        key: tables::erasure::key(id).to_vec(),
        value: row.encode(),
        index_at: ErasureRow::LEAF_AT,
    });
    // Nobody adds to the accesses from here on, and nobody can open one: they go with the seal, many at a time.
    let accesses = row.compartment.is_none().then(|| tables::pending::encode(&uses.prefix));
    change.put(tables::pending::KEYSPACE, tables::pending::key(id), accesses.unwrap_or_default());
    let mark = tables::access::mark(&uses.prefix);
    if !uses.marked {
        // With a recipient that comes in between it is decided anew, so that none is forgotten.
        change.relies_on(Reliance::Row { keyspace: tables::access::MARKS, key: mark.to_vec(), stamp: None });
    } else if row.compartment.is_none() {
        change.delete(tables::access::MARKS, mark);
    }
}

/// Removes all there is of the member, or of one compartment of it, but for what goes with the seal: entries of the index
/// and details of accesses. Notes what the files still hold of all that.
fn remove(
    case: &Case<'_>,
    change: &mut Change,
    id: &ErasureId,
    (member, scope): (&MemberId, Option<u16>),
    opened: Opened,
    (compartment, uses): (Option<&Compartment>, &Uses),
) -> Result<(), Error> {
    let pages = remove_identifiers(case, change, member, &opened, compartment)?;
    let removed = Removed { opened: &opened, pages: &pages, accesses: scope.is_none().then_some(uses) };
    case.vault.put_residue(change, id, (member, scope), &removed)?;
    remove_keys(case, change, member, opened, scope)
}

/// Takes the member's identifiers out of the index, those of an erased member with the seal; the pages that are
/// rewritten. A profile that does not open must not stop an erasure: then every page is searched for the member instead.
fn remove_identifiers(
    case: &Case<'_>,
    change: &mut Change,
    member: &MemberId,
    opened: &Opened,
    compartment: Option<&Compartment>,
) -> Result<Vec<Rewritten>, Error> {
    let profile = RecordAddress::profile(*member);
    if compartment.is_some_and(|name| *name != profile.compartment) {
        return Ok(Vec::new());
    }
    let stored = match case.stored_record(opened, &profile) {
        Ok(Some(stored)) => stored,
        // No profile is no identifiers.
        Ok(None) | Err(Error::Denied(Denial::Gone)) => return Ok(Vec::new()),
        Err(Error::Conflict) => return Err(Error::Conflict),
        Err(_) => return case.vault.expel(change, member),
    };
    change.relies_on(Reliance::Row {
        keyspace: tables::record::KEYSPACE,
        key: stored.key.to_vec(),
        stamp: Some(stored.stamp),
    });
    match stored.identifiers() {
        // The fence makes what the index still says of the member void. A member that lives on has none.
        Ok(identifiers) if compartment.is_none() => case.vault.depart(change, &identifiers),
        Ok(identifiers) => case.vault.unindex(change, member, &identifiers),
        Err(_) => case.vault.expel(change, member),
    }
}

/// Removes the member row, or the compartment's keys from it, and marks the shard for the next seal.
fn remove_keys(
    case: &Case<'_>,
    change: &mut Change,
    member: &MemberId,
    mut opened: Opened,
    scope: Option<u16>,
) -> Result<(), Error> {
    let vault = case.vault;
    let shard = vault.keyring().shard_of(member);
    change.put(tables::dirty::KEYSPACE, tables::dirty::key(Subtree::MEMBERS, shard), Vec::new());
    match scope {
        Some(number) => {
            opened.body.erase_compartment(number);
            vault.put_member(change, member, &opened.body)
        }
        None => {
            change.delete(tables::member::KEYSPACE, tables::member::key(member));
            consent::remove_postings(change, member, &opened.body.standing);
            Ok(())
        }
    }
}

fn prepare_list(case: &Case<'_>, page: &Page) -> Decision<Listing<Erasure>> {
    case.decide_plain(Action::ErasureRead)?;
    let vault = case.vault;
    let after = page.cursor.as_deref().map(|cursor| vault.read_cursor(LISTING_ERASURES, cursor)).transpose()?;
    let after = after.as_deref().map(keys::parse_erasure).transpose()?;
    let found = tables::erasure::list(vault.engine(), after.as_ref(), page.limit)?;
    let next = found
        .items
        .last()
        .filter(|_| found.more)
        .map(|(id, _)| vault.issue_cursor(LISTING_ERASURES, &tables::erasure::key(id)));
    let items = found.items.iter().map(|(id, row)| vault.shown_erasure(*id, row)).collect::<Result<_, _>>()?;
    Ok(Prepared::unlogged(Listing { items, next }))
}

impl Vault {
    /// One erasure, for a caller who was allowed to ask for it.
    pub(super) fn erasure_row(&self, id: &ErasureId) -> Result<Erasure, Error> {
        let row = tables::erasure::read(self.engine(), id)?.ok_or_else(Error::not_found)?;
        self.shown_erasure(*id, &row)
    }

    fn shown_erasure(&self, id: ErasureId, row: &ErasureRow) -> Result<Erasure, Error> {
        Ok(erasure(id, row, self.notice(&id)?))
    }
}

/// The stored row as callers see it.
fn erasure(id: ErasureId, row: &ErasureRow, notify: Vec<RecipientName>) -> Erasure {
    Erasure {
        id,
        member: row.member,
        scope: if row.compartment.is_some() { Scope::Compartment } else { Scope::Member },
        stage: match row.stage {
            ErasureStage::Fenced => Stage::Fenced,
            ErasureStage::Sealed => Stage::Sealed,
            ErasureStage::Purged => Stage::Purged,
        },
        requested_at: row.requested,
        fenced_at: row.fenced,
        leaf: row.leaf,
        sealed: (row.stage >= ErasureStage::Sealed).then_some(Sealed {
            at: row.sealed,
            epoch: row.epoch,
            leaf: row.seal_leaf,
        }),
        purged_at: (row.stage >= ErasureStage::Purged).then_some(row.purged),
        notify,
    }
}
