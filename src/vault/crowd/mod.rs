//! Many members at once, for one purpose: those who may be shown, each opened and weighed as if it were read alone.
//!
//! Where the purpose rests on consent, only those who gave it are looked at; else everybody is. Whoever is gone, does not
//! agree, objected or restricted is left out in silence: nobody asked for that one.
//!
//! What is shown rests on the member rows as they were opened. A change that shows somebody relies on its row, so what a
//! member says in the meantime comes first, and the page is made anew.

pub mod audience;
mod cursor;
pub mod segment;

use crate::codec::{Event, RowStamp};
use crate::ledger::{Change, Reliance};
use crate::policy::{Action, Denial, Facts, Permit, Projection, View};
use crate::schema::LegalBasis;
use crate::tables;
use crate::types::{Compartment, FieldName, MemberId, Purpose, RecordName};

use super::Error;
use super::act::Refusal;
use super::api::RecordAddress;
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::records::Stored;

/// Members one request opens at most, shown or not; where there are more, the reply says where to go on.
pub const MEMBERS_OPENED_MAX: usize = 5_000;
/// Members whose ids are read at a time.
const CHUNK_MEMBERS: usize = 500;
/// After so many times that members changed their mind meanwhile, a page is made half as long: in the end of one member,
/// which only that member can disturb.
const TRIES_OF_A_LENGTH: usize = 4;

/// Who is looked at.
enum Source {
    /// Those who agreed to the purpose.
    Agreed,
    /// Everybody.
    All,
}

/// The members a caller may look at, for a purpose.
pub(super) struct Crowd<'c> {
    case: &'c Case<'c>,
    permit: Permit,
    purpose: &'c Purpose,
    compartment: &'c Compartment,
    name: &'c RecordName,
    source: Source,
}

/// Where a walk over the members came to.
pub(super) struct Walked {
    /// The last member that was looked at.
    pub(super) last: Option<MemberId>,
    /// Whether there may be more behind it.
    pub(super) more: bool,
}

/// Whether a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    GoOn,
    Stop,
}

/// A member of the crowd, with the record that was asked for.
pub(super) struct Person {
    pub(super) address: RecordAddress,
    pub(super) opened: Opened,
    pub(super) stored: Stored,
}

impl<'c> Crowd<'c> {
    /// Decides for all of them. A purpose must be stated, also where the policy asks the role for none.
    pub(super) fn open(
        case: &'c Case<'c>,
        action: Action,
        compartment: &'c Compartment,
        name: &'c RecordName,
    ) -> Result<Self, Refusal> {
        let permit = case.decide(action, None, Some(compartment), &Facts::NONE)?;
        let Some(purpose) = &case.ctx.purpose else { return Err(case.denied(action, Denial::PurposeRequired)) };
        let map = case.vault.map();
        let Some(entry) = map.purpose(purpose) else { return Err(case.denied(action, Denial::PurposeUnknown)) };
        let recipient = case.ctx.actor.recipient.as_ref();
        if recipient.is_some_and(|recipient| !entry.recipients.contains(recipient)) {
            return Err(case.denied(action, Denial::RecipientNotAllowed));
        }
        let source = if entry.basis == LegalBasis::Consent { Source::Agreed } else { Source::All };
        Ok(Self { case, permit, purpose, compartment, name, source })
    }

    /// How fields of the record are shown.
    pub(super) fn view(&self) -> Result<&View, Error> {
        self.permit.view(self.compartment).ok_or_else(Error::not_found)
    }

    /// Visits the members after `after` who may be shown, until `visit` stops or the bound is reached.
    pub(super) fn walk(
        &self,
        after: Option<MemberId>,
        mut visit: impl FnMut(Person) -> Result<Step, Error>,
    ) -> Result<Walked, Error> {
        let mut walked = Walked { last: after, more: true };
        let mut left = MEMBERS_OPENED_MAX;
        while left > 0 {
            let (ids, more) = self.ids(walked.last.as_ref(), left.min(CHUNK_MEMBERS))?;
            left -= ids.len().min(left);
            let mut ids = ids.into_iter().peekable();
            while let Some(id) = ids.next() {
                walked.last = Some(id);
                let step = self.person(id)?.map_or(Ok(Step::GoOn), &mut visit)?;
                if step == Step::Stop {
                    walked.more = more || ids.peek().is_some();
                    return Ok(walked);
                }
            }
            if !more {
                walked.more = false;
                return Ok(walked);
            }
        }
        Ok(walked)
    }

    /// Adds to `change` that a member's record was shown: its leaf, and that it stands on the member's word as it was read.
    pub(super) fn record(
        &self,
        change: &mut Change,
        member: MemberId,
        opened: &Opened,
        detail: &AccessDetail<'_>,
    ) -> Result<(), Error> {
        let case = self.case;
        let mut shown = case.vault.access(case.ctx, Event::RecordRead, &member, &opened.body.mk, detail)?;
        shown.decided_at(case.mark);
        shown.relies_on(Reliance::NoErasureSince { generation: case.generation, member });
        shown.relies_on(Reliance::Row {
            keyspace: tables::member::KEYSPACE,
            key: tables::member::key(&member).to_vec(),
            stamp: Some(RowStamp::of(&opened.row)),
        });
        change.absorb(shown);
        Ok(())
    }

    /// The chosen fields as they may be shown.
    pub(super) fn project(&self, person: &Person, fields: &[FieldName]) -> Result<Projection, Error> {
        let record = &person.stored.record;
        let screen = self.case.screen(&person.opened, &record.compartment, &record.name, &record.meta);
        let pseudonym = || self.pseudonym(&person.opened);
        Ok(self.view()?.project(person.stored.object()?, Some(fields), &screen, pseudonym))
    }

    /// What stands for a member, for this purpose and recipient.
    pub(super) fn pseudonym(&self, opened: &Opened) -> [u8; 16] {
        opened.body.mk.pseudonym(self.purpose, self.case.ctx.actor.recipient.as_ref())
    }

    fn ids(&self, after: Option<&MemberId>, limit: usize) -> Result<(Vec<MemberId>, bool), Error> {
        let engine = self.case.vault.engine();
        match self.source {
            Source::Agreed => {
                let found = tables::agreed::members(engine, self.purpose, after, limit)?;
                Ok((found.items.into_iter().map(|agreed| agreed.member).collect(), found.more))
            }
            Source::All => {
                let found = tables::member::ids(engine, after, limit)?;
                Ok((found.items, found.more))
            }
        }
    }

    /// The member with its record, if both are there and may be used.
    fn person(&self, member: MemberId) -> Result<Option<Person>, Error> {
        let Some(opened) = self.case.open_among(&self.permit, &member)? else { return Ok(None) };
        let address = RecordAddress { member, compartment: self.compartment.clone(), name: self.name.clone() };
        let stored = match self.case.stored_record(&opened, &address) {
            // The compartment was erased.
            Err(Error::Denied(_)) => return Ok(None),
            stored => stored?,
        };
        let Some(stored) = stored else { return Ok(None) };
        let record = &stored.record;
        let screen = self.case.screen(&opened, &record.compartment, &record.name, &record.meta);
        let is_withheld = screen.withholds_all().is_some();
        Ok((!is_withheld).then_some(Person { address, opened, stored }))
    }
}

/// How long a page is at most, the `tried`th time it is made.
pub(super) const fn length(limit: usize, tried: usize) -> usize {
    let halvings = tried / TRIES_OF_A_LENGTH;
    let shorter = if halvings < usize::BITS as usize { limit >> halvings } else { 0 };
    if shorter == 0 { 1 } else { shorter }
}
