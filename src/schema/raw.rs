//! The data map as TOML has it: shapes without meaning, each word with its place in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A word and its place.
pub(super) type Word = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMap {
    pub(super) version: Spanned<u32>,
    pub(super) strict: bool,
    pub(super) controller: Word,
    pub(super) contact: Word,
    pub(super) officer: Option<Word>,
    #[serde(default)]
    pub(super) purposes: BTreeMap<Word, RawPurpose>,
    #[serde(default)]
    pub(super) records: Vec<RawRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPurpose {
    pub(super) about: Word,
    pub(super) basis: Word,
    pub(super) dpv: Word,
    #[serde(default)]
    pub(super) automated: bool,
    #[serde(default)]
    pub(super) shred_on_withdrawal: bool,
    #[serde(default)]
    pub(super) despite_restriction: bool,
    #[serde(default)]
    pub(super) recipients: Vec<Word>,
    pub(super) retention: Option<Word>,
    pub(super) broad: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRecord {
    pub(super) compartment: Word,
    pub(super) name: Word,
    pub(super) about: Word,
    pub(super) start: Option<Word>,
    pub(super) retention: Option<Word>,
    pub(super) until_erased: Option<Word>,
    #[serde(default)]
    pub(super) fields: BTreeMap<Word, RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawField {
    pub(super) about: Word,
    #[serde(rename = "type")]
    pub(super) kind: Word,
    pub(super) sensitivity: Word,
    #[serde(default)]
    pub(super) purposes: Vec<Word>,
    #[serde(default)]
    pub(super) basis: BTreeMap<Word, Word>,
    pub(super) retention: Option<Word>,
    pub(super) mask: Option<Word>,
    pub(super) index: Option<Word>,
    pub(super) source: Word,
    #[serde(default)]
    pub(super) correctable: bool,
}
