//! Posting rows, kept in step with the metadata of records: every path by which a record row enters or leaves a change
//! goes through here with the metadata it had and the metadata it gets; an erasure clears them with the records.
//!
//! A record without metadata has no postings and costs nothing.

use std::collections::BTreeSet;

use crate::codec::keys;
use crate::ledger::Change;
use crate::tables;
use crate::tables::posting::Value;
use crate::tables::record::RecordKey;
use crate::types::{MetaField, RecordMeta};

use super::records::Stored;
use super::{Error, Vault};

/// The token of a value that is there or not, without being anything.
const PRESENT: &[u8] = &[];

/// The values of a record's metadata, as they are posted.
pub(crate) type Values = BTreeSet<(MetaField, Value)>;

impl Vault {
    /// The value under which a text of metadata is posted.
    pub(crate) fn posted(&self, field: MetaField, text: &str) -> Value {
        self.keyring().posting_token(field, text.as_bytes())
    }

    /// The value under which records that feed automated decisions are posted.
    pub(crate) fn posted_automated(&self) -> Value {
        self.keyring().posting_token(MetaField::AutomatedDecision, PRESENT)
    }

    /// Everything that a record is posted under.
    pub(crate) fn posted_values(&self, meta: &RecordMeta) -> Values {
        if *meta == RecordMeta::default() {
            return Values::new();
        }
        let RecordMeta { purposes, source, category, shared_with, objections, automated_decision, expires_at } = meta;
        let texts = purposes.iter().map(|purpose| (MetaField::Purpose, purpose.as_str()));
        let texts = texts.chain(source.iter().map(|text| (MetaField::Source, text.as_str())));
        let texts = texts.chain(category.iter().map(|text| (MetaField::Category, text.as_str())));
        let texts = texts.chain(shared_with.iter().map(|text| (MetaField::SharedWith, text.as_str())));
        let texts = texts.chain(objections.iter().map(|purpose| (MetaField::Objection, purpose.as_str())));
        let values = texts.map(|(field, text)| (field, self.posted(field, text)));
        let automated = automated_decision.then(|| (MetaField::AutomatedDecision, self.posted_automated()));
        let expiry = expires_at.map(|time| (MetaField::ExpiresAt, tables::posting::minute(time)));
        values.chain(automated).chain(expiry).collect()
    }

    /// Brings the postings of a record from what it had to what it gets; `None` where it was or will not be there.
    pub(crate) fn repost(
        &self,
        change: &mut Change,
        record: &RecordKey,
        old: Option<&RecordMeta>,
        new: Option<&RecordMeta>,
    ) -> Result<(), Error> {
        let of = |meta: Option<&RecordMeta>| meta.map(|meta| self.posted_values(meta)).unwrap_or_default();
        let (old, new) = (of(old), of(new));
        let keyspace = tables::posting::KEYSPACE;
        for (field, value) in old.difference(&new) {
            change.delete(keyspace, tables::posting::key(*field, value, record));
            change.delete(keyspace, tables::posting::back(*field, value, record));
        }
        for (field, value) in new.difference(&old) {
            change.put(keyspace, tables::posting::key(*field, value, record), Vec::new());
            change.put(keyspace, tables::posting::back(*field, value, record), Vec::new());
        }
        if old.is_empty() && !new.is_empty() {
            let (member, ..) = keys::parse_record(record)?;
            change.put(keyspace, tables::posting::mark(&member), Vec::new());
        }
        Ok(())
    }

    /// The keys of all rows that a record which is there has among the postings.
    pub(crate) fn posting_keys(&self, stored: &Stored) -> Result<Vec<Vec<u8>>, Error> {
        let (member, ..) = keys::parse_record(&stored.key)?;
        let values = self.posted_values(&stored.record.meta);
        let mark = (!values.is_empty()).then(|| tables::posting::mark(&member).to_vec());
        let pairs = values.iter().flat_map(|(field, value)| {
            let posting = tables::posting::key(*field, value, &stored.key).to_vec();
            [posting, tables::posting::back(*field, value, &stored.key).to_vec()]
        });
        Ok(pairs.chain(mark).collect())
    }
}
