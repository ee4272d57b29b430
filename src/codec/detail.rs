//! What an access did, exactly: the body of an access row, sealed under the member's own keys.
//!
//! `1 | present u8 | at ms u64 | request 16 | role u8`, then what is present, in this order: organisation, recipient,
//! compartment, record (texts), version u64, fields, masked (lists), records. Padded with zeroes to a multiple of 128.
//! A text is `len u8`, or `255 | len u32` from 255 bytes on, and UTF-8; a list is `count u8` and texts; records are
//! `count u32 | (compartment text | record text | present u8 | fields | masked) x count`.
//!
//! **What the length tells.** A read of a whole profile takes 48 bytes, so that some 80 bytes of field names fit beside it
//! before the length changes: whether all was shown, or six or seven fields of it, and which, looks the same. Of longer
//! lists it tells how many times 128 bytes of names there were.
//!
//! Written for each access by `vault::evidence`, read by the history and by reports. Texts are borrowed both ways.

use super::CodecError;
use super::reader::Reader;
use crate::clock::Timestamp;
use crate::types::{RecordVersion, RequestId, Role};

const WHAT: &str = "access detail";
const VERSION: u8 = 1;
/// Details are padded to a multiple of this.
const GRANULE: usize = 128;
/// The shortest text whose length takes five bytes.
const LONG_TEXT: usize = 255;

const ORGANISATION: u8 = 1;
const RECIPIENT: u8 = 2;
const COMPARTMENT: u8 = 4;
const RECORD: u8 = 8;
const RECORD_VERSION: u8 = 16;
const FIELDS: u8 = 32;
const MASKED: u8 = 64;
const RECORDS: u8 = 128;

/// What an access did.
///
/// It says whom the token stood for, because tokens are tidied away and the member may ask years later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDetail<'a> {
    /// When, to the millisecond; the leaf says only the minute.
    pub at: Timestamp,
    /// The request, as in the access log.
    pub request: RequestId,
    /// The role of who asked.
    pub role: Role,
    /// Whose people or machines asked, where the token says so.
    pub organisation: Option<&'a str>,
    /// To whom it went, where the token acts for a recipient outside.
    pub recipient: Option<&'a str>,
    /// The compartment, where one is meant.
    pub compartment: Option<&'a str>,
    /// The record, where one is meant.
    pub record: Option<&'a str>,
    /// The version read or written.
    pub version: Option<RecordVersion>,
    /// The fields shown as they are; `None` where all there were.
    pub fields: Option<Vec<&'a str>>,
    /// The fields of which a glimpse or a pseudonym was shown.
    pub masked: Vec<&'a str>,
    /// Record by record, where several were shown and not all of each.
    pub records: Vec<PartDetail<'a>>,
}

/// What was shown of one record of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDetail<'a> {
    /// The compartment.
    pub compartment: &'a str,
    /// The record.
    pub record: &'a str,
    /// The fields shown as they are; `None` where all there were.
    pub fields: Option<Vec<&'a str>>,
    /// The fields of which a glimpse or a pseudonym was shown.
    pub masked: Vec<&'a str>,
}

impl<'a> AccessDetail<'a> {
    /// Writes the details, padded.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`] for lists of more names than can be counted.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let texts = [self.organisation, self.recipient, self.compartment, self.record];
        let mut present = if self.records.is_empty() { 0 } else { RECORDS };
        present |= present_of(self.fields.as_deref(), &self.masked);
        for (text, bit) in texts.iter().zip([ORGANISATION, RECIPIENT, COMPARTMENT, RECORD]) {
            present |= if text.is_some() { bit } else { 0 };
        }
        present |= if self.version.is_some() { RECORD_VERSION } else { 0 };

        let mut body = Vec::with_capacity(GRANULE);
        body.extend_from_slice(&[VERSION, present]);
        body.extend_from_slice(&self.at.as_millis().to_be_bytes());
        body.extend_from_slice(self.request.as_bytes());
        body.push(self.role.number());
        for text in texts.into_iter().flatten() {
            put_text(&mut body, text)?;
        }
        if let Some(version) = self.version {
            body.extend_from_slice(&version.0.to_be_bytes());
        }
        put_shown(&mut body, self.fields.as_deref(), &self.masked)?;
        if !self.records.is_empty() {
            let count = u32::try_from(self.records.len()).map_err(|_| too_large("records"))?;
            body.extend_from_slice(&count.to_be_bytes());
        }
        for part in &self.records {
            put_text(&mut body, part.compartment)?;
            put_text(&mut body, part.record)?;
            body.push(present_of(part.fields.as_deref(), &part.masked));
            put_shown(&mut body, part.fields.as_deref(), &part.masked)?;
        }
        body.resize(body.len().next_multiple_of(GRANULE), 0);
        Ok(body)
    }

    /// Reads the details.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes, VERSION)?;
        let present = reader.u8()?;
        let has = |bit: u8| present & bit != 0;
        let at = Timestamp::from_millis(reader.u64()?);
        let request = RequestId::from_bytes(*reader.array()?);
        let number = reader.u8()?;
        let role = Role::from_number(number).ok_or_else(|| reader.unknown(number))?;
        let organisation = if has(ORGANISATION) { Some(text(&mut reader)?) } else { None };
        let recipient = if has(RECIPIENT) { Some(text(&mut reader)?) } else { None };
        let compartment = if has(COMPARTMENT) { Some(text(&mut reader)?) } else { None };
        let record = if has(RECORD) { Some(text(&mut reader)?) } else { None };
        let version = if has(RECORD_VERSION) { Some(RecordVersion(reader.u64()?)) } else { None };
        let (fields, masked) = shown(&mut reader, present)?;
        let records = if has(RECORDS) { parts(&mut reader)? } else { Vec::new() };
        reader.finish_padded(bytes.len(), GRANULE)?;
        Ok(Self { at, request, role, organisation, recipient, compartment, record, version, fields, masked, records })
    }
}

fn present_of(fields: Option<&[&str]>, masked: &[&str]) -> u8 {
    let fields = if fields.is_some() { FIELDS } else { 0 };
    fields | if masked.is_empty() { 0 } else { MASKED }
}

fn put_text(body: &mut Vec<u8>, text: &str) -> Result<(), CodecError> {
    match u8::try_from(text.len()) {
        Ok(len) if text.len() < LONG_TEXT => body.push(len),
        _ => {
            body.push(u8::MAX);
            body.extend_from_slice(&u32::try_from(text.len()).map_err(|_| too_large("text"))?.to_be_bytes());
        }
    }
    body.extend_from_slice(text.as_bytes());
    Ok(())
}

fn put_shown(body: &mut Vec<u8>, fields: Option<&[&str]>, masked: &[&str]) -> Result<(), CodecError> {
    for list in fields.into_iter().chain((!masked.is_empty()).then_some(masked)) {
        body.push(u8::try_from(list.len()).map_err(|_| too_large("fields"))?);
        list.iter().try_for_each(|name| put_text(body, name))?;
    }
    Ok(())
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, CodecError> {
    let len = match usize::from(reader.u8()?) {
        LONG_TEXT => {
            let len = usize::try_from(reader.u32()?).ok().filter(|len| *len >= LONG_TEXT);
            len.ok_or_else(|| reader.invalid("length"))?
        }
        len => len,
    };
    std::str::from_utf8(reader.take(len)?).map_err(|_| reader.invalid("text"))
}

type ShownLists<'a> = (Option<Vec<&'a str>>, Vec<&'a str>);

fn shown<'a>(reader: &mut Reader<'a>, present: u8) -> Result<ShownLists<'a>, CodecError> {
    let mut list = |bit: u8| {
        let count = if present & bit == 0 { 0 } else { reader.u8()? };
        if bit == MASKED && present & bit != 0 && count == 0 {
            return Err(reader.invalid("masked"));
        }
        (0..count).map(|_| text(reader)).collect::<Result<Vec<_>, _>>()
    };
    let fields = list(FIELDS)?;
    Ok(((present & FIELDS != 0).then_some(fields), list(MASKED)?))
}

fn parts<'a>(reader: &mut Reader<'a>) -> Result<Vec<PartDetail<'a>>, CodecError> {
    let count = reader.u32()?;
    if count == 0 {
        return Err(reader.invalid("records"));
    }
    // Each takes bytes, so there are never more than those read so far.
    let mut parts = Vec::new();
    for _ in 0..count {
        let (compartment, record) = (text(reader)?, text(reader)?);
        let present = reader.u8()?;
        if present & !(FIELDS | MASKED) != 0 {
            return Err(reader.invalid("what is present"));
        }
        let (fields, masked) = shown(reader, present)?;
        parts.push(PartDetail { compartment, record, fields, masked });
    }
    Ok(parts)
}

const fn too_large(field: &'static str) -> CodecError {
    CodecError::TooLarge { what: WHAT, field }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain<'a>() -> AccessDetail<'a> {
        AccessDetail {
            at: Timestamp::from_millis(1_795_294_180_121),
            request: RequestId::from_bytes([7; 16]),
            role: Role::Crm,
            organisation: None,
            recipient: None,
            compartment: Some("core"),
            record: Some("profile"),
            version: Some(RecordVersion(3)),
            fields: None,
            masked: Vec::new(),
            records: Vec::new(),
        }
    }

    fn full<'a>(long: &'a str) -> AccessDetail<'a> {
        let part = |fields, masked| PartDetail { compartment: "core", record: "profile", fields, masked };
        AccessDetail {
            organisation: Some("Müller & Co"),
            recipient: Some("printer"),
            fields: Some(Vec::new()),
            masked: vec!["email", long, ""],
            records: vec![part(None, vec!["email"]), part(Some(vec!["city", "name"]), Vec::new())],
            ..plain()
        }
    }

    #[test]
    fn details_survive_their_bytes_and_damage_is_refused() {
        let long = "é".repeat(200);
        for detail in
            [plain(), full("phone"), full(&long), full(&long[..254]), AccessDetail { version: None, ..plain() }]
        {
            let bytes = detail.encode().unwrap();
            assert_eq!(bytes.len() % GRANULE, 0);
            assert_eq!(AccessDetail::parse(&bytes).as_ref(), Ok(&detail));
            (0..bytes.len()).for_each(|cut| assert!(AccessDetail::parse(&bytes[..cut]).is_err(), "{cut}"));
            assert!(AccessDetail::parse(&[bytes.as_slice(), &[0; GRANULE]].concat()).is_err());
        }
    }

    #[test]
    fn reads_of_a_profile_are_of_one_length_whichever_fields_they_show() {
        let shown = |fields: &[&'static str], masked: &[&'static str]| {
            let fields = Some(fields.to_vec()).filter(|fields| !fields.is_empty());
            AccessDetail { fields, masked: masked.to_vec(), ..plain() }.encode().unwrap().len()
        };
        let names = ["external_id", "loyalty_tier", "joined_at", "birth_date", "postal_code", "preferences"];
        assert_eq!(plain().encode().unwrap().len(), GRANULE);
        for (clear, masked) in [(&names[..1], &names[..0]), (&names[..5], &names[5..]), (&names[..], &names[..0])] {
            assert_eq!(shown(clear, masked), GRANULE);
        }
    }

    #[test]
    fn there_is_one_way_to_write_a_detail() {
        let bytes = |detail: &AccessDetail<'_>| detail.encode().unwrap();
        let changed = |at: usize, value: u8| {
            let mut bytes = bytes(&plain());
            bytes[at] = value;
            AccessDetail::parse(&bytes).err()
        };
        assert_eq!(changed(0, 2), Some(CodecError::Unknown { what: WHAT, found: 2 }));
        assert_eq!(changed(26, 9), Some(CodecError::Unknown { what: WHAT, found: 9 }));
        assert_eq!(changed(127, 1), Some(CodecError::Leftover { what: WHAT }));
        assert_eq!(changed(28, 0xff), Some(CodecError::Invalid { what: WHAT, field: "text" }));
        // Masked fields, and records, of which there are none.
        assert!(changed(1, COMPARTMENT | RECORD | RECORD_VERSION | MASKED).is_some());
        assert!(changed(1, COMPARTMENT | RECORD | RECORD_VERSION | RECORDS).is_some());
        // A short text behind a long length.
        let mut detail = [1, ORGANISATION].to_vec();
        detail.extend([0; 24]);
        detail.extend([Role::Crm.number(), 255, 0, 0, 0, 1, b'a']);
        detail.resize(GRANULE, 0);
        assert_eq!(AccessDetail::parse(&detail), Err(CodecError::Invalid { what: WHAT, field: "length" }));
        let many = vec!["a"; 256];
        assert!(AccessDetail { masked: many, ..plain() }.encode().is_err());
    }
}
