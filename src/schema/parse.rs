//! Reads the data map: from text to entries that fit together.
//!
//! Another syntax would replace this file and [`super::raw`] only.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;

use super::map::MapInner;
use super::raw::{RawMap, RawPurpose, RawRecord};
use super::{Controller, DataMap, LegalBasis, PurposeEntry, RecordPattern, RecordType, Retention, Start, dpv};
use crate::code::{Code, Coded};
use crate::crypto::sha256;
use crate::types::{Compartment, Period, Purpose, RecordName};

/// The map the vault starts with when no other is given.
const DEFAULT: &str = include_str!("default.toml");
/// The version of the file's language.
const VERSION: u32 = 1;

/// Bytes of a data map: some thousand lines, more than a person reads.
const FILE_BYTES_MAX: usize = 256 * 1024;
const PURPOSES_MAX: usize = 64;
const RECORD_TYPES_MAX: usize = 256;
pub(super) const FIELDS_PER_RECORD_MAX: usize = 256;
const LIST_ENTRIES_MAX: usize = 64;

/// The data map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Not TOML, or not in the shape of a data map.
    #[error("data map line {line}: {}", reason.message())]
    Shape {
        /// The line, counted from 1.
        line: usize,
        /// What the reader of TOML says. Part of this sentence, so not its cause as well.
        reason: Box<toml::de::Error>,
    },
    /// Well-formed, but it cannot be meant so.
    #[error("data map line {line}: {what}; {advice}")]
    Rule {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
        /// What to do.
        advice: String,
    },
}

impl SchemaError {
    pub(super) fn rule(line: usize, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Rule { line, what: what.into(), advice: advice.into() }
    }

    /// The line of the file, counted from 1.
    pub const fn line(&self) -> usize {
        match self {
            Self::Shape { line, .. } | Self::Rule { line, .. } => *line,
        }
    }
}

impl Coded for SchemaError {
    fn code(&self) -> Code {
        Code::InvalidSchema
    }
}

impl DataMap {
    /// The default map's text.
    pub fn default_text() -> &'static str {
        DEFAULT
    }

    /// The default map. A test holds that it is valid.
    pub fn default_map() -> Self {
        Self::parse(DEFAULT).unwrap_or_else(|_| {
            Self::new(MapInner {
                text: DEFAULT.to_owned(),
                digest: sha256(&[DEFAULT.as_bytes()]),
                version: VERSION,
                strict: true,
                controller: Controller { name: String::new(), contact: String::new(), officer: None },
                purposes: Vec::new(),
                records: Vec::new(),
            })
        })
    }

    /// Reads and checks a data map.
    ///
    /// # Errors
    /// What is wrong at which line, and what to do.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(SchemaError::rule(1, "the file is longer than 256 KiB", "a data map is to be read by people"));
        }
        let reader = Reader { text };
        let raw: RawMap = toml::from_str(text).map_err(|reason| SchemaError::Shape {
            line: reason.span().map_or(1, |span| reader.line(&span)),
            reason: Box::new(reason),
        })?;
        reader.map(&raw).map(Self::new)
    }
}

/// Turns texts into words, and byte positions into lines.
pub(super) struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    pub(super) fn line_of<T>(&self, word: &Spanned<T>) -> usize {
        self.line(&word.span())
    }

    pub(super) fn refuse<T, R>(
        &self,
        at: &Spanned<T>,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Result<R, SchemaError> {
        Err(SchemaError::rule(self.line_of(at), what, advice))
    }

    /// A name of the operator's choice.
    pub(super) fn name<N: FromStr<Err: Display>>(&self, kind: &str, word: &Spanned<String>) -> Result<N, SchemaError> {
        let text = word.get_ref();
        text.parse().map_err(|form: N::Err| {
            SchemaError::rule(self.line_of(word), format!("{text:?} cannot name a {kind}"), form.to_string())
        })
    }

    /// A word of the language.
    pub(super) fn keyword<W: Copy>(
        &self,
        kind: &str,
        word: &Spanned<String>,
        all: &[W],
        as_str: fn(W) -> &'static str,
    ) -> Result<W, SchemaError> {
        all.iter().copied().find(|known| as_str(*known) == word.get_ref()).ok_or_else(|| {
            let known: Vec<_> = all.iter().copied().map(as_str).collect();
            let what = format!("there is no {kind} {:?}", word.get_ref());
            SchemaError::rule(self.line_of(word), what, format!("use one of {}", known.join(", ")))
        })
    }

    pub(super) fn prose(&self, subject: &str, text: &Spanned<String>) -> Result<String, SchemaError> {
        if text.get_ref().trim().is_empty() {
            return self.refuse(text, format!("{subject} is not said"), "say it in a sentence");
        }
        Ok(text.get_ref().clone())
    }

    /// A list in which none is said twice, sorted.
    pub(super) fn list<T: Ord>(
        &self,
        words: &[Spanned<String>],
        read: impl Fn(&Spanned<String>) -> Result<T, SchemaError>,
    ) -> Result<Vec<T>, SchemaError> {
        let mut entries = BTreeSet::new();
        for word in words {
            if !entries.insert(read(word)?) {
                return self.refuse(word, format!("{:?} stands twice in the list", word.get_ref()), "remove one");
            }
            if entries.len() > LIST_ENTRIES_MAX {
                return self.refuse(word, "the list has more than 64 entries", "join some");
            }
        }
        Ok(entries.into_iter().collect())
    }

    pub(super) fn period(&self, word: &Spanned<String>) -> Result<Period, SchemaError> {
        let text = word.get_ref();
        text.parse().map_err(|form: crate::types::period::InvalidPeriod| {
            SchemaError::rule(self.line_of(word), format!("{text:?} is not a period"), form.to_string())
        })
    }

    /// A purpose that is declared.
    pub(super) fn declared<'p>(
        &self,
        word: &Spanned<String>,
        purposes: &'p [PurposeEntry],
    ) -> Result<&'p PurposeEntry, SchemaError> {
        let purpose: Purpose = self.name("purpose", word)?;
        let found = purposes.binary_search_by(|entry| entry.name.cmp(&purpose)).ok().and_then(|at| purposes.get(at));
        found.ok_or_else(|| {
            let what = format!("the purpose \"{purpose}\" is not declared");
            SchemaError::rule(self.line_of(word), what, format!("declare it as [purposes.{purpose}]"))
        })
    }

    fn map(&self, raw: &RawMap) -> Result<MapInner, SchemaError> {
        if *raw.version.get_ref() != VERSION {
            return self.refuse(&raw.version, "unknown version of the data map's language", "write version = 1");
        }
        let controller = Controller {
            name: self.prose("the controller", &raw.controller)?,
            contact: self.prose("the contact", &raw.contact)?,
            officer: raw.officer.as_ref().map(|text| self.prose("the officer", text)).transpose()?,
        };
        if let Some((word, _)) = raw.purposes.iter().nth(PURPOSES_MAX) {
            return self.refuse(word, "more than 64 purposes", "join purposes that are not told apart");
        }
        let mut purposes =
            raw.purposes.iter().map(|(name, raw)| self.purpose(name, raw)).collect::<Result<Vec<_>, _>>()?;
        purposes.sort_by(|one, next| one.name.cmp(&next.name));
        if let Some(record) = raw.records.get(RECORD_TYPES_MAX) {
            return self.refuse(&record.name, "more than 256 record types", "join some with a name that ends with *");
        }
        let mut records =
            raw.records.iter().map(|record| self.record(record, &purposes)).collect::<Result<Vec<_>, _>>()?;
        records.sort_by(|one, next| (&one.compartment, &one.pattern).cmp(&(&next.compartment, &next.pattern)));
        if let Some([first, second]) = records
            .array_windows()
            .find(|[one, next]| (&one.compartment, &one.pattern) == (&next.compartment, &next.pattern))
        {
            let (line, other) = (first.line.max(second.line), first.line.min(second.line));
            let what = format!("{} is declared at line {other} already", first.label());
            return Err(SchemaError::rule(line, what, "say it in one place"));
        }
        let (text, digest) = (self.text.to_owned(), sha256(&[self.text.as_bytes()]));
        Ok(MapInner { text, digest, version: VERSION, strict: raw.strict, controller, purposes, records })
    }

    fn purpose(&self, name: &Spanned<String>, raw: &RawPurpose) -> Result<PurposeEntry, SchemaError> {
        let term = raw.dpv.get_ref();
        if !dpv::is_purpose(term) {
            let what = format!("{term:?} is not a purpose of the Data Privacy Vocabulary {}", dpv::DPV_VERSION);
            return self.refuse(&raw.dpv, what, format!("perhaps dpv:{}", dpv::near(term)));
        }
        let retention = match &raw.retention {
            Some(word) => Some(Retention::For(self.period(word)?)),
            None => None,
        };
        Ok(PurposeEntry {
            name: self.name("purpose", name)?,
            line: self.line_of(name),
            about: self.prose(&format!("what the purpose {:?} is for", name.get_ref()), &raw.about)?,
            basis: self.keyword("legal basis", &raw.basis, LegalBasis::ALL, LegalBasis::as_str)?,
            dpv: term.clone(),
            automated: raw.automated,
            shred_on_withdrawal: raw.shred_on_withdrawal,
            despite_restriction: raw.despite_restriction,
            recipients: self.list(&raw.recipients, |word| self.name("recipient", word))?,
            retention,
            broad: raw.broad.as_ref().map(|text| self.prose("why it is so broad", text)).transpose()?,
        })
    }

    fn record(&self, raw: &RawRecord, purposes: &[PurposeEntry]) -> Result<RecordType, SchemaError> {
        let compartment: Compartment = self.name("compartment", &raw.compartment)?;
        let pattern = self.pattern(&raw.name)?;
        let label = format!("{compartment}/{pattern}");
        let about = self.prose(&format!("what {label} is"), &raw.about)?;
        let start = match &raw.start {
            Some(word) => self.keyword("start event", word, Start::ALL, Start::as_str)?,
            None => Start::Created,
        };
        if raw.fields.is_empty() {
            return self.refuse(&raw.name, format!("{label} has no fields"), "declare what may be written in it");
        }
        if let Some((word, _)) = raw.fields.iter().nth(FIELDS_PER_RECORD_MAX) {
            return self.refuse(word, format!("{label} has more than 256 fields"), "gather some in an object");
        }
        let stated = self.stated_retention(raw, &label)?;
        let mut fields = Vec::with_capacity(raw.fields.len());
        for (name, field) in &raw.fields {
            fields.push(self.field(name, field, purposes, stated.as_ref())?);
        }
        fields.sort_by(|one, next| one.name.cmp(&next.name));
        let retention = match stated {
            Some(retention) => retention,
            None => self.retention_of_purposes(raw, &label, &fields, purposes)?,
        };
        Ok(RecordType { compartment, pattern, line: self.line_of(&raw.name), about, start, retention, fields })
    }

    fn pattern(&self, word: &Spanned<String>) -> Result<RecordPattern, SchemaError> {
        let Some(prefix) = word.get_ref().strip_suffix('*') else {
            return self.name("record", word).map(RecordPattern::Exact);
        };
        if !prefix.is_empty() && prefix.parse::<RecordName>().is_err() {
            let what = format!("{:?} cannot name records", word.get_ref());
            return self.refuse(
                word,
                what,
                "write a name, the beginning of one and *, or * for all of the compartment",
            );
        }
        Ok(RecordPattern::Prefix(prefix.to_owned()))
    }

    fn stated_retention(&self, raw: &RawRecord, label: &str) -> Result<Option<Retention>, SchemaError> {
        match (&raw.retention, &raw.until_erased) {
            (Some(_), Some(reason)) => {
                let what = format!("{label} both ends by itself and does not");
                self.refuse(reason, what, "write retention or until_erased, not both")
            }
            (Some(period), None) => Ok(Some(Retention::For(self.period(period)?))),
            (None, Some(reason)) => {
                let why = self.prose(&format!("why {label} is kept until it is erased"), reason)?;
                Ok(Some(Retention::UntilErased(why)))
            }
            (None, None) => Ok(None),
        }
    }

    /// A record that says nothing is kept as long as any purpose of its fields needs it.
    fn retention_of_purposes(
        &self,
        raw: &RawRecord,
        label: &str,
        fields: &[super::FieldEntry],
        purposes: &[PurposeEntry],
    ) -> Result<Retention, SchemaError> {
        let mut longest: Option<&Retention> = None;
        for entry in purposes.iter().filter(|entry| fields.iter().any(|field| field.serves(&entry.name))) {
            let Some(retention) = &entry.retention else {
                let what = format!("nobody said how long {label} is kept");
                let advice = format!(
                    "write retention = \"P2Y\" (or until_erased = \"why\") there, or a retention of the purpose {}",
                    entry.name
                );
                return self.refuse(&raw.name, what, advice);
            };
            longest = Some(longest.map_or(retention, |longest| longest.longer(retention)));
        }
        longest.cloned().ok_or_else(|| {
            SchemaError::rule(
                self.line_of(&raw.name),
                format!("nobody said how long {label} is kept"),
                "write retention = \"P2Y\"",
            )
        })
    }
}
