//! Keys of imports that brought consents.

use super::{tag, tagged};
use crate::codec::CodecError;
use crate::codec::reader::join;

/// Control: an import that brought consents, by its number.
pub fn import(number: u32) -> [u8; 5] {
    join(&[&[tag::IMPORT], &number.to_be_bytes()])
}

/// The number of an import's key.
pub fn parse_import(key: &[u8]) -> Result<u32, CodecError> {
    let mut reader = tagged("import key", key, tag::IMPORT)?;
    let number = reader.u32()?;
    reader.finish().map(|()| number)
}
