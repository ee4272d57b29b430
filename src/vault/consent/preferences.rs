//! How a member wants to be spoken to: by which channels, about what, in which language. Wishes, not consents: that a
//! channel is named here allows nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::types::{Compartment, Ctx, MemberId, RecordName, RecordVersion};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::{Expect, RecordAddress, Written};
use super::super::dossier::{self, Entry};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{Case, Opened};
use super::super::write::check;
use super::super::{Error, Vault, input};
use super::give::is_language;

/// Channels of one member.
pub const CHANNELS_MAX: usize = 16;
/// Topics of one member.
pub const TOPICS_MAX: usize = 128;
/// Bytes of the name of a channel or topic.
pub const WORD_BYTES_MAX: usize = 64;
/// Bytes of the free settings, as JSON.
pub const SETTINGS_BYTES_MAX: usize = 8 * 1024;

/// The record in the dossier.
const NAME: &str = "preferences";

/// What a member prefers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// By which channels, the best first.
    pub channels: Vec<String>,
    /// About which topics.
    pub topics: Vec<String>,
    /// In which language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What the application keeps besides.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// The preferences of a member as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreferencesView {
    /// The version: the `ETag` of HTTP.
    pub version: RecordVersion,
    /// When they were last written.
    pub updated_at: Timestamp,
    /// The preferences.
    #[serde(flatten)]
    pub preferences: Preferences,
}

impl Vault {
    /// The preferences of a member.
    ///
    /// # Errors
    /// `not_found` also where none were ever stored; `gone`; a denial of the policy.
    pub fn preferences<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, PreferencesView> {
        Act::new(self, move || prepare_read(&Case::open(self, ctx), member))
    }

    /// Stores the preferences of a member, in place of those there.
    ///
    /// # Errors
    /// `version_mismatch` where `expect` does not hold; `invalid_request` for what is out of bounds; `not_found`, `gone`;
    /// a denial of the policy.
    pub fn put_preferences<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        new: &'v Preferences,
        expect: Expect,
    ) -> Act<'v, Written> {
        Act::new(self, move || prepare_put(&Case::open(self, ctx), member, new, expect))
    }
}

fn name() -> Result<RecordName, Error> {
    NAME.parse().map_err(|_| Error::Internal("preferences are a record name"))
}

fn address(member: &MemberId) -> Result<RecordAddress, Error> {
    Ok(RecordAddress { member: *member, compartment: Compartment::dossier(), name: name()? })
}

fn prepare_read(case: &Case<'_>, member: &MemberId) -> Decision<PreferencesView> {
    let opened = case.open_member(Action::ConsentRead, member, None)?;
    let view = kept(case, &opened, member)?.ok_or_else(Error::not_found)?;
    let address = address(member)?;
    let detail = AccessDetail::of_record(case.ctx, case.now, &address, view.version);
    let mut change = case.vault.access(case.ctx, Event::RecordRead, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(view, change))
}

/// The preferences of an opened member, if it has any.
pub(crate) fn kept(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Option<PreferencesView>, Error> {
    let Some(stored) = dossier::read(case, opened, member, &name()?)? else { return Ok(None) };
    let preferences = dossier::content(&stored)?;
    Ok(Some(PreferencesView { version: stored.version, updated_at: stored.record.updated, preferences }))
}

fn prepare_put(case: &Case<'_>, member: &MemberId, new: &Preferences, expect: Expect) -> Decision<Written> {
    let mut opened = case.open_member(Action::ConsentWrite, member, None)?;
    checked(new)?;
    let old = dossier::read(case, &opened, member, &name()?)?;
    check(old.as_ref(), expect)?;
    let version = old.as_ref().map_or(RecordVersion::FIRST, |old| old.version.next());
    let address = address(member)?;
    let detail = AccessDetail::of_record(case.ctx, case.now, &address, version);
    let mut change = case.vault.access(case.ctx, Event::ConsentChange, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    let entry = Entry { name: address.name.clone(), content: new, replaces: old.as_ref() };
    dossier::put(case, &mut change, &mut opened, member, &entry)?;
    let written = Written { version, created: old.is_none(), updated_at: case.now };
    Ok(Prepared::durable(written, change))
}

fn checked(new: &Preferences) -> Result<(), Error> {
    if new.channels.len() > CHANNELS_MAX || !are_words(&new.channels) {
        return Err(Error::invalid("/channels", "at most 16 different channels, each of 1 to 64 bytes without spaces"));
    }
    if new.topics.len() > TOPICS_MAX || !are_words(&new.topics) {
        return Err(Error::invalid("/topics", "at most 128 different topics, each of 1 to 64 bytes without spaces"));
    }
    if new.language.as_deref().is_some_and(|tag| !is_language(tag)) {
        return Err(Error::invalid("/language", "name the language by its tag, such as de or pt-BR"));
    }
    if input::record_text(&new.settings)?.len() > SETTINGS_BYTES_MAX {
        return Err(Error::invalid("/settings", "the settings have at most 8,192 bytes of JSON"));
    }
    Ok(())
}

fn are_words(list: &[String]) -> bool {
    let is_word = |word: &String| {
        !word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    let mut seen = std::collections::BTreeSet::new();
    list.iter().all(|word| is_word(word) && seen.insert(word))
}
