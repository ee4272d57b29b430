//! Keys of agreed rows: which members agree to a purpose.

use super::tag;
use crate::codec::CodecError;
use crate::codec::reader::{Reader, name_len};
use crate::types::{MemberId, Purpose};

/// Control: the prefix of all members that agree to a purpose. The length of the name stands before it, so that no
/// prefix is the beginning of another.
pub fn agreed_to(purpose: &Purpose) -> Vec<u8> {
    let name = purpose.as_str();
    [&[tag::AGREED, name_len(name)], name.as_bytes()].concat()
}

/// Control: a member that agrees to a purpose.
pub fn agreed(purpose: &Purpose, member: &MemberId) -> Vec<u8> {
    let mut key = agreed_to(purpose);
    key.extend_from_slice(member.as_bytes());
    key
}

/// Purpose and member of an agreed row's key.
pub fn parse_agreed(key: &[u8]) -> Result<(Purpose, MemberId), CodecError> {
    let mut reader = Reader::unversioned("agreed key", key);
    if reader.u8()? != tag::AGREED {
        return Err(reader.invalid("tag"));
    }
    let agreed = (reader.name("purpose")?, MemberId::from_bytes(*reader.array()?));
    reader.finish().map(|()| agreed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_no_purpose_lies_within_another() {
        let member = MemberId::from_bytes([7; 16]);
        let [news, newsletter] = ["news", "newsletter"].map(|name| name.parse::<Purpose>().unwrap());
        assert_eq!(parse_agreed(&agreed(&news, &member)), Ok((news.clone(), member)));
        assert!(agreed(&news, &member).starts_with(&agreed_to(&news)));
        assert!(!agreed(&newsletter, &member).starts_with(&agreed_to(&news)));
        let key = agreed(&news, &member);
        assert!(parse_agreed(&key[..key.len() - 1]).is_err());
        assert!(parse_agreed(&[key.as_slice(), &[0]].concat()).is_err());
        assert!(parse_agreed(&[b"M", &key[1..]].concat()).is_err());
    }
}
