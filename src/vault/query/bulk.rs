//! Change or delete records of all members by their metadata: a page at a time.
//!
//! A page is found as a query finds it. Then each record on it is decided and changed for itself, with its own entry in
//! the history of its member, as if it had been asked for alone: a record that changed meanwhile and is no longer meant
//! is left as it is, one under legal hold is not deleted, and what is done stays done whatever becomes of the others. To
//! ask for the same page again does no harm.

use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::{Action, Denial, Facts};
use crate::types::Ctx;
use crate::vault::act::{self, Act, Decision, Prepared};
use crate::vault::api::{BulkDone, MetaEdit, Page, RecordAddress, RecordFilter};
use crate::vault::evidence::AccessDetail;
use crate::vault::pipeline::{Case, Opened};
use crate::vault::records::{NewRecord, Stored};
use crate::vault::{Error, Vault, input, write};

/// Records decided at a time: they share the wait for the disk.
const TOGETHER: usize = 64;

/// What became of one record.
enum Outcome {
    Changed,
    Skipped,
}

/// What is to be done with each record.
#[derive(Clone, Copy)]
enum Work<'a> {
    Update(&'a MetaEdit),
    Delete,
}

/// What one page of records comes to.
struct Found {
    records: Vec<RecordAddress>,
    next: Option<String>,
}

impl Vault {
    /// Changes the metadata of the records on one page of what `filter` means. Blocks.
    ///
    /// # Errors
    /// As [`Vault::query_records`]; `invalid_request` for an edit that says nothing or passes a limit. What is refused
    /// for one record alone is counted.
    pub fn update_records(
        &self,
        ctx: &Ctx,
        filter: &RecordFilter,
        edit: &MetaEdit,
        page: &Page,
    ) -> Result<BulkDone, Error> {
        if edit.is_empty() {
            return Err(Error::invalid("/change", "say what is to be changed: set, clear, add or remove"));
        }
        input::metadata(&edit.applied(&Default::default()))?;
        self.work_through(ctx, filter, Work::Update(edit), page)
    }

    /// Deletes the records on one page of what `filter` means. Not an erasure. Blocks.
    ///
    /// # Errors
    /// As [`Vault::query_records`]. What is refused for one record alone is counted.
    pub fn delete_records(&self, ctx: &Ctx, filter: &RecordFilter, page: &Page) -> Result<BulkDone, Error> {
        self.work_through(ctx, filter, Work::Delete, page)
    }

    fn work_through(&self, ctx: &Ctx, filter: &RecordFilter, work: Work<'_>, page: &Page) -> Result<BulkDone, Error> {
        let Found { records, next } = Act::new(self, || find(&Case::open(self, ctx), filter, page)).wait()?;
        let mut done = BulkDone { next, ..BulkDone::default() };
        for some in records.chunks(TOGETHER) {
            let one = |address| Act::new(self, move || prepare(&Case::open(self, ctx), filter, work, address));
            for outcome in act::wait_for_all(some.iter().map(one).collect()) {
                match outcome {
                    Ok(Outcome::Changed) => done.changed += 1,
                    Ok(Outcome::Skipped) | Err(Error::Denied(Denial::NotFound | Denial::Gone)) => done.skipped += 1,
                    Err(Error::Denied(Denial::LegalHold)) => done.held += 1,
                    // A stop in an emergency is one for all that is left.
                    Err(error @ Error::Denied(Denial::Frozen)) => return Err(error),
                    Err(Error::Denied(_) | Error::Invalid { .. }) => done.refused += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(done)
    }
}

/// Finds the records of a page. Who sees none of them needs no entry in a member's history for that.
fn find(case: &Case<'_>, filter: &RecordFilter, page: &Page) -> Decision<Found> {
    let permit = case.decide(Action::RecordBulk, filter.member.as_ref(), None, &Facts::NONE)?;
    let mut records = Vec::new();
    let next = case.walk(&permit, filter, page, &mut |member, _, stored| {
        // What the vault keeps for itself is not for callers to change.
        if input::open_to_callers(&stored.record.compartment).is_ok() {
            let (compartment, name) = (stored.record.compartment, stored.record.name);
            records.push(RecordAddress { member: *member, compartment, name });
        }
        Ok(())
    })?;
    Ok(Prepared::logged(Found { records, next }, case.vault.event(case.ctx, Event::RecordQuery, case.now)))
}

/// One record of the page, as it is now.
fn prepare(case: &Case<'_>, filter: &RecordFilter, work: Work<'_>, address: &RecordAddress) -> Decision<Outcome> {
    let action = match work {
        Work::Update(_) => Action::RecordWrite,
        Work::Delete => Action::RecordDelete,
    };
    let opened = case.open_member(action, &address.member, Some(&address.compartment))?;
    let RecordAddress { member, compartment, name } = address;
    let old = case.stored_record(&opened, address)?;
    let Some(old) = old.filter(|old| filter.matches(member, compartment, name, &old.record.meta)) else {
        return Ok(Prepared::unlogged(Outcome::Skipped));
    };
    match work {
        Work::Update(edit) => update(case, &opened, address, &old, edit),
        Work::Delete => Ok(Prepared::durable(Outcome::Changed, write::removal(case, &opened, address, &old)?)),
    }
}

/// New metadata, the same content.
fn update(
    case: &Case<'_>,
    opened: &Opened,
    address: &RecordAddress,
    old: &Stored,
    edit: &MetaEdit,
) -> Decision<Outcome> {
    let meta = edit.applied(&old.record.meta);
    if meta == old.record.meta {
        return Ok(Prepared::unlogged(Outcome::Skipped));
    }
    input::metadata(&meta)?;
    let (vault, version) = (case.vault, old.version.next());
    let detail = AccessDetail::of_record(case.ctx, case.now, address, version);
    let mut change = vault.access(case.ctx, Event::RecordWrite, &address.member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    let record = NewRecord {
        address,
        version,
        created: old.record.created,
        updated: case.now,
        meta: &meta,
        json: old.record.expose_json(),
    };
    vault.put_row(&mut change, &opened.body, &record, Some(old))?;
    Ok(Prepared::durable(Outcome::Changed, change))
}
