//! Keys of posting rows: the records that have a value in their metadata, side by side; and the same the other way
//! round, the values of a record, by which an erasure finds what it removes.
//!
//! ```text
//! posting   'T' | field u8 | value 16 | record key 34        record key: member 16 | compartment u16 | token 16
//! back      'T' | 0 | record key 34 | field u8 | value 16
//! mark      'T' | 0 | member 16                              this member has, or had, postings
//! ```
//!
//! All rows are empty. The value is a keyed token, or, where ranges are asked for, a time as [`minute`] writes it.
//! Postings of one value lie in the order of their records.

use super::CodecError;
use super::keys::{self, tag};
use super::reader::{Reader, join};
use crate::clock::Timestamp;
use crate::types::{MemberId, MetaField};

/// Bytes of a value.
pub const VALUE_LEN: usize = 16;
/// Bytes of a record's key, with which a posting's key ends.
pub const RECORD_KEY_LEN: usize = 34;
/// Bytes of a posting's key.
pub const KEY_LEN: usize = 2 + VALUE_LEN + RECORD_KEY_LEN;
/// Bytes of the key of a posting the other way round.
pub const BACK_LEN: usize = 3 + VALUE_LEN + RECORD_KEY_LEN;

/// What stands where a posting has its field, in keys that begin with a member.
const BACK: u8 = 0;

/// Control: a posting.
pub fn key(field: MetaField, value: &[u8; VALUE_LEN], record: &[u8; RECORD_KEY_LEN]) -> [u8; KEY_LEN] {
    join(&[&[tag::POSTING, field.number()], value, record])
}

/// Control: the prefix of all postings of one value, or of one member's of them.
pub fn of_value(field: MetaField, value: &[u8; VALUE_LEN], member: Option<&MemberId>) -> Vec<u8> {
    let mut prefix = vec![tag::POSTING, field.number()];
    prefix.extend_from_slice(value);
    prefix.extend_from_slice(member.map_or(&[], |member| member.as_bytes()));
    prefix
}

/// Control: the prefix of all postings of one field.
pub const fn of_field(field: MetaField) -> [u8; 2] {
    [tag::POSTING, field.number()]
}

/// The key of the record a posting stands for.
pub fn parse(key: &[u8]) -> Result<[u8; RECORD_KEY_LEN], CodecError> {
    let mut reader = Reader::unversioned("posting key", key);
    let (tag, field, _) = (reader.u8()?, reader.u8()?, reader.array::<VALUE_LEN>()?);
    let record = *reader.array()?;
    if tag != tag::POSTING || MetaField::from_number(field).is_none() {
        return Err(reader.invalid("tag"));
    }
    reader.finish()?;
    keys::parse_record(&record).map(|_| record)
}

/// Control: a posting the other way round.
pub fn back(field: MetaField, value: &[u8; VALUE_LEN], record: &[u8; RECORD_KEY_LEN]) -> [u8; BACK_LEN] {
    join(&[&[tag::POSTING, BACK], record, &[field.number()], value])
}

/// The key of the posting of which this is the other way round; `None` for any other key.
pub fn of_back(key: &[u8]) -> Option<[u8; KEY_LEN]> {
    let mut reader = Reader::unversioned("posting key", key);
    let (tag, back) = (reader.u8().ok()?, reader.u8().ok()?);
    let (record, field, value) = (*reader.array().ok()?, reader.u8().ok()?, *reader.array().ok()?);
    reader.finish().ok()?;
    let is_back = tag == tag::POSTING && back == BACK;
    MetaField::from_number(field).filter(|_| is_back).map(|field| self::key(field, &value, &record))
}

/// Control: the mark of a member that has, or had, postings. All its postings the other way round begin with it.
pub fn mark(member: &MemberId) -> [u8; 18] {
    join(&[&[tag::POSTING, BACK], member.as_bytes()])
}

/// Control: the prefix of the postings of one compartment of a member the other way round.
pub fn back_of_compartment(member: &MemberId, compartment: u16) -> [u8; 20] {
    join(&[&[tag::POSTING, BACK], member.as_bytes(), &compartment.to_be_bytes()])
}

/// A time as the value of a posting, to the minute: in the order of bytes as in time.
pub fn minute(time: Timestamp) -> [u8; VALUE_LEN] {
    join(&[&[0; VALUE_LEN - 4], &time.as_minutes().to_be_bytes()])
}

/// The value after that of all times in the same minute.
pub fn minute_after(time: Timestamp) -> [u8; VALUE_LEN] {
    let after = u64::from(time.as_minutes()).saturating_add(1);
    join(&[&[0; VALUE_LEN - 8], &after.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: MemberId = MemberId::from_bytes([7; 16]);

    #[test]
    fn keys_are_read_as_they_were_written() {
        let record = keys::record(&MEMBER, 3, &[8; 16]);
        let key = key(MetaField::Category, &[9; 16], &record);
        assert_eq!(parse(&key), Ok(record));
        assert!(key.starts_with(&of_value(MetaField::Category, &[9; 16], Some(&MEMBER))));
        assert!(key.starts_with(&of_value(MetaField::Category, &[9; 16], None)));
        assert!(key.starts_with(&of_field(MetaField::Category)));
        (0..key.len()).for_each(|cut| assert!(parse(&key[..cut]).is_err(), "{cut}"));
        assert!(parse(&[key.as_slice(), &[0]].concat()).is_err());
        assert!(parse(&mark(&MEMBER)).is_err());
        let back = back(MetaField::Category, &[9; 16], &record);
        assert_eq!(of_back(&back), Some(key));
        assert!(back.starts_with(&mark(&MEMBER)) && back.starts_with(&back_of_compartment(&MEMBER, 3)));
        assert!(of_back(&key).is_none() && of_back(&mark(&MEMBER)).is_none() && of_back(&back[..52]).is_none());
        let mut other = key;
        other[0] = b'M';
        assert!(parse(&other).is_err());
        other[..2].copy_from_slice(&[tag::POSTING, 99]);
        assert!(parse(&other).is_err());
    }

    #[test]
    fn minutes_are_in_the_order_of_time() {
        let minutes = [0, 59_999, 60_000, 3_600_000, 1_767_225_600_000].map(|ms| minute(Timestamp::from_millis(ms)));
        assert!(minutes.is_sorted());
        assert_eq!(minutes[0], minutes[1]);
        let last = Timestamp::from_millis(u64::MAX);
        assert!(minute_after(Timestamp::from_millis(59_999)) == minutes[2] && minute_after(last) > minute(last));
    }
}
