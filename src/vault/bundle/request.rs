//! The bundle that answers a request: for a while after it was fulfilled.

use crate::policy::Action;
use crate::types::{Ctx, MemberId, RequestCaseId};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::OutcomeKind;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::{Bundle, made};

impl Vault {
    /// The bundle of a request that was fulfilled; of one about many members, that of `member`. The caller must be
    /// allowed to take out all that is held of the member, whoever fulfilled the request.
    ///
    /// # Errors
    /// `request_state` where it is not fulfilled, does not end in a bundle, or its time is over; `invalid_request` for a
    /// member that is missing or not of the request; `not_found`, `gone`; a denial of the policy.
    pub fn request_bundle<'v>(
        &'v self,
        ctx: &'v Ctx,
        id: &'v RequestCaseId,
        member: Option<&'v MemberId>,
    ) -> Act<'v, Bundle> {
        Act::new(self, move || prepare(self, ctx, id, member))
    }
}

fn prepare(vault: &Vault, ctx: &Ctx, id: &RequestCaseId, named: Option<&MemberId>) -> Decision<Bundle> {
    let request = vault.request_now(Case::open(vault, ctx), id, Action::RequestRead)?;
    let until = request.bundle_until.ok_or(Error::RequestState(
        "only a request for access, portability or export has a bundle, once it is fulfilled",
    ))?;
    let case = Case::open(vault, ctx);
    if case.now >= until {
        return Err(Error::RequestState("the time to fetch this bundle is over; open another request").into());
    }
    let member = match (request.member, named) {
        (Some(member), None) => member,
        (Some(member), Some(named)) if member == *named => member,
        (None, Some(named)) if is_ready(&request.outcomes, named) => *named,
        _ => return Err(Error::invalid("member", "name a member of this request, where it is about many").into()),
    };
    let (bundle, change) = made(&case, &member, Some(id))?;
    Ok(Prepared::durable(bundle, change))
}

fn is_ready(outcomes: &[super::super::api::MemberOutcome], member: &MemberId) -> bool {
    outcomes.iter().any(|outcome| outcome.member == *member && outcome.outcome == OutcomeKind::Ready)
}
