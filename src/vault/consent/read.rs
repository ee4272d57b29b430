//! What a member agreed to, and how it came to that.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::types::{Compartment, Ctx, MemberId, Purpose};

use super::super::act::{Act, Decision, Prepared};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{Case, Opened};
use super::super::{Error, Vault};
use super::{Happening, HistoryEntry, MemberStanding, Method, Notice, history};

/// How it stands with one consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// It was given and counts.
    Given,
    /// It was given and ended by itself.
    Expired,
    /// It was withdrawn.
    Withdrawn,
}

/// One consent: its state, which is that of the member row, and the entry of the history it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsentView {
    /// To which purpose.
    pub purpose: Purpose,
    /// How it stands.
    pub state: ConsentState,
    /// Whether it was given explicitly.
    pub explicit: bool,
    /// When it ends, or ended, by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The number of the newest entry about it; absent where a restore brought back an older history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The notice it was given under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// How it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
}

/// An entry of the history with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberedEntry {
    /// Its number: 1, 2, 3, ...
    pub number: u32,
    /// The entry.
    #[serde(flatten)]
    pub entry: HistoryEntry,
}

/// The consents of a member, and the history of all it said about the use of its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consents {
    /// One for each purpose the member ever agreed to, by name.
    pub consents: Vec<ConsentView>,
    /// How the member stands now.
    pub standing: MemberStanding,
    /// Oldest first.
    pub history: Vec<NumberedEntry>,
}

impl Vault {
    /// The consents of a member, with the whole history.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn consents<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Consents> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId) -> Decision<Consents> {
    let opened = case.open_member(Action::ConsentRead, member, None)?;
    let consents = gathered(case, &opened, member)?;
    let dossier = Compartment::dossier();
    let detail = AccessDetail { compartment: Some(dossier.as_str()), ..AccessDetail::of_member(case.ctx, case.now) };
    let mut change = case.vault.access(case.ctx, Event::RecordRead, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(consents, change))
}

/// The consents of an opened member.
pub(crate) fn gathered(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Consents, Error> {
    let entries = history::read(case, opened, member)?;
    let numbered = (1..).zip(entries).map(|(number, entry)| NumberedEntry { number, entry });
    let history: Vec<_> = numbered.collect();
    let consents = views(case, opened, &history);
    Ok(Consents { consents, standing: MemberStanding::at(&opened.body.standing, case.now), history })
}

/// One view for each purpose in history or standing.
fn views(case: &Case<'_>, opened: &Opened, history: &[NumberedEntry]) -> Vec<ConsentView> {
    let standing = &opened.body.standing;
    let consented = standing.purposes().iter().filter(|one| one.consent.is_some()).map(|one| &one.purpose);
    let about = history.iter().filter(|one| is_about_consent(one)).flat_map(|one| &one.entry.purposes);
    let purposes: std::collections::BTreeSet<&Purpose> = consented.chain(about).collect();
    purposes.into_iter().map(|purpose| view(case, opened, history, purpose)).collect()
}

fn view(case: &Case<'_>, opened: &Opened, history: &[NumberedEntry], purpose: &Purpose) -> ConsentView {
    let kept = opened.body.standing.purposes().iter().find(|one| one.purpose == *purpose).and_then(|one| one.consent);
    let is_of = |one: &&NumberedEntry| is_about_consent(one) && one.entry.purposes.contains(purpose);
    let newest = history.iter().rev().find(is_of);
    let given = history.iter().rev().find(|one| is_of(one) && one.entry.event == Happening::Given);
    let has_ended = |one: &NumberedEntry| {
        one.entry.event == Happening::Given
            && one.entry.expires_at.is_some_and(|end| end.as_minutes() <= case.now.as_minutes())
    };
    let state = match kept {
        Some(consent) if consent.is_in_force(case.now) => ConsentState::Given,
        Some(_) => ConsentState::Expired,
        None if newest.is_some_and(has_ended) => ConsentState::Expired,
        None => ConsentState::Withdrawn,
    };
    let until = match kept {
        Some(consent) => consent.until.map(Timestamp::from_minutes),
        None => given.and_then(|one| one.entry.expires_at),
    };
    ConsentView {
        purpose: purpose.clone(),
        state,
        explicit: kept.map_or_else(|| given.is_some_and(|one| one.entry.explicit), |consent| consent.explicit),
        until,
        entry: newest.map(|one| one.number),
        since: newest.map(|one| one.entry.at),
        notice: given.and_then(|one| one.entry.notice.clone()),
        method: given.and_then(|one| one.entry.method),
    }
}

fn is_about_consent(one: &NumberedEntry) -> bool {
    matches!(one.entry.event, Happening::Given | Happening::Withdrawn)
}
