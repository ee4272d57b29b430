//! The road every command takes: find the member, put the facts on the table, ask the policy once, open what the
//! permit covers.
//!
//! Verbs compose these steps; none of them can open a member without a permit in hand, and every denial is recorded.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::keyring::{CompartmentKeys, MemberBody};
use crate::ledger::Mark;
use crate::policy::{Action, Denial, Facts, MemberState, Permit, Policy, Request, Scales, Screen};
use crate::schema::DataMap;
use crate::store::Row;
use crate::tables;
use crate::types::{Compartment, Ctx, MemberId, RecordMeta, RecordName, Standing};

use super::act::Refusal;
use super::{Error, Vault};

/// A member as the decision found it.
pub(crate) struct Found {
    /// Live, absent or erased.
    pub(crate) state: MemberState,
    /// The stored member row, if live.
    pub(crate) row: Option<Row>,
}

/// One command under decision: who asks, when, and under which policy.
pub(crate) struct Case<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) ctx: &'a Ctx,
    pub(crate) now: Timestamp,
    /// Erasures committed when the decision began; see `Reliance::NoErasureSince`.
    pub(crate) generation: u64,
    /// The last commit before any fact was read.
    pub(crate) mark: Mark,
    policy: Arc<Policy>,
    map: Arc<DataMap>,
}

impl<'a> Case<'a> {
    pub(crate) fn open(vault: &'a Vault, ctx: &'a Ctx) -> Self {
        let ledger = vault.ledger();
        let (mark, generation) = (ledger.mark(), ledger.erasure_generation());
        Self { vault, ctx, now: vault.now(), generation, mark, policy: vault.policy(), map: vault.map() }
    }

    /// The policy it is decided by.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The data map it is decided by.
    pub(crate) fn map(&self) -> &DataMap {
        &self.map
    }

    /// Whether this is the data map it is decided by.
    pub(crate) fn is_decided_by(&self, map: &Arc<DataMap>) -> bool {
        Arc::ptr_eq(&self.map, map)
    }

    /// Looks the member up. One read if it is live, two if not.
    pub(crate) fn find(&self, member: &MemberId) -> Result<Found, Error> {
        let engine = self.vault.engine();
        if let Some(row) = tables::member::row(engine, member)? {
            return Ok(Found { state: MemberState::Live, row: Some(row) });
        }
        let erased = tables::fence::member(engine, member)?.is_some();
        let state = if erased { MemberState::Erased } else { MemberState::Absent };
        Ok(Found { state, row: None })
    }

    /// Asks the guards and the policy. A denial carries the change that records it.
    pub(crate) fn decide(
        &self,
        action: Action,
        member: Option<&MemberId>,
        compartment: Option<&Compartment>,
        facts: &Facts,
    ) -> Result<Permit, Refusal> {
        self.unfrozen(action)?;
        let request =
            Request { actor: &self.ctx.actor, action, purpose: self.ctx.purpose.as_ref(), member, compartment };
        let permit = crate::policy::decide(&self.policy, &request, facts);
        let permit = permit.map_err(|denial| self.denied(action, denial))?;
        self.within_bounds(action)?;
        Ok(permit)
    }

    /// Asks the policy about something that is about no member.
    pub(crate) fn decide_plain(&self, action: Action) -> Result<Permit, Refusal> {
        self.decide(action, None, None, &Facts::NONE)
    }

    /// Weighs the stated purpose for the member. A refusal carries the change that records it.
    fn admit(&self, permit: &Permit, standing: &Standing) -> Result<(), Refusal> {
        self.scales(standing).admit(permit).map_err(|denial| {
            let evidence = self.vault.denial(self.ctx, permit.action(), denial, self.now);
            Refusal::logged(denial.into(), evidence)
        })
    }

    /// What data map and member let through of one record of an opened member.
    pub(crate) fn screen<'s>(
        &'s self,
        opened: &'s Opened,
        compartment: &Compartment,
        name: &RecordName,
        meta: &RecordMeta,
    ) -> Screen<'s> {
        self.scales(&opened.body.standing).screen(&opened.permit, compartment, name, meta)
    }

    fn scales<'s>(&'s self, standing: &'s Standing) -> Scales<'s> {
        Scales {
            map: &self.map,
            standing,
            purpose: self.ctx.purpose.as_ref(),
            recipient: self.ctx.actor.recipient.as_ref(),
            now: self.now,
        }
    }

    /// Opens one member of many, under a permit for all of them. `None` if it is not there, or what it says stands against
    /// the stated purpose: nobody asked for this one, so that is no refusal and leaves no leaf.
    pub(crate) fn open_among(&self, permit: &Permit, member: &MemberId) -> Result<Option<Opened>, Error> {
        loop {
            let epoch = self.vault.keyring().epoch();
            let Some(row) = tables::member::row(self.vault.engine(), member)? else { return Ok(None) };
            match self.vault.keyring().open_member(self.vault.engine(), member, &row) {
                Ok(body) => {
                    return match self.scales(&body.standing).admit(permit) {
                        Ok(()) => {
                            // Only who is not passed over is touched.
                            self.watch(permit.action(), member, &body.mk, &body.standing);
                            Ok(Some(Opened { permit: permit.clone(), row, body }))
                        }
                        Err(denial) if denial.is_the_members() => Ok(None),
                        Err(denial) => Err(denial.into()),
                    };
                }
                Err(_) if self.vault.keyring().turned_since(epoch) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Finds the member, decides, opens its keys, and weighs what the member says of the stated purpose. The keys live no
    /// longer than the returned value.
    pub(crate) fn open_member(
        &self,
        action: Action,
        member: &MemberId,
        compartment: Option<&Compartment>,
    ) -> Result<Opened, Refusal> {
        loop {
            let epoch = self.vault.keyring().epoch();
            let found = self.find(member)?;
            // That there is a hold is fact enough; it forbids also when it cannot be opened.
            let held = action.minds_hold() && tables::hold::row(self.vault.engine(), member)?.is_some();
            let facts = Facts { member: found.state, compartment_erased: false, held };
            let permit = self.decide(action, Some(member), compartment, &facts)?;
            let row = found.row.ok_or(match found.state {
                // An act that is about the vault may come upon a member that is gone.
                MemberState::Erased => Error::Denied(Denial::Gone),
                MemberState::Live | MemberState::Absent => Error::not_found(),
            })?;
            match self.vault.keyring().open_member(self.vault.engine(), member, &row) {
                Ok(body) => {
                    self.watch(action, member, &body.mk, &body.standing);
                    self.admit(&permit, &body.standing)?;
                    return Ok(Opened { permit, row, body });
                }
                // The row was read before a seal and opened after it. Seals are far longer apart than this takes.
                Err(_) if self.vault.keyring().turned_since(epoch) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A member whose keys are open under a permit.
pub(crate) struct Opened {
    pub(crate) permit: Permit,
    /// The row the keys came from.
    pub(crate) row: Row,
    pub(crate) body: MemberBody,
}

impl Opened {
    /// The keys of a compartment: absent if nothing was ever stored in it, gone if it was erased.
    pub(crate) fn compartment(&self, name: &Compartment) -> Result<Option<&CompartmentKeys>, Error> {
        match self.body.compartment(name) {
            Some(keys) if keys.is_erased() => Err(Error::Denied(crate::policy::Denial::Gone)),
            other => Ok(other),
        }
    }
}

impl Vault {
    /// Opens a member that was decided about before, where an old image came back: no policy and no hold of today stands
    /// against doing it again. `ctx` is the operator's, in role `compliance`.
    pub(crate) fn open_again<'a>(&'a self, ctx: &'a Ctx, member: &MemberId) -> Result<(Case<'a>, Opened), Error> {
        let built_in = Policy::parse(Policy::default_text());
        let built_in = built_in.map_err(|_| Error::Internal("the built-in policy is valid"))?;
        let case = Case { policy: Arc::new(built_in), ..Case::open(self, ctx) };
        let facts = Facts { member: MemberState::Live, compartment_erased: false, held: false };
        let permit = case.decide(Action::MemberErase, Some(member), None, &facts);
        let permit = permit.map_err(|_| Error::Internal("by the built-in policy, compliance erases"))?;
        let row = tables::member::row(self.engine(), member)?.ok_or_else(Error::not_found)?;
        let body = self.keyring().open_member(self.engine(), member, &row)?;
        Ok((case, Opened { permit, row, body }))
    }

    /// What failed with the keys of a member is decided anew, if the member has other keys by now: a record that was read
    /// after them may lie under a data key that was drawn in between.
    pub(crate) fn or_moved<T>(&self, opened: &Opened, member: &MemberId, result: Result<T, Error>) -> Result<T, Error> {
        let moved = result.is_err() && tables::member::row(self.engine(), member)?.as_ref() != Some(&opened.row);
        if moved { Err(Error::Conflict) } else { result }
    }
}
