//! Keys of recipients, and of whom to tell of an erasure.

use super::{CodecError, tag, tagged};
use crate::types::{ErasureId, RecipientName};

/// Control: a recipient in the register.
pub fn recipient(name: &RecipientName) -> Vec<u8> {
    [&[tag::RECIPIENT], name.as_str().as_bytes()].concat()
}

/// The name of a recipient's key.
pub fn parse_recipient(key: &[u8]) -> Result<RecipientName, CodecError> {
    let reader = tagged("recipient key", key, tag::RECIPIENT)?;
    let invalid = reader.invalid("name");
    std::str::from_utf8(reader.rest()).ok().and_then(|name| name.parse().ok()).ok_or(invalid)
}

/// Control: whom to tell of an erasure.
pub fn notice(erasure: &ErasureId) -> [u8; 17] {
    super::join(&[&[tag::NOTICE], erasure.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_recipient_is_read_back() {
        let name: RecipientName = "mailer-co".parse().unwrap();
        assert_eq!(parse_recipient(&recipient(&name)), Ok(name));
        for key in [b"A".as_slice(), b"AMailer", b"Amailer\xff", b"Umailer", b""] {
            assert!(parse_recipient(key).is_err(), "{key:?}");
        }
    }
}
