//! What is due, member by member: the plan, and what a run begins with.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::code::Coded;
use crate::codec::{Event, keys};
use crate::ledger::Durability;
use crate::policy::{Action, Permit};
use crate::tables;
use crate::types::{Compartment, Ctx, MemberId, Purpose};

use super::super::api::Page;
use super::super::consent::{self, Happening, HistoryEntry};
use super::super::cursor::LISTING_RETENTION;
use super::super::pipeline::{Case, Opened};
use super::super::records::Stored;
use super::super::{Error, Vault};
use super::rule::{self, Verdict};
use super::{Due, MEMBERS_EACH_MAX, Reach, RetentionPlan};

impl Vault {
    /// What is due now, from where `page` says: a dry run. A page ends with a member, so it may be longer than asked for
    /// by what one member has due; it may also be short, or empty, and there are more.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy; what the engine answers.
    pub fn retention_plan(&self, ctx: &Ctx, page: &Page) -> Result<RetentionPlan, Error> {
        self.may(ctx, Action::RetentionRead)?;
        let at = self.now();
        let mut plan = RetentionPlan { at, items: Vec::new(), examined: 0, unreadable: 0, next: None };
        let (members, mut more) = self.members_after(page)?;
        let mut last = None;
        for member in members {
            if plan.items.len() >= page.limit {
                more = true;
                break;
            }
            plan.examined += 1;
            last = Some(member);
            match self.due_of(ctx, Action::RetentionRead, &member) {
                Ok(due) => plan.items.extend(due),
                Err(error) => {
                    plan.unreadable += 1;
                    tracing::error!(%member, code = error.code().as_str(), "what is due of a member cannot be told");
                }
            }
        }
        plan.next = last.filter(|_| more).map(|member| self.retention_cursor(&member));
        // It names members, as a listing of them does, and is evidence of the same kind.
        self.ledger().submit(self.event(ctx, Event::MemberList, at), Durability::Buffered).wait()?;
        Ok(plan)
    }

    /// Some members from where `page` says, and whether there are more.
    pub(super) fn members_after(&self, page: &Page) -> Result<(Vec<MemberId>, bool), Error> {
        let after = page.cursor.as_deref().map(|cursor| self.read_cursor(LISTING_RETENTION, cursor)).transpose()?;
        let after = after.as_deref().map(keys::parse_member).transpose()?;
        let found = tables::member::ids(self.engine(), after.as_ref(), MEMBERS_EACH_MAX)?;
        Ok((found.items, found.more))
    }

    pub(super) fn retention_cursor(&self, member: &MemberId) -> String {
        self.issue_cursor(LISTING_RETENTION, &tables::member::key(member))
    }

    /// What is due of one member; nothing of one that was erased meanwhile.
    pub(super) fn due_of(&self, ctx: &Ctx, action: Action, member: &MemberId) -> Result<Vec<Due>, Error> {
        let tries = super::super::act::DECISIONS_MAX;
        for _ in 0..tries {
            // Its keys may turn, and its rows with them, while they are read one by one.
            let case = Case::open(self, ctx);
            let permit = case.decide_plain(action).map_err(super::super::act::Refusal::into_error)?;
            match case.opened_under(permit, member).and_then(|opened| match opened {
                Some(opened) => Look::at(&case, &opened, member)?.due(),
                None => Ok(Vec::new()),
            }) {
                Err(Error::Conflict) => {}
                done => return done,
            }
        }
        Err(Error::Conflict)
    }
}

impl Case<'_> {
    /// A member opened by the vault itself, under a permit that is about no member: what retention does to all of them.
    /// `None` if it is not there.
    pub(super) fn opened_under(&self, permit: Permit, member: &MemberId) -> Result<Option<Opened>, Error> {
        loop {
            let epoch = self.vault.keyring().epoch();
            let Some(row) = self.find(member)?.row else { return Ok(None) };
            match self.vault.keyring().open_member(self.vault.engine(), member, &row) {
                Ok(body) => return Ok(Some(Opened { permit, row, body })),
                // As for any verb: read before a seal, opened after it.
                Err(_) if self.vault.keyring().turned_since(epoch) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// One opened member, and how its records stand to the rules.
pub(super) struct Look<'l> {
    case: &'l Case<'l>,
    opened: &'l Opened,
    member: &'l MemberId,
    /// The history of its consents, once it is needed.
    history: Option<Vec<HistoryEntry>>,
    held: bool,
}

impl<'l> Look<'l> {
    pub(super) fn at(case: &'l Case<'l>, opened: &'l Opened, member: &'l MemberId) -> Result<Self, Error> {
        let held = tables::hold::row(case.vault.engine(), member)?.is_some();
        Ok(Self { case, opened, member, history: None, held })
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Why the record is due, if it is.
    pub(super) fn verdict(&mut self, stored: &Stored) -> Result<Option<Verdict>, Error> {
        if stored.record.compartment.is_reserved() {
            return Ok(None);
        }
        let (case, now) = (self.case, self.case.now);
        rule::of_record(case.map(), &stored.record, now, &mut |purposes| self.ended(purposes))
    }

    /// Since when none of these consents is in force any more. `None` if one is, or none was ever given.
    fn ended(&mut self, purposes: &[&Purpose]) -> Result<Option<Timestamp>, Error> {
        let now = self.case.now;
        if purposes.iter().any(|purpose| self.opened.body.standing.consent(purpose, now).is_some()) {
            return Ok(None);
        }
        if self.history.is_none() {
            self.history = Some(consent::read_history(self.case, self.opened, self.member)?);
        }
        let history = self.history.as_deref().unwrap_or_default();
        Ok(purposes.iter().filter_map(|purpose| end_of(history, purpose)).max())
    }

    /// What is due of the member: itself, or else whole compartments, and else records and fields.
    fn due(mut self) -> Result<Vec<Due>, Error> {
        let records = self.case.all_records(self.opened, self.member)?;
        let mut of_compartments: BTreeMap<Compartment, Vec<(&Stored, Option<Verdict>)>> = BTreeMap::new();
        for stored in &records {
            let verdict = self.verdict(stored)?;
            if let (Some(verdict), true) = (verdict, is_profile(stored)) {
                return Ok(vec![self.entry(stored, Reach::Member, verdict)]);
            }
            of_compartments.entry(stored.record.compartment.clone()).or_default().push((stored, verdict));
        }
        let mut due = Vec::new();
        for (compartment, records) in of_compartments {
            // The last of them to be due says since when all of it is.
            let whole: Option<Vec<_>> = records.iter().map(|(stored, verdict)| Some((*stored, (*verdict)?))).collect();
            let last = whole.and_then(|whole| whole.into_iter().max_by_key(|(_, verdict)| verdict.due_at));
            match last {
                Some((stored, verdict)) if compartment != Compartment::core() => {
                    due.push(self.entry(stored, Reach::Compartment, verdict));
                }
                _ => {
                    for (stored, verdict) in records {
                        match verdict {
                            Some(verdict) => due.push(self.entry(stored, Reach::Record, verdict)),
                            None => due.extend(self.fields(stored)?),
                        }
                    }
                }
            }
        }
        Ok(due)
    }

    /// The fields of a record that go before it.
    pub(super) fn fields(&self, stored: &Stored) -> Result<Option<Due>, Error> {
        let record = &stored.record;
        let Some(kind) = self.case.map().record_type(&record.compartment, &record.name) else { return Ok(None) };
        if !rule::has_short_fields(kind) {
            return Ok(None);
        }
        let fields = rule::of_fields(kind, record, &stored.object()?, self.case.now);
        let Some((first, due_at)) = fields.iter().min_by_key(|(_, due_at)| *due_at) else { return Ok(None) };
        let verdict = Verdict { rule: super::Rule::Retention, due_at: *due_at };
        let period = first.retention.as_ref().map(ToString::to_string);
        let names = rule::names(&fields);
        Ok(Some(Due { fields: names, period, ..self.entry(stored, Reach::Fields, verdict) }))
    }

    pub(super) fn entry(&self, stored: &Stored, what: Reach, verdict: Verdict) -> Due {
        let record = &stored.record;
        let kind = self.case.map().record_type(&record.compartment, &record.name);
        let kept = kind.filter(|_| verdict.rule == super::Rule::Retention);
        Due {
            member: *self.member,
            what,
            compartment: (what != Reach::Member).then(|| record.compartment.clone()),
            record: matches!(what, Reach::Record | Reach::Fields).then(|| record.name.clone()),
            fields: Vec::new(),
            rule: verdict.rule,
            of: kind.map(crate::schema::RecordType::label),
            period: kept.map(|kind| kind.retention.to_string()),
            due_at: verdict.due_at,
            held: self.held,
        }
    }
}

/// Whether it is the profile: with it goes the member.
pub(super) fn is_profile(stored: &Stored) -> bool {
    stored.record.compartment == Compartment::core() && stored.record.name.as_str() == "profile"
}

/// When the consent to a purpose ended, by the last word of the history about it. Of one that is in doubt nobody knows.
fn end_of(history: &[HistoryEntry], purpose: &Purpose) -> Option<Timestamp> {
    let about = |entry: &&HistoryEntry| {
        matches!(entry.event, Happening::Given | Happening::Withdrawn) && entry.purposes.contains(purpose)
    };
    let last = history.iter().rev().find(about)?;
    match last.event {
        Happening::Withdrawn => (!last.is_in_doubt()).then_some(last.at),
        _ => last.expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Role, TokenId};

    #[test]
    fn a_consent_that_was_set_aside_ends_nothing() {
        let purpose: Purpose = "newsletter".parse().unwrap();
        let entry = |event, reason: Option<&str>| HistoryEntry {
            event,
            at: Timestamp::from_minutes(7),
            by: TokenId::LOCAL_OPERATOR,
            role: Role::Compliance,
            purposes: vec![purpose.clone()],
            notice: None,
            method: None,
            place: None,
            explicit: false,
            expires_at: None,
            reason: reason.map(str::to_owned),
        };
        let given = entry(Happening::Given, None);
        let ended = |last| end_of(&[given.clone(), last], &purpose);
        assert_eq!(ended(entry(Happening::Withdrawn, None)), Some(Timestamp::from_minutes(7)));
        assert_eq!(ended(entry(Happening::Withdrawn, Some(consent::IN_DOUBT))), None);
    }
}
