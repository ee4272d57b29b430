//! Record rows, sealed and opened: the one place where a data key meets a record.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::codec::record::{RecordBody, RecordParts};
use crate::codec::rows::RecordRow;
use crate::codec::{Plaintext, RowStamp, payload};
use crate::crypto;
use crate::keyring::{CompartmentKeys, MemberBody};
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::tables::record::RecordKey;
use crate::types::place::RecordPlace;
use crate::types::{Identifier, MemberId, RecordMeta, RecordVersion};

use super::api::RecordAddress;
use super::{Error, Vault, input};

/// A stored record, opened.
pub(crate) struct Stored {
    /// Its row key.
    pub(crate) key: RecordKey,
    /// The version in the row's header.
    pub(crate) version: RecordVersion,
    /// The stamp of the row, for the change that replaces it.
    pub(crate) stamp: RowStamp,
    /// The record.
    pub(crate) record: RecordBody,
}

impl Stored {
    /// The record's object, parsed.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Error> {
        serde_json::from_slice(self.record.expose_json())
            .map_err(|_| Error::Internal("a record that opens under its key is a JSON object"))
    }

    /// The identifiers of a profile. Of the object nothing else is taken out of its text.
    pub(crate) fn identifiers(&self) -> Result<Vec<Identifier>, Error> {
        let named: input::Named = serde_json::from_slice(self.record.expose_json())
            .map_err(|_| Error::Internal("a record that opens under its key is a JSON object"))?;
        named.identifiers()
    }
}

/// A record about to be stored.
pub(crate) struct NewRecord<'a> {
    pub(crate) address: &'a RecordAddress,
    pub(crate) version: RecordVersion,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) meta: &'a RecordMeta,
    pub(crate) json: &'a [u8],
}

impl<'a> NewRecord<'a> {
    /// A record that was not there before.
    pub(crate) fn first(address: &'a RecordAddress, now: Timestamp, meta: &'a RecordMeta, json: &'a [u8]) -> Self {
        Self { address, version: RecordVersion::FIRST, created: now, updated: now, meta, json }
    }
}

impl Vault {
    /// Opens a record row.
    pub(crate) fn open_record(
        &self,
        member: &MemberId,
        keys: &CompartmentKeys,
        token: &[u8; 16],
        row: &[u8],
    ) -> Result<Stored, Error> {
        let (version, packed) = self.unseal_record(member, keys, token, row)?;
        let record = RecordBody::parse(payload::unpack(packed)?)?;
        let key = tables::record::key(member, keys.number, token);
        Ok(Stored { key, version, stamp: RowStamp::of(row), record })
    }

    /// A record row sealed anew under its compartment's present key. What it holds stays as it is, and so does its
    /// version.
    pub(crate) fn rewrap_record(
        &self,
        member: &MemberId,
        keys: &CompartmentKeys,
        token: &[u8; 16],
        row: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (version, packed) = self.unseal_record(member, keys, token, row)?;
        let (dek_version, dek) = keys.current().ok_or(Error::Internal("a live compartment has a data key"))?;
        let place = self.record_place(member, keys, token, (dek_version, version));
        let mut row = RecordRow::begin(dek_version, version, crypto::ENVELOPE_OVERHEAD + packed.len());
        crypto::seal_into(self.suite(), dek, &place, packed.expose(), self.entropy(), &mut row)?;
        Ok(row)
    }

    /// What a record row holds, as it was packed.
    fn unseal_record(
        &self,
        member: &MemberId,
        keys: &CompartmentKeys,
        token: &[u8; 16],
        row: &[u8],
    ) -> Result<(RecordVersion, Plaintext), Error> {
        let RecordRow { dek_version, version, envelope } = RecordRow::parse(row)?;
        let dek = keys.dek(dek_version).ok_or(Error::Internal("a live record has the data key it was sealed with"))?;
        let place = self.record_place(member, keys, token, (dek_version, version));
        Ok((version, crypto::open(dek, &place, envelope)?))
    }

    fn record_place<'p>(
        &'p self,
        member: &'p MemberId,
        keys: &CompartmentKeys,
        record: &'p [u8; 16],
        (dek_version, version): (u32, RecordVersion),
    ) -> RecordPlace<'p> {
        RecordPlace { vault: self.id(), member, compartment: keys.number, record, dek_version, version: version.0 }
    }

    /// Seals a record under its compartment's present key and puts it into `change` with its postings, in place of the
    /// record `replaces` (of none, if `None`).
    pub(crate) fn put_row(
        &self,
        change: &mut Change,
        body: &MemberBody,
        record: &NewRecord<'_>,
        replaces: Option<&Stored>,
    ) -> Result<(), Error> {
        let (key, row) = self.seal_record(body, record)?;
        let stamp = replaces.map(|old| old.stamp);
        change.relies_on(Reliance::Row { keyspace: tables::record::KEYSPACE, key: key.to_vec(), stamp });
        change.put(tables::record::KEYSPACE, key, row);
        self.repost(change, &key, replaces.map(|old| &old.record.meta), Some(record.meta))
    }

    /// As [`Vault::put_row`], for the first record of a member that nobody knows yet: there is no row to rely on.
    pub(crate) fn put_first_row(
        &self,
        change: &mut Change,
        body: &MemberBody,
        record: &NewRecord<'_>,
    ) -> Result<(), Error> {
        let (key, row) = self.seal_record(body, record)?;
        change.put(tables::record::KEYSPACE, key, row);
        self.repost(change, &key, None, Some(record.meta))
    }

    /// Removes the row of a record, and its postings.
    pub(crate) fn remove_row(&self, change: &mut Change, old: &Stored) -> Result<(), Error> {
        let (keyspace, stamp) = (tables::record::KEYSPACE, Some(old.stamp));
        change.relies_on(Reliance::Row { keyspace, key: old.key.to_vec(), stamp });
        change.delete(keyspace, old.key);
        self.repost(change, &old.key, Some(&old.record.meta), None)
    }

    /// The key and row of a record, sealed under its compartment's present key.
    fn seal_record(&self, body: &MemberBody, new: &NewRecord<'_>) -> Result<(RecordKey, Vec<u8>), Error> {
        let RecordAddress { member, compartment, name } = new.address;
        let keys = body.compartment(compartment).ok_or(Error::Internal("a record is stored in a compartment"))?;
        let (dek_version, dek) = keys.current().ok_or(Error::Internal("a live compartment has a data key"))?;
        let token = body.mk.record_token(compartment, name);
        let parts = RecordParts {
            created: new.created,
            updated: new.updated,
            compartment,
            name,
            meta: new.meta,
            json: new.json,
        };
        let packed = payload::pack(parts.encode()?.expose())?;
        let place = self.record_place(member, keys, &token, (dek_version, new.version));
        let mut row = RecordRow::begin(dek_version, new.version, crypto::ENVELOPE_OVERHEAD + packed.len());
        crypto::seal_into(self.suite(), dek, &place, packed.expose(), self.entropy(), &mut row)?;
        #[cfg(feature = "sabotage")]
        {
            use crate::codec::KeyBytes as _;
            crate::sabotage::leak_record(dek.expose_key_bytes(), new.json);
        }
        Ok((tables::record::key(member, keys.number, &token), row))
    }
}
