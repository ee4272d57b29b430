//! Posting rows, kept in step with the metadata of records: every path by which a record row enters or leaves a change
//! goes through here with the metadata it had and the metadata it gets.
//!
//! A record without metadata has no postings and costs nothing. A member of which there are any has a mark, which is
//! another row after each change of them: an erasure that was decided before such a change is decided anew.

use std::collections::BTreeSet;

use crate::codec::RowStamp;
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::tables::posting::{PostingKey, Value};
use crate::tables::record::RecordKey;
use crate::types::{MemberId, MetaField, RecordMeta};

use super::pipeline::Opened;
use super::records::Stored;
use super::{Error, Vault};

/// The token of a value that is there or not, without being anything.
const PRESENT: &[u8] = &[];

/// Posting rows and marks as they are stored.
pub(crate) type Postings = Vec<(Vec<u8>, Vec<u8>)>;

impl Vault {
    /// The value under which a text of metadata is posted.
    pub(crate) fn posted(&self, field: MetaField, text: &str) -> Value {
        self.keyring().posting_token(field, text.as_bytes())
    }

    /// The value under which records that feed automated decisions are posted.
    pub(crate) fn posted_automated(&self) -> Value {
        self.keyring().posting_token(MetaField::AutomatedDecision, PRESENT)
    }

    /// The keys of all postings of a record.
    pub(crate) fn postings(&self, record: &RecordKey, meta: &RecordMeta) -> BTreeSet<PostingKey> {
        if *meta == RecordMeta::default() {
            return BTreeSet::new();
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
        let values = values.chain(automated).chain(expiry);
        values.map(|(field, value)| tables::posting::key(field, &value, record)).collect()
    }

    /// Brings the postings of a record from what it had to what it gets; `None` where it was or will not be there.
    pub(crate) fn repost(
        &self,
        change: &mut Change,
        record: &RecordKey,
        old: Option<&RecordMeta>,
        new: Option<&RecordMeta>,
    ) -> Result<(), Error> {
        let of = |meta: Option<&RecordMeta>| meta.map(|meta| self.postings(record, meta)).unwrap_or_default();
        let (old, new) = (of(old), of(new));
        if old == new {
            return Ok(());
        }
        for key in old.difference(&new) {
            change.delete(tables::posting::KEYSPACE, *key);
        }
        for key in new.difference(&old) {
            change.put(tables::posting::KEYSPACE, *key, Vec::new());
        }
        let (member, ..) = crate::codec::keys::parse_record(record)?;
        self.put_mark(change, &member)
    }

    /// The postings of a record that is there, and the mark of its member: what a restore puts beside it.
    pub(crate) fn posting_rows(&self, member: &MemberId, stored: &Stored) -> Result<Postings, Error> {
        let keys = self.postings(&stored.key, &stored.record.meta);
        let mut rows: Postings = keys.iter().map(|key| (key.to_vec(), Vec::new())).collect();
        if !rows.is_empty() {
            let mark = tables::posting::encode_mark(&self.random()?);
            rows.push((tables::posting::mark_key(member).to_vec(), mark.to_vec()));
        }
        Ok(rows)
    }

    fn put_mark(&self, change: &mut Change, member: &MemberId) -> Result<(), Error> {
        let row = tables::posting::encode_mark(&self.random()?);
        change.put(tables::posting::KEYSPACE, tables::posting::mark_key(member), row);
        Ok(())
    }

    /// Removes the postings of a member, or of one compartment of it, for good. A record that does not open must not stop
    /// an erasure: then all postings there are, are searched for the member instead.
    pub(crate) fn unpost(
        &self,
        change: &mut Change,
        member: &MemberId,
        scope: Option<u16>,
        opened: &Opened,
    ) -> Result<(), Error> {
        let mark = tables::posting::mark(self.engine(), member)?;
        change.relies_on(Reliance::Row {
            keyspace: tables::posting::KEYSPACE,
            key: tables::posting::mark_key(member).to_vec(),
            stamp: mark.as_deref().map(RowStamp::of),
        });
        if mark.is_none() {
            return Ok(());
        }
        let keys = match self.or_moved(opened, member, self.postings_of(member, scope, opened)) {
            Ok(keys) => keys,
            Err(Error::Conflict) => return Err(Error::Conflict),
            Err(_) => self.postings_naming(member, scope)?,
        };
        for key in keys {
            change.delete(tables::posting::KEYSPACE, key);
        }
        match scope {
            Some(_) => self.put_mark(change, member),
            None => {
                change.delete(tables::posting::KEYSPACE, tables::posting::mark_key(member));
                Ok(())
            }
        }
    }

    /// The postings of a member, from what its records say.
    fn postings_of(
        &self,
        member: &MemberId,
        scope: Option<u16>,
        opened: &Opened,
    ) -> Result<BTreeSet<PostingKey>, Error> {
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            let limit = tables::SCAN_ROWS_MAX;
            let chunk = match scope {
                Some(number) => tables::record::of_compartment(self.engine(), member, number, after.as_ref(), limit)?,
                None => tables::record::of_member(self.engine(), member, after.as_ref(), limit)?,
            };
            for at in &chunk.items {
                let keys = opened.body.compartment_numbered(at.compartment);
                let keys = keys.ok_or(Error::Internal("a live record lies in a live compartment"))?;
                let Stored { key, record, .. } = self.open_record(member, keys, &at.token, &at.row)?;
                found.extend(self.postings(&key, &record.meta));
            }
            after = chunk.items.last().map(|at| at.key(member)).filter(|_| chunk.more);
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// The postings of a member, from all there are.
    fn postings_naming(&self, member: &MemberId, scope: Option<u16>) -> Result<BTreeSet<PostingKey>, Error> {
        let wanted = tables::record::range_of(member, scope);
        let mut found = BTreeSet::new();
        for field in MetaField::ALL {
            let mut range = tables::posting::range_between(field, &[0; 16], None);
            loop {
                let chunk = tables::posting::list(self.engine(), &range, tables::SCAN_ROWS_MAX)?;
                found.extend(chunk.items.iter().filter(|(_, record)| wanted.contains(record)).map(|(key, _)| *key));
                match chunk.items.last().filter(|_| chunk.more) {
                    Some((last, _)) => range = range.after(last),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}
