//! How a member stands to the use of its data, inside the body of its row:
//! `flags u8 | import u32 | count u8 | (name len u8 | purpose | bits u8 | until minute u32) x count`.
//!
//! Flags: 1 restricted, 2 refuses automation, 4 canary, 8 the number of an import follows. Bits: 1 consent, 2 explicit, 4
//! objected, 8 the consent ends and `until` follows, 16 agreed to when imported. What the flags and bits do not announce
//! is not there. One form a content: purposes ascend, and each says something.

use super::reader::{Reader, name_len};
use super::{CodecError, Plaintext};
use crate::types::standing::{Consent, IMPORTED_MAX, PURPOSES_MAX, PurposeStanding};
use crate::types::{Purpose, Standing};

const RESTRICTED: u8 = 1;
const REFUSES_AUTOMATION: u8 = 2;
const CANARY: u8 = 4;
const IMPORTED_MEMBER: u8 = 8;
const FLAGS: u8 = RESTRICTED | REFUSES_AUTOMATION | CANARY | IMPORTED_MEMBER;

const CONSENT: u8 = 1;
const EXPLICIT: u8 = 2;
const OBJECTED: u8 = 4;
const ENDS: u8 = 8;
const IMPORTED: u8 = 16;
const BITS: u8 = CONSENT | EXPLICIT | OBJECTED | ENDS | IMPORTED;

pub(super) fn encode(standing: &Standing, body: &mut Plaintext) {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let flags = flag(standing.restricted, RESTRICTED)
        | flag(standing.refuses_automation, REFUSES_AUTOMATION)
        | flag(standing.canary, CANARY)
        | flag(standing.import_number().is_some(), IMPORTED_MEMBER);
    body.extend(&[flags]);
    if let Some(import) = standing.import_number() {
        body.extend(&import.to_be_bytes());
    }
    // At most `PURPOSES_MAX + IMPORTED_MAX` by its type.
    body.extend(&[u8::try_from(standing.purposes().len()).unwrap_or(u8::MAX)]);
    for PurposeStanding { purpose, consent, objected, imported } in standing.purposes() {
        let given = consent.map_or(0, |consent| CONSENT | flag(consent.explicit, EXPLICIT));
        let until = consent.and_then(|consent| consent.until);
        body.extend(&[name_len(purpose.as_str())]);
        body.extend(purpose.as_str().as_bytes());
        body.extend(&[given | flag(*objected, OBJECTED) | flag(until.is_some(), ENDS) | flag(*imported, IMPORTED)]);
        if let Some(until) = until {
            body.extend(&until.to_be_bytes());
        }
    }
}

pub(super) fn encoded_len(standing: &Standing) -> usize {
    let ends = |one: &PurposeStanding| one.consent.is_some_and(|consent| consent.until.is_some());
    let one = |one: &PurposeStanding| one.purpose.as_str().len().saturating_add(if ends(one) { 6 } else { 2 });
    let import = if standing.import_number().is_some() { 4 } else { 0 };
    standing.purposes().iter().map(one).sum::<usize>().saturating_add(import).saturating_add(2)
}

pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Standing, CodecError> {
    let flags = reader.u8()?;
    if flags & !FLAGS != 0 {
        return Err(reader.invalid("standing"));
    }
    let import = if flags & IMPORTED_MEMBER == 0 { None } else { Some(reader.u32()?) };
    let count = usize::from(reader.u8()?);
    if count > PURPOSES_MAX + IMPORTED_MAX {
        return Err(reader.invalid("standing"));
    }
    let mut purposes = Vec::with_capacity(count);
    for _ in 0..count {
        purposes.push(parse_purpose(reader)?);
    }
    let mut standing = Standing::new(purposes, import).ok_or_else(|| reader.invalid("the order of purposes"))?;
    standing.restricted = flags & RESTRICTED != 0;
    standing.refuses_automation = flags & REFUSES_AUTOMATION != 0;
    standing.canary = flags & CANARY != 0;
    Ok(standing)
}

fn parse_purpose(reader: &mut Reader<'_>) -> Result<PurposeStanding, CodecError> {
    let purpose: Purpose = reader.name("purpose")?;
    let bits = reader.u8()?;
    let given = bits & CONSENT != 0;
    if bits & !BITS != 0 || (!given && bits & (EXPLICIT | ENDS) != 0) {
        return Err(reader.invalid("consent"));
    }
    let until = if bits & ENDS == 0 { None } else { Some(reader.u32()?) };
    let consent = given.then_some(Consent { explicit: bits & EXPLICIT != 0, until });
    Ok(PurposeStanding { purpose, consent, objected: bits & OBJECTED != 0, imported: bits & IMPORTED != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        let mut standing = Standing::default();
        (standing.restricted, standing.canary) = (true, true);
        let purpose = |name: &str| name.parse::<Purpose>().unwrap();
        assert!(standing.set_consent(&purpose("newsletter"), Some(Consent { explicit: true, until: Some(7) })));
        assert!(standing.set_consent(&purpose("analytics"), Some(Consent { explicit: false, until: None })));
        assert!(standing.set_objection(&purpose("personalisation"), true));
        standing
    }

    fn bytes(standing: &Standing) -> Vec<u8> {
        let mut body = Plaintext::with_capacity(64);
        encode(standing, &mut body);
        body.expose().to_vec()
    }

    fn read(bytes: &[u8]) -> Result<Standing, CodecError> {
        let mut reader = Reader::unversioned("member body", bytes);
        let standing = parse(&mut reader)?;
        reader.finish().map(|()| standing)
    }

    #[test]
    fn a_standing_survives_its_bytes() {
        let mut imported = Standing::imported(9, &["newsletter".parse().unwrap()]).unwrap();
        let as_imported = imported.clone();
        assert!(imported.set_consent(&"newsletter".parse().unwrap(), None));
        for standing in [standing(), Standing::default(), as_imported, imported] {
            let bytes = bytes(&standing);
            assert_eq!(bytes.len(), encoded_len(&standing));
            assert_eq!(read(&bytes), Ok(standing));
            (0..bytes.len()).for_each(|cut| assert!(read(&bytes[..cut]).is_err(), "{cut}"));
        }
    }

    #[test]
    fn a_second_form_of_the_same_standing_is_refused() {
        // flags | count | len "analytics" bits | ...
        let good = bytes(&standing());
        for (at, value) in [(0, 8), (0, 16), (1, 4), (3, b'z'), (12, 0), (12, 2), (12, 8), (12, 16), (12, 32), (2, 0)] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert!(read(&bytes).is_err(), "{at} {value}");
        }
        let ends = [good.clone(), vec![0, 0, 0, 7]].concat();
        let mut bytes = ends.clone();
        bytes[good.len() - 1] |= 8; // an end of a consent that was not given
        assert!(read(&bytes).is_err() && read(&ends).is_err());
    }
}
