//! What a bundle holds, gathered once; each file shows it in its own way.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::schema::DataMap;
use crate::types::{Compartment, MemberId, Purpose, VaultId};

use super::super::Error;
use super::super::api::{Disclosure, RecordView, Request};
use super::super::consent::{Consents, PreferencesView, gathered_consents, kept_preferences};
use super::super::disclosure::list as disclosures;
use super::super::history::{self, HistoryEntry};
use super::super::pipeline::{Case, Opened};

/// The newest uses that a bundle lists. Where there were more, it says how many are left out.
pub const HISTORY_MAX: usize = 50_000;

/// What the first field of `member.json` says.
pub(super) const FORMAT: &str = "membervault/member/v1";

/// Everything held of one member.
#[derive(Serialize)]
pub(super) struct Dossier<'a> {
    pub(super) format: &'static str,
    pub(super) vault: VaultId,
    pub(super) controller: Answers,
    pub(super) member: MemberId,
    pub(super) created_at: Timestamp,
    pub(super) exported_at: Timestamp,
    pub(super) records: Vec<&'a RecordView>,
    pub(super) consents: Consents,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preferences: Option<PreferencesView>,
    pub(super) disclosures: Vec<Disclosure>,
    pub(super) requests: Vec<Request>,
    pub(super) history: Vec<HistoryEntry>,
    /// Uses before the first of `history`.
    pub(super) history_left_out: usize,
    /// What each purpose is for.
    pub(super) purposes: Vec<PurposeWords>,
    /// What the vault itself keeps of the member, as it keeps it.
    pub(super) dossier: Vec<&'a RecordView>,
    #[serde(skip)]
    pub(super) map: DataMap,
}

/// Who answers for the data.
#[derive(Serialize)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) contact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) officer: Option<String>,
}

/// A purpose in words.
#[derive(Serialize)]
pub(super) struct PurposeWords {
    pub(super) name: Purpose,
    pub(super) about: String,
    pub(super) legal_basis: &'static str,
}

impl<'a> Dossier<'a> {
    pub(super) fn gather(
        case: &Case<'_>,
        opened: &Opened,
        member: &MemberId,
        all: &'a [RecordView],
    ) -> Result<Self, Error> {
        let vault = case.vault;
        let map = DataMap::clone(&vault.map());
        let (dossier, records) = all.iter().partition(|record| record.compartment == Compartment::dossier());
        let mut history = history::whole(case, opened, member)?;
        let history_left_out = history.len().saturating_sub(HISTORY_MAX);
        history.drain(..history_left_out);
        let controller = map.controller();
        let purposes = map.purposes().map(|purpose| PurposeWords {
            name: purpose.name.clone(),
            about: purpose.about.clone(),
            legal_basis: purpose.basis.as_str(),
        });
        Ok(Self {
            format: FORMAT,
            vault: *vault.id(),
            controller: Answers {
                name: controller.name.clone(),
                contact: controller.contact.clone(),
                officer: controller.officer.clone(),
            },
            member: *member,
            created_at: Timestamp::from_minutes(opened.body.created),
            exported_at: case.now,
            records,
            consents: gathered_consents(case, opened, member)?,
            preferences: kept_preferences(case, opened, member)?,
            disclosures: disclosures::all(case, opened, member)?,
            requests: vault.requests_in_full(case, opened, member)?,
            history,
            history_left_out,
            purposes: purposes.collect(),
            dossier,
            map: map.clone(),
        })
    }

    /// What a purpose is for, in words; its name where the data map does not know it.
    pub(super) fn purpose<'p>(&'p self, name: &'p Purpose) -> &'p str {
        self.map.purpose(name).map_or(name.as_str(), |purpose| purpose.about.as_str())
    }
}

/// The fields of a record.
pub(super) fn fields(record: &RecordView) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(record.data.as_bytes()).map_err(|_| Error::Internal("a record is a JSON object"))
}

/// A value as text: texts as they are, all else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
