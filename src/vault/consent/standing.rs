//! Objections, restriction, refusal of automated decisions: what a member can say without being asked.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::codec::Event;
use crate::ledger::Change;
use crate::policy::Action;
use crate::types::{Ctx, MemberId, Purpose, Standing};

use super::super::act::{Act, Decision, Prepared};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{Case, Opened};
use super::super::{Error, Vault};
use super::{Happening, HistoryEntry, checked_reason, history};

/// What a member says, or takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance<'a> {
    /// An objection to a purpose.
    Objection(&'a Purpose),
    /// A restriction of all use.
    Restriction,
    /// A refusal of decisions made without a person.
    AutomatedDecisions,
}

/// A consent in force, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsentInForce {
    /// To which purpose.
    pub purpose: Purpose,
    /// Whether it was given explicitly.
    pub explicit: bool,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How a member stands to the use of its data, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberStanding {
    /// What it agreed to.
    pub consents: Vec<ConsentInForce>,
    /// The purposes it objected to.
    pub objections: Vec<Purpose>,
    /// Whether it restricted the use of its data.
    pub restricted: bool,
    /// Whether it refuses decisions made without a person.
    pub refuses_automated_decisions: bool,
}

impl MemberStanding {
    /// The standing at `now`: a consent whose time is over is not in it.
    pub(super) fn at(standing: &Standing, now: Timestamp) -> Self {
        let consent = |purpose: &Purpose| {
            let consent = standing.consent(purpose, now)?;
            let until = consent.until.map(Timestamp::from_minutes);
            Some(ConsentInForce { purpose: purpose.clone(), explicit: consent.explicit, until })
        };
        let purposes = || standing.purposes().iter().map(|one| &one.purpose);
        Self {
            consents: purposes().filter_map(consent).collect(),
            objections: purposes().filter(|purpose| standing.objects(purpose)).cloned().collect(),
            restricted: standing.restricted,
            refuses_automated_decisions: standing.refuses_automation,
        }
    }
}

impl Vault {
    /// Records what a member says (`set`) or takes back. What is so already stays so and adds nothing to the history.
    ///
    /// # Errors
    /// `purpose_unknown` for an objection to a purpose the policy does not declare, unless it stands and is taken back; `invalid_request` for a reason out of
    /// bounds; `limit_reached` where the history is full and something is to be taken back; `not_found`, `gone`; a
    /// denial of the policy.
    pub fn set_stance<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        stance: Stance<'v>,
        set: bool,
        reason: Option<&'v str>,
    ) -> Act<'v, MemberStanding> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, stance, set, reason))
    }
}

fn prepare(
    case: &Case<'_>,
    member: &MemberId,
    stance: Stance<'_>,
    set: bool,
    reason: Option<&str>,
) -> Decision<MemberStanding> {
    let mut opened = case.open_member(Action::StandingWrite, member, None)?;
    checked_reason(reason)?;
    let before = history::begin(case, &mut opened);
    let kept = opened.body.standing.clone();
    let (event, purpose) = apply(case, &mut opened.body.standing, stance, set)?;
    let reply = MemberStanding::at(&opened.body.standing, case.now);
    if opened.body.standing == kept {
        return unchanged(case, &opened, member, Event::StandingChange, reply);
    }
    let entry = HistoryEntry { reason: reason.map(str::to_owned), ..HistoryEntry::of(case, event, purpose.as_slice()) };
    let change = history::append(case, &mut opened, member, &before, Event::StandingChange, &entry)?;
    Ok(Prepared::durable(reply, change))
}

fn apply<'a>(
    case: &Case<'_>,
    standing: &mut Standing,
    stance: Stance<'a>,
    set: bool,
) -> Result<(Happening, Option<&'a Purpose>), Error> {
    let one = |said, lifted| if set { said } else { lifted };
    Ok(match stance {
        Stance::Objection(purpose) => {
            // What stands can be taken back, also when its purpose is not declared any more. Else a slip of the pen would
            // be answered as done.
            if set || !standing.objects(purpose) {
                declared(case, purpose)?;
            }
            if !standing.set_objection(purpose, set) {
                return Err(too_many_purposes());
            }
            (one(Happening::Objected, Happening::ObjectionLifted), Some(purpose))
        }
        Stance::Restriction => {
            standing.restricted = set;
            (one(Happening::Restricted, Happening::RestrictionLifted), None)
        }
        Stance::AutomatedDecisions => {
            standing.refuses_automation = set;
            (one(Happening::AutomationRefused, Happening::AutomationAccepted), None)
        }
    })
}

/// The change that records what a request of a member asked for: objections to these purposes; without one, a restriction
/// of all use. `None`: it was so already.
pub(crate) fn as_requested(
    case: &Case<'_>,
    opened: &mut Opened,
    member: &MemberId,
    objections: &[Purpose],
) -> Result<Option<Change>, Error> {
    let before = history::begin(case, opened);
    let kept = opened.body.standing.clone();
    let standing = &mut opened.body.standing;
    let mut event = Happening::Objected;
    for purpose in objections {
        event = apply(case, standing, Stance::Objection(purpose), true)?.0;
    }
    if objections.is_empty() {
        event = apply(case, standing, Stance::Restriction, true)?.0;
    }
    if opened.body.standing == kept {
        return Ok(None);
    }
    let purposes: Vec<_> = objections.iter().collect();
    let entry = HistoryEntry::of(case, event, &purposes);
    history::append(case, opened, member, &before, Event::StandingChange, &entry).map(Some)
}

/// The reply to what changed nothing: that it was asked is in the log all the same.
pub(super) fn unchanged<T>(
    case: &Case<'_>,
    opened: &Opened,
    member: &MemberId,
    leaf: fn([u8; 32]) -> Event,
    reply: T,
) -> Decision<T> {
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = case.vault.access(case.ctx, leaf, member, &opened.body.mk, &detail)?;
    change.relies_on(crate::ledger::Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(reply, change))
}

/// A purpose the policy declares.
pub(crate) fn declared(case: &Case<'_>, purpose: &Purpose) -> Result<(), Error> {
    if case.policy().declares(purpose) {
        return Ok(());
    }
    let problem = "the policy declares no such purpose; 'membervault policy show' lists those it declares";
    Err(Error::Invalid { code: Code::PurposeUnknown, at: "purpose", problem })
}

pub(super) fn too_many_purposes() -> Error {
    Error::LimitReached { limit: "a member stands to at most 64 purposes at a time" }
}
