//! A request as it is stored, and the texts within that die with the member.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::{RowStamp, rows};
use crate::crypto;
use crate::keyring::MemberBody;
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::tables::request::RequestList;
use crate::types::place::{ControlPlace, RequestPlace};
use crate::types::{Ctx, ErasureId, MemberId, Purpose, RequestCaseId, Right, RightState, RightStep, Role};

use super::super::api::{
    By, Corrected, MemberOutcome, Request, RequestApproval, RequestExtension, RequestIdentity, RequestRefusal,
    RequestStep,
};
use super::super::pipeline;
use super::super::{Error, Vault};
use super::{BUNDLE_DAYS, DEADLINE_MONTHS, STEPS_MAX};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// A step as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredStep {
    pub(super) at: Timestamp,
    pub(super) by: By,
    pub(super) what: RightStep,
}

/// A request as it is stored (JSON, sealed under the vault's control key).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) kind: Right,
    pub(super) state: RightState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<MemberId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) members: Vec<MemberId>,
    pub(super) opened_at: Timestamp,
    pub(super) opened_by: By,
    pub(super) deadline: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<RequestIdentity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extension: Option<RequestExtension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<RequestApproval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<RequestRefusal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) erasure: Option<ErasureId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fulfilled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) outcomes: Vec<MemberOutcome>,
    pub(super) steps: Vec<StoredStep>,
    /// [`Texts`], sealed under the member's note key, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) texts: Option<String>,
}

/// What was said in words. JSON, sealed under the member's note key within the row.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) purposes: Vec<Purpose>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) corrected: Vec<Corrected>,
    /// By the position of the step they belong to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) notes: BTreeMap<usize, String>,
}

/// A request that was read, and the stamp of its row.
pub(super) struct Read {
    pub(super) case: Case,
    pub(super) stamp: RowStamp,
}

/// A request about to be stored.
pub(super) struct Sealed {
    row: Vec<u8>,
    /// SHA-256 of the envelope.
    pub(super) commitment: [u8; 32],
}

impl Sealed {
    /// Puts the row of `case` into `change` in place of what was `read` (of nothing, if `None`), with its entries in
    /// the lists.
    pub(super) fn put(self, change: &mut Change, id: &RequestCaseId, case: &Case, read: Option<&Read>) {
        let keyspace = tables::request::KEYSPACE;
        let key = tables::request::key(id).to_vec();
        change.relies_on(Reliance::Row { keyspace, key: key.clone(), stamp: read.map(|read| read.stamp) });
        if let Some(Read { case: before, .. }) = read {
            for list in before.lists() {
                change.delete(keyspace, tables::request::queued_key(list, before.deadline, id));
            }
        }
        change.put(keyspace, key, self.row);
        for list in case.lists() {
            change.put(keyspace, tables::request::queued_key(list, case.deadline, id), Vec::new());
        }
    }
}

/// Who acts.
pub(super) fn by(ctx: &Ctx) -> By {
    By { token: Some(ctx.actor.token), role: ctx.actor.role }
}

impl Case {
    /// A request that is being opened.
    pub(super) fn opened(kind: Right, ctx: &Ctx, now: Timestamp) -> Self {
        Self {
            kind,
            state: RightState::Open,
            member: None,
            members: Vec::new(),
            opened_at: now,
            opened_by: by(ctx),
            deadline: now.plus_calendar(DEADLINE_MONTHS, 0),
            identity: None,
            extension: None,
            approval: None,
            refusal: None,
            erasure: None,
            fulfilled_at: None,
            reason: None,
            outcomes: Vec::new(),
            steps: vec![StoredStep { at: now, by: by(ctx), what: RightStep::Opened }],
            texts: None,
        }
    }

    /// Adds a step.
    pub(super) fn step(&mut self, ctx: &Ctx, at: Timestamp, what: RightStep) -> Result<(), Error> {
        if self.steps.len() >= STEPS_MAX {
            return Err(Error::LimitReached { limit: "a request has at most 64 steps; refuse it or carry it out" });
        }
        self.steps.push(StoredStep { at, by: by(ctx), what });
        Ok(())
    }

    /// The lists it stands in.
    fn lists(&self) -> impl Iterator<Item = RequestList> {
        let live = self.state.is_live();
        let lists = [Some(RequestList::In(self.state)), live.then_some(RequestList::Live)];
        lists.into_iter().chain([live.then_some(RequestList::LiveOf(self.kind))]).flatten()
    }

    /// Until when its bundle can be fetched, if it ends in one.
    pub(super) fn bundle_until(&self) -> Option<Timestamp> {
        let fulfilled =
            self.fulfilled_at.filter(|_| self.kind.gives_bundle() && self.state == RightState::Fulfilled)?;
        Some(fulfilled.plus_millis(BUNDLE_DAYS * DAY_MS))
    }

    /// As whoever asks sees it: a member is told the roles of those who dealt with it, not their tokens.
    pub(super) fn view(&self, id: RequestCaseId, asked: &pipeline::Case<'_>, texts: Texts) -> Request {
        let is_member = asked.ctx.actor.role == Role::Member;
        let shown = |by: By| By { token: by.token.filter(|_| !is_member || by.role == Role::Member), ..by };
        let Texts { purposes, corrected, mut notes } = texts;
        let step = |(position, step): (usize, &StoredStep)| RequestStep {
            at: step.at,
            by: shown(step.by),
            what: step.what,
            note: notes.remove(&position),
        };
        Request {
            id,
            kind: self.kind,
            state: self.state,
            member: self.member,
            members: if self.kind.is_bulk() { self.members.len() } else { 1 },
            opened_at: self.opened_at,
            opened_by: shown(self.opened_by),
            deadline: self.deadline,
            overdue: self.state.is_live() && asked.now >= self.deadline,
            identity: self.identity.clone().map(|done| RequestIdentity { by: shown(done.by), ..done }),
            extension: self.extension.clone().map(|done| RequestExtension { by: shown(done.by), ..done }),
            approval: self.approval.clone().map(|done| RequestApproval { by: shown(done.by), ..done }),
            refusal: self.refusal.clone().map(|done| RequestRefusal { by: shown(done.by), ..done }),
            erasure: self.erasure,
            bundle_until: self.bundle_until(),
            purposes,
            corrected,
            reason: self.reason.clone(),
            outcomes: self.outcomes.clone(),
            steps: self.steps.iter().enumerate().map(step).collect(),
        }
    }

    /// As a listing shows it: without texts and outcomes.
    pub(super) fn entry(&self, id: RequestCaseId, asked: &pipeline::Case<'_>) -> Request {
        Request { outcomes: Vec::new(), ..self.view(id, asked, Texts::default()) }
    }
}

impl Vault {
    /// Reads a request.
    pub(super) fn read_case(&self, id: &RequestCaseId) -> Result<Option<Read>, Error> {
        let Some(row) = tables::request::row(self.engine(), id)? else { return Ok(None) };
        let key = tables::request::key(id);
        let plain = crypto::open(
            self.keyring().control(),
            &ControlPlace { vault: self.id(), row_key: &key },
            rows::sealed(&row)?,
        )?;
        let case = serde_json::from_slice(plain.expose()).map_err(|_| UNREADABLE)?;
        Ok(Some(Read { case, stamp: RowStamp::of(&row) }))
    }

    /// The row of a request.
    pub(super) fn seal_case(&self, id: &RequestCaseId, case: &Case) -> Result<Sealed, Error> {
        let key = tables::request::key(id);
        let plain = serde_json::to_vec(case).map_err(|_| Error::Internal("a request is serialisable"))?;
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: &key }, &plain)?;
        Ok(Sealed { commitment: crypto::sha256(&[rows::sealed(&row)?]), row })
    }

    /// Seals texts into a request, under the member's keys.
    pub(super) fn seal_texts(
        &self,
        case: &mut Case,
        id: &RequestCaseId,
        member: &MemberId,
        body: &MemberBody,
        texts: &Texts,
    ) -> Result<(), Error> {
        let plain = serde_json::to_vec(texts).map_err(|_| Error::Internal("texts are serialisable"))?;
        let mut sealed = Vec::new();
        let place = RequestPlace { vault: self.id(), member, request: id };
        crypto::seal_into(self.suite(), &body.mk.notes().note, &place, &plain, self.entropy(), &mut sealed)?;
        case.texts = Some(data_encoding::BASE64.encode(&sealed));
        Ok(())
    }

    /// The texts of a request, opened with the member's keys.
    pub(super) fn open_texts(
        &self,
        case: &Case,
        id: &RequestCaseId,
        member: &MemberId,
        body: &MemberBody,
    ) -> Result<Texts, Error> {
        let Some(texts) = &case.texts else { return Ok(Texts::default()) };
        let sealed = data_encoding::BASE64.decode(texts.as_bytes()).map_err(|_| UNREADABLE)?;
        let place = RequestPlace { vault: self.id(), member, request: id };
        let plain = crypto::open(&body.mk.notes().note, &place, &sealed)?;
        serde_json::from_slice(plain.expose()).map_err(|_| UNREADABLE)
    }

    /// The requests listed under a member, newest last, and the stamp of the row that says so.
    pub(super) fn cases_of(&self, member: &MemberId) -> Result<(Vec<RequestCaseId>, Option<RowStamp>), Error> {
        let Some(row) = tables::request::of_member(self.engine(), member)? else { return Ok((Vec::new(), None)) };
        let key = tables::request::of_member_key(member);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(&row)?)?;
        let ids = serde_json::from_slice(plain.expose()).map_err(|_| UNREADABLE)?;
        Ok((ids, Some(RowStamp::of(&row))))
    }

    /// Puts the list of a member's requests into `change`.
    pub(super) fn put_cases_of(
        &self,
        change: &mut Change,
        member: &MemberId,
        ids: &[RequestCaseId],
        replaces: Option<RowStamp>,
    ) -> Result<(), Error> {
        let key = tables::request::of_member_key(member);
        let plain = serde_json::to_vec(ids).map_err(|_| Error::Internal("ids are serialisable"))?;
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: &key }, &plain)?;
        change.relies_on(Reliance::Row { keyspace: tables::request::KEYSPACE, key: key.to_vec(), stamp: replaces });
        change.put(tables::request::KEYSPACE, key, row);
        Ok(())
    }
}

const UNREADABLE: Error = Error::Internal("a request row that opens under the vault's key is a request");
