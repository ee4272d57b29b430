//! Keys of posting rows: the records that have a value in their metadata, side by side; and the mark of a member of
//! which there are any.
//!
//! ```text
//! posting   'T' | field u8 | value 16 | member 16 | compartment u16 | record token 16        empty row
//! mark      'T' | 0        | member 16                                                       1 | random 16
//! ```
//!
//! The value is a keyed token, or, where ranges are asked for, a time as [`minute`] writes it. A key ends with the key
//! of the record it stands for, so postings of one value lie in the order of their records.

use super::CodecError;
use super::keys::{self, tag};
use super::reader::{Reader, join};
use super::rows::ROW_VERSION;
use crate::clock::Timestamp;
use crate::types::{MemberId, MetaField};

/// Bytes of a value.
pub const VALUE_LEN: usize = 16;
/// Bytes of a record's key, with which a posting's key ends.
pub const RECORD_KEY_LEN: usize = 34;
/// Bytes of a posting's key.
pub const KEY_LEN: usize = 2 + VALUE_LEN + RECORD_KEY_LEN;

/// What stands where a posting has its field, in the key of a mark.
const MARK: u8 = 0;

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

/// Control: the mark of a member that has, or had, postings.
pub fn mark(member: &MemberId) -> [u8; 18] {
    join(&[&[tag::POSTING, MARK], member.as_bytes()])
}

/// The row of a mark. It is another one after each change of the member's postings.
pub fn encode_mark(random: &[u8; 16]) -> [u8; 17] {
    join(&[&[ROW_VERSION], random])
}

/// A time as the value of a posting, to the minute: in the order of bytes as in time.
pub fn minute(time: Timestamp) -> [u8; VALUE_LEN] {
    join(&[&[0; VALUE_LEN - 4], &time.as_minutes().to_be_bytes()])
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
    }
}
