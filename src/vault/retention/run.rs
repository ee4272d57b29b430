//! The run: takes what is due, one thing a commit, each decided anew on the facts of its moment.

use std::collections::BTreeSet;

use crate::code::{Code, Coded};
use crate::codec::Event;
use crate::crypto;
use crate::ledger::{Durability, Reliance};
use crate::policy::Action;
use crate::tables;
use crate::types::{Actor, Compartment, Ctx, MemberId, RecordVersion, RequestId, Role};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::{Page, RecordAddress};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{Case, Opened};
use super::super::records::{NewRecord, Stored};
use super::super::{Error, Vault, dek, erase, input, write};
use super::plan::Look;
use super::{Due, Reach, Removal, RetentionReport};

/// Steps of rotating the data key of one compartment: half a million records.
const ROTATION_STEPS_MAX: usize = 1_000;

/// What became of one thing that was due.
enum Taken {
    /// It went.
    Gone(Box<Removal>),
    /// It is not due any more, or not there.
    Spared,
    /// A hold keeps it.
    Held,
}

impl Vault {
    /// Takes what is due, from where `page` says, until as many things went as it asks for or as many members were looked
    /// at as one call looks at. What it did is an entry of the ledger, by the hash of the report.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy; what the engine answers. What went before a failure stays gone.
    pub fn retention_run(&self, ctx: &Ctx, page: &Page) -> Result<RetentionReport, Error> {
        self.may(ctx, Action::RetentionRun)?;
        let mut report = RetentionReport {
            at: self.now(),
            removed: Vec::new(),
            held: Vec::new(),
            keys_rotated: 0,
            examined: 0,
            unreadable: 0,
            next: None,
        };
        let (members, mut more) = self.members_after(page)?;
        let mut last = None;
        for member in members {
            if report.removed.len() >= page.limit {
                more = true;
                break;
            }
            report.examined += 1;
            last = Some(member);
            match self.take_of(ctx, &member, &mut report) {
                Ok(()) => {}
                Err(error) if error.code() == Code::ShuttingDown => return Err(error),
                Err(error) => {
                    report.unreadable += 1;
                    let code = error.code().as_str();
                    tracing::error!(%member, code, "what is due of a member could not be removed; it is tried again");
                }
            }
        }
        report.next = last.filter(|_| more).map(|member| self.retention_cursor(&member));
        let text = serde_json::to_vec(&report).map_err(|_| Error::Internal("a report is serialisable"))?;
        let event = Event::RetentionRun(crypto::sha256(&[&text]));
        self.ledger().submit(self.event(ctx, event, self.now()), Durability::Synced).wait()?;
        Ok(report)
    }

    /// Takes all that is due of all members; for the scheduler. The numbers alone.
    ///
    /// # Errors
    /// As [`Self::retention_run`].
    pub fn retention_due(&self) -> Result<(usize, usize), Error> {
        let request = RequestId::from_random(self.random()?);
        let ctx = Ctx { actor: Actor::local(Role::Compliance), purpose: None, request };
        let (mut removed, mut held) = (0, 0);
        let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
        loop {
            self.0.purges.check()?;
            let report = self.retention_run(&ctx, &page)?;
            (removed, held) = (removed + report.removed.len(), held + report.held.len());
            match report.next {
                Some(next) => page.cursor = Some(next),
                None => return Ok((removed, held)),
            }
        }
    }

    fn take_of(&self, ctx: &Ctx, member: &MemberId, report: &mut RetentionReport) -> Result<(), Error> {
        let mut touched = BTreeSet::new();
        let mut failed = None;
        for due in self.due_of(ctx, Action::RetentionRun, member)? {
            let taken = Act::new(self, || prepare(&Case::open(self, ctx), &due)).wait();
            match taken {
                Ok(Taken::Spared) => {}
                Ok(Taken::Held) => report.held.push(Due { held: true, ..due }),
                Ok(Taken::Gone(removal)) => {
                    if let (Reach::Record | Reach::Fields, Some(compartment)) = (due.what, &due.compartment) {
                        touched.insert(compartment.clone());
                    }
                    report.removed.push(*removal);
                }
                Err(error) => failed = Some(error),
            }
        }
        for compartment in touched {
            self.renew_key(ctx, member, &compartment)?;
            report.keys_rotated += 1;
        }
        failed.map_or(Ok(()), Err)
    }

    /// A new data key for a compartment in which something was deleted.
    fn renew_key(&self, ctx: &Ctx, member: &MemberId, compartment: &Compartment) -> Result<(), Error> {
        for _ in 0..ROTATION_STEPS_MAX {
            let step = Act::new(self, || {
                let case = Case::open(self, ctx);
                let permit = case.decide_plain(Action::RetentionRun)?;
                match case.opened_under(permit, member)? {
                    Some(opened) => dek::step(&case, member, compartment, opened),
                    None => Err(Error::not_found().into()),
                }
            });
            if step.wait()?.done {
                return Ok(());
            }
        }
        Err(Error::Conflict)
    }
}

fn prepare(case: &Case<'_>, due: &Due) -> Decision<Taken> {
    let permit = case.decide_plain(Action::RetentionRun)?;
    let Some(opened) = case.opened_under(permit, &due.member)? else { return Ok(Prepared::unlogged(Taken::Spared)) };
    if Look::at(case, &opened, &due.member)?.is_held() {
        return Ok(Prepared::unlogged(Taken::Held));
    }
    match (due.what, &due.compartment, &due.record) {
        (Reach::Member, ..) => member(case, opened, due),
        (Reach::Compartment, Some(compartment), _) => whole(case, opened, due, compartment),
        (Reach::Record, Some(compartment), Some(name)) => {
            let address = RecordAddress { member: due.member, compartment: compartment.clone(), name: name.clone() };
            record(case, &opened, due, &address)
        }
        (Reach::Fields, Some(compartment), Some(name)) => {
            let address = RecordAddress { member: due.member, compartment: compartment.clone(), name: name.clone() };
            fields(case, &opened, due, &address)
        }
        _ => Ok(Prepared::unlogged(Taken::Spared)),
    }
}

fn gone(due: &Due) -> Taken {
    Taken::Gone(Box::new(Removal { due: due.clone(), erasure: None }))
}

/// The member, if its profile is still due.
fn member(case: &Case<'_>, opened: Opened, due: &Due) -> Decision<Taken> {
    let Some(stored) = case.stored_record(&opened, &RecordAddress::profile(due.member))? else {
        return Ok(Prepared::unlogged(Taken::Spared));
    };
    let Some(verdict) = Look::at(case, &opened, &due.member)?.verdict(&stored)? else {
        return Ok(Prepared::unlogged(Taken::Spared));
    };
    let due = Look::at(case, &opened, &due.member)?.entry(&stored, Reach::Member, verdict);
    let (erasure, change) = erase::erasing_opened(case, &due.member, None, opened)?;
    let removal = Removal { due, erasure: Some(erasure.id) };
    Ok(Prepared::durable(Taken::Gone(Box::new(removal)), change))
}

/// A compartment, if all of its records are still due. It stands on these records and on there being no others.
fn whole(case: &Case<'_>, opened: Opened, due: &Due, compartment: &Compartment) -> Decision<Taken> {
    let Ok(Some(keys)) = opened.compartment(compartment) else { return Ok(Prepared::unlogged(Taken::Spared)) };
    let number = keys.number;
    let range = tables::record::range_of(&due.member, Some(number));
    let records = case.records_in(&opened, &due.member, &range)?;
    let mut last: Option<Due> = None;
    {
        let mut look = Look::at(case, &opened, &due.member)?;
        for stored in &records {
            let Some(verdict) = look.verdict(stored)? else { return Ok(Prepared::unlogged(Taken::Spared)) };
            if last.as_ref().is_none_or(|last| last.due_at < verdict.due_at) {
                last = Some(look.entry(stored, Reach::Compartment, verdict));
            }
        }
    }
    let Some(due) = last else { return Ok(Prepared::unlogged(Taken::Spared)) };
    let detail =
        AccessDetail { compartment: Some(compartment.as_str()), ..AccessDetail::of_member(case.ctx, case.now) };
    // So that the member's own history says it as well.
    let told = case.vault.access(case.ctx, Event::RecordDelete, &due.member, &opened.body.mk, &detail)?;
    let (erasure, mut change) = erase::erasing_opened(case, &due.member, Some(compartment), opened)?;
    for stored in &records {
        let (key, stamp) = (stored.key.to_vec(), Some(stored.stamp));
        change.relies_on(Reliance::Row { keyspace: tables::record::KEYSPACE, key, stamp });
    }
    change.relies_on(Reliance::Rows { keyspace: tables::record::KEYSPACE, range, count: records.len() });
    change.absorb(told);
    let removal = Removal { due, erasure: Some(erasure.id) };
    Ok(Prepared::durable(Taken::Gone(Box::new(removal)), change))
}

/// A record, if it is still due.
fn record(case: &Case<'_>, opened: &Opened, due: &Due, address: &RecordAddress) -> Decision<Taken> {
    let Some(stored) = still_there(case, opened, address)? else { return Ok(Prepared::unlogged(Taken::Spared)) };
    let mut look = Look::at(case, opened, &due.member)?;
    let Some(verdict) = look.verdict(&stored)? else { return Ok(Prepared::unlogged(Taken::Spared)) };
    let due = look.entry(&stored, Reach::Record, verdict);
    Ok(Prepared::durable(gone(&due), write::removal(case, opened, address, &stored)?))
}

/// Fields of a record, if they are still due. When the record was last written stays as it was: to take something away is
/// no use of it, and must not prolong the rest.
fn fields(case: &Case<'_>, opened: &Opened, due: &Due, address: &RecordAddress) -> Decision<Taken> {
    let Some(stored) = still_there(case, opened, address)? else { return Ok(Prepared::unlogged(Taken::Spared)) };
    let Some(due) = Look::at(case, opened, &due.member)?.fields(&stored)? else {
        return Ok(Prepared::unlogged(Taken::Spared));
    };
    let before = stored.object()?;
    let mut after = before.clone();
    for field in &due.fields {
        after.remove(field.as_str());
    }
    let vault = case.vault;
    let version: RecordVersion = stored.version.next();
    let detail = AccessDetail::of_record(case.ctx, case.now, address, version);
    let mut change = vault.access(case.ctx, Event::RecordWrite, &address.member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    let hold = tables::hold::key(&address.member).to_vec();
    change.relies_on(Reliance::Row { keyspace: tables::hold::KEYSPACE, key: hold, stamp: None });
    if *address == RecordAddress::profile(address.member) {
        vault.reindex(&mut change, &address.member, Some(&before), Some(&after))?;
    }
    let json = input::record_text(&after)?;
    let meta = stored.record.meta.clone();
    let record = NewRecord {
        address,
        version,
        created: stored.record.created,
        updated: stored.record.updated,
        meta: &meta,
        json: json.expose(),
    };
    vault.put_row(&mut change, &opened.body, &record, Some(&stored))?;
    Ok(Prepared::durable(gone(&due), change))
}

/// The record, unless it or its compartment went meanwhile.
fn still_there(case: &Case<'_>, opened: &Opened, address: &RecordAddress) -> Result<Option<Stored>, Error> {
    match case.stored_record(opened, address) {
        Err(error) if error.code() == Code::Gone => Ok(None),
        other => other,
    }
}
