//! The body of a record, inside its payload:
//! `1 | created ms u64 | updated ms u64 | compartment len u8 + name | record len u8 + name | meta len u32 | meta JSON |
//! body JSON (rest)`.
//!
//! The record's own JSON is handed out as the bytes that were stored, without being parsed.

use super::reader::{Reader, name_len};
use super::{CodecError, Plaintext};
use crate::clock::Timestamp;
use crate::types::{Compartment, RecordMeta, RecordName};

const WHAT: &str = "record body";
const VERSION: u8 = 1;
const FIXED_LEN: usize = 23;
/// Metadata with nothing in it.
const NO_META: &[u8] = b"{}";

/// What a record's body is made of.
pub struct RecordParts<'a> {
    /// When the record was created.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
    /// Its compartment.
    pub compartment: &'a Compartment,
    /// Its name.
    pub name: &'a RecordName,
    /// Its metadata.
    pub meta: &'a RecordMeta,
    /// Its content: a JSON object.
    pub json: &'a [u8],
}

impl RecordParts<'_> {
    /// Writes the body.
    pub fn encode(&self) -> Result<Plaintext, CodecError> {
        let meta = encode_meta(self.meta)?;
        let meta_len = u32::try_from(meta.len()).map_err(|_| too_large("metadata"))?;
        let (compartment, name) = (self.compartment.as_str(), self.name.as_str());
        let parts = [compartment.len(), name.len(), meta.len(), self.json.len()];
        let mut body = Plaintext::with_capacity(parts.iter().sum::<usize>().saturating_add(FIXED_LEN));
        body.extend(&[VERSION]);
        body.extend(&self.created.as_millis().to_be_bytes());
        body.extend(&self.updated.as_millis().to_be_bytes());
        body.extend(&[name_len(compartment)]);
        body.extend(compartment.as_bytes());
        body.extend(&[name_len(name)]);
        body.extend(name.as_bytes());
        body.extend(&meta_len.to_be_bytes());
        body.extend(meta.bytes());
        body.extend(self.json);
        Ok(body)
    }
}

/// A record's body as it was read.
pub struct RecordBody {
    /// When the record was created.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
    /// Its compartment.
    pub compartment: Compartment,
    /// Its name.
    pub name: RecordName,
    /// Its metadata.
    pub meta: RecordMeta,
    bytes: Plaintext,
    json_len: usize,
}

impl RecordBody {
    /// Reads a body, which it keeps.
    pub fn parse(bytes: Plaintext) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes.bytes(), VERSION)?;
        let created = Timestamp::from_millis(reader.u64()?);
        let updated = Timestamp::from_millis(reader.u64()?);
        let compartment = reader.name("compartment name")?;
        let name = reader.name("record name")?;
        let meta_len = usize::try_from(reader.u32()?).map_err(|_| reader.invalid("metadata"))?;
        let meta = parse_meta(reader.take(meta_len)?)?;
        let json_len = reader.rest().len();
        Ok(Self { created, updated, compartment, name, meta, bytes, json_len })
    }

    /// The record's JSON, as it was stored.
    pub fn expose_json(&self) -> &[u8] {
        let start = self.bytes.len().saturating_sub(self.json_len);
        self.bytes.expose().get(start..).unwrap_or_default()
    }

    /// The record's compartment, name and metadata, and its JSON, taken out.
    pub fn into_parts(self) -> (Compartment, RecordName, RecordMeta, Plaintext) {
        let Self { compartment, name, meta, mut bytes, json_len, .. } = self;
        bytes.keep(bytes.len().saturating_sub(json_len), json_len);
        (compartment, name, meta, bytes)
    }
}

fn encode_meta(meta: &RecordMeta) -> Result<Plaintext, CodecError> {
    let mut text = Plaintext::with_capacity(256);
    serde_json::to_writer(&mut text, meta).map_err(|_| too_large("metadata"))?;
    Ok(text)
}

fn parse_meta(text: &[u8]) -> Result<RecordMeta, CodecError> {
    if text == NO_META {
        return Ok(RecordMeta::default());
    }
    serde_json::from_slice(text).map_err(|_| CodecError::Invalid { what: WHAT, field: "metadata" })
}

const fn too_large(field: &'static str) -> CodecError {
    CodecError::TooLarge { what: WHAT, field }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(meta: &RecordMeta, json: &[u8]) -> Plaintext {
        let parts = RecordParts {
            created: Timestamp::from_millis(1),
            updated: Timestamp::from_millis(2),
            compartment: &Compartment::core(),
            name: &RecordName::profile(),
            meta,
            json,
        };
        parts.encode().unwrap()
    }

    #[test]
    fn the_json_comes_back_as_it_was_stored() {
        let meta = RecordMeta { source: Some("web".into()), ..RecordMeta::default() };
        let json = br#"{ "name" : "Ada",  "name_is_kept" : 1.0 }"#;
        let body = RecordBody::parse(encode(&meta, json)).unwrap();
        assert_eq!((body.created.as_millis(), body.updated.as_millis()), (1, 2));
        assert_eq!((body.compartment.as_str(), body.name.as_str()), ("core", "profile"));
        assert_eq!(body.meta, meta);
        assert_eq!(body.expose_json(), json);
        assert_eq!(body.into_parts().3.expose(), json);
    }

    #[test]
    fn a_record_without_metadata_or_content() {
        let body = RecordBody::parse(encode(&RecordMeta::default(), b"")).unwrap();
        assert_eq!((body.meta.clone(), body.expose_json()), (RecordMeta::default(), b"".as_slice()));
    }

    #[test]
    fn damage_is_refused() {
        let bytes = encode(&RecordMeta::default(), b"").expose().to_vec();
        for cut in 0..bytes.len() {
            assert!(RecordBody::parse(Plaintext::from_vec(bytes[..cut].to_vec())).is_err(), "{cut}");
        }
        for (at, value) in [(0, 0), (18, b'_'), (23, b'/'), (34, b'['), (32, 0xff)] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            assert!(RecordBody::parse(Plaintext::from_vec(bytes)).is_err(), "{at}");
        }
    }
}
