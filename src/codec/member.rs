//! The body of a member row: the member key, the data keys of its compartments, how the member stands to their use.
//!
//! `3 | created minute u32 | MK 32 | next compartment u8 | count u8 | compartments | standing | zeroes to a multiple of
//! 64`, a compartment being `number u8 | name len u8 | name | count u8 | (dek version u32 | DEK 32) x count`, the
//! standing as `codec::standing` writes it. Each read opens one of these, and each member has one: so they are short, and
//! a member that an import brought, with one compartment and a few consents, has 128 bytes.
//! One form a content: numbers and versions ascend. A compartment without a data key was erased; its name stays so that
//! it is never given keys again.

use super::key_bytes::KeyBytes;
use super::reader::{Reader, name_len};
use super::{CodecError, Plaintext, standing};
use crate::types::record::limits::COMPARTMENTS_MAX;
use crate::types::{Compartment, Standing};

const WHAT: &str = "member body";
const VERSION: u8 = 3;
const BLOCK: usize = 64;
const FIXED_LEN: usize = 39;

/// Data keys of one compartment that may exist side by side: the present one, and earlier ones whose records were not
/// written anew yet.
pub const DEKS_MAX: usize = 16;

/// The keys of one member. `M` is the member key, `D` a data key.
pub struct MemberBody<M, D> {
    /// When the member was created, in minutes.
    pub created: u32,
    /// The member key.
    pub mk: M,
    /// The number the next compartment gets. Numbers are never used again.
    pub next_compartment: u16,
    /// The compartments, by ascending number.
    pub compartments: Vec<CompartmentKeys<D>>,
    /// How the member stands to the use of its data.
    pub standing: Standing,
}

/// The keys of one compartment.
pub struct CompartmentKeys<D> {
    /// Its number within the member.
    pub number: u16,
    /// Its name.
    pub name: Compartment,
    /// Its data keys by ascending version. Empty: the compartment was erased.
    pub deks: Vec<(u32, D)>,
}

impl<D> CompartmentKeys<D> {
    /// The data key that seals new records, and its version.
    pub fn current(&self) -> Option<(u32, &D)> {
        self.deks.last().map(|(version, dek)| (*version, dek))
    }

    /// Whether the compartment was erased.
    pub fn is_erased(&self) -> bool {
        self.deks.is_empty()
    }

    /// The data key of a version.
    pub fn dek(&self, version: u32) -> Option<&D> {
        self.deks.iter().rev().find(|(of, _)| *of == version).map(|(_, dek)| dek)
    }
}

impl<M, D> MemberBody<M, D> {
    /// The compartment of a name.
    pub fn compartment(&self, name: &Compartment) -> Option<&CompartmentKeys<D>> {
        self.compartments.iter().find(|compartment| compartment.name == *name)
    }

    /// Drops the data keys of a compartment, for good.
    pub fn erase_compartment(&mut self, number: u16) {
        self.compartments.iter_mut().filter(|one| one.number == number).for_each(|one| one.deks.clear());
    }

    /// Drops all data keys of a compartment but the present one, for good.
    pub fn retire_deks(&mut self, number: u16) {
        for one in self.compartments.iter_mut().filter(|one| one.number == number) {
            let earlier = one.deks.len().saturating_sub(1);
            one.deks.drain(..earlier);
        }
    }

    /// The compartment of a number.
    pub fn compartment_numbered(&self, number: u16) -> Option<&CompartmentKeys<D>> {
        self.compartments.iter().find(|compartment| compartment.number == number)
    }
}

impl<M: KeyBytes, D: KeyBytes> MemberBody<M, D> {
    /// Writes the body.
    pub fn encode(&self) -> Result<Plaintext, CodecError> {
        self.check()?;
        let mut body = Plaintext::with_capacity(self.encoded_len());
        body.extend(&[VERSION]);
        body.extend(&self.created.to_be_bytes());
        body.extend(self.mk.expose_key_bytes());
        body.extend(&[number("next compartment", self.next_compartment)?]);
        body.extend(&[count("compartments", self.compartments.len())?]);
        for compartment in &self.compartments {
            compartment.encode(&mut body)?;
        }
        standing::encode(&self.standing, &mut body);
        let padded = body.len().next_multiple_of(BLOCK);
        body.pad_to(padded);
        Ok(body)
    }

    /// Reads a body.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes, VERSION)?;
        let created = reader.u32()?;
        let mk = M::from_key_bytes(reader.array()?);
        let next_compartment = u16::from(reader.u8()?);
        let count = usize::from(reader.u8()?);
        if count > COMPARTMENTS_MAX {
            return Err(reader.invalid("count"));
        }
        let mut compartments = Vec::with_capacity(count);
        for _ in 0..count {
            compartments.push(CompartmentKeys::parse(&mut reader)?);
        }
        let standing = standing::parse(&mut reader)?;
        reader.finish_padded(bytes.len(), BLOCK)?;
        let body = Self { created, mk, next_compartment, compartments, standing };
        body.check().map(|()| body)
    }

    fn encoded_len(&self) -> usize {
        let compartment = |keys: &CompartmentKeys<D>| {
            keys.deks.len().saturating_mul(36).saturating_add(keys.name.as_str().len()).saturating_add(3)
        };
        let fixed = standing::encoded_len(&self.standing).saturating_add(FIXED_LEN);
        self.compartments.iter().map(compartment).sum::<usize>().saturating_add(fixed).next_multiple_of(BLOCK)
    }

    /// The rules that both directions keep.
    fn check(&self) -> Result<(), CodecError> {
        let invalid = |field| Err(CodecError::Invalid { what: WHAT, field });
        let list = &self.compartments;
        if !list.is_sorted_by(|a, b| a.number < b.number) {
            return invalid("the order of compartments");
        }
        if list.last().is_some_and(|last| last.number >= self.next_compartment) {
            return invalid("next compartment");
        }
        if list.iter().any(|one| !one.deks.is_sorted_by(|a, b| a.0 < b.0)) {
            return invalid("the order of data keys");
        }
        let repeated =
            |(at, one): (usize, &CompartmentKeys<D>)| list.iter().take(at).any(|other| other.name == one.name);
        if list.iter().enumerate().any(repeated) { invalid("compartment names") } else { Ok(()) }
    }
}

impl<D: KeyBytes> CompartmentKeys<D> {
    fn encode(&self, body: &mut Plaintext) -> Result<(), CodecError> {
        let deks = u8::try_from(self.deks.len()).ok().filter(|deks| usize::from(*deks) <= DEKS_MAX);
        let deks = deks.ok_or(CodecError::TooLarge { what: WHAT, field: "the number of data keys" })?;
        body.extend(&[number("compartment number", self.number)?]);
        body.extend(&[name_len(self.name.as_str())]);
        body.extend(self.name.as_str().as_bytes());
        body.extend(&[deks]);
        for (version, dek) in &self.deks {
            body.extend(&version.to_be_bytes());
            body.extend(dek.expose_key_bytes());
        }
        Ok(())
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let number = u16::from(reader.u8()?);
        let name = reader.name("compartment name")?;
        let count = usize::from(reader.u8()?);
        if count > DEKS_MAX {
            return Err(reader.invalid("the number of data keys"));
        }
        let mut deks = Vec::with_capacity(count);
        for _ in 0..count {
            deks.push((reader.u32()?, D::from_key_bytes(reader.array()?)));
        }
        Ok(Self { number, name, deks })
    }
}

fn count(field: &'static str, len: usize) -> Result<u8, CodecError> {
    let fits = u8::try_from(len).ok().filter(|_| len <= COMPARTMENTS_MAX);
    fits.ok_or(CodecError::TooLarge { what: WHAT, field })
}

/// A member has at most `COMPARTMENTS_MAX` compartments in its life, so their numbers stay below it.
fn number(field: &'static str, number: u16) -> Result<u8, CodecError> {
    u8::try_from(number).map_err(|_| CodecError::TooLarge { what: WHAT, field })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    type Body = MemberBody<Secret<[u8; 32]>, Secret<[u8; 32]>>;

    fn compartment(number: u16, name: &str, versions: &[u32]) -> CompartmentKeys<Secret<[u8; 32]>> {
        let deks = versions.iter().map(|version| (*version, Secret::new([*version as u8; 32]))).collect();
        CompartmentKeys { number, name: name.parse().unwrap(), deks }
    }

    fn body(compartments: Vec<CompartmentKeys<Secret<[u8; 32]>>>) -> Body {
        MemberBody {
            created: 7,
            mk: Secret::new([5; 32]),
            next_compartment: 9,
            compartments,
            standing: Standing::default(),
        }
    }

    #[test]
    fn keys_are_found_by_name_number_and_version() {
        let whole = body(vec![compartment(0, "core", &[1]), compartment(3, "marketing", &[2, 5])]);
        let bytes = whole.encode().unwrap();
        assert_eq!(bytes.len() % 64, 0);
        let read = Body::parse(bytes.expose()).unwrap();
        assert_eq!((read.created, read.next_compartment, read.mk.expose()), (7, 9, &[5; 32]));
        let marketing = read.compartment(&"marketing".parse().unwrap()).unwrap();
        assert_eq!(marketing.current().map(|(version, dek)| (version, *dek.expose())), Some((5, [5; 32])));
        assert!(marketing.dek(2).is_some() && marketing.dek(3).is_none());
        assert_eq!(read.compartment_numbered(3).map(|found| found.name.as_str()), Some("marketing"));
        assert_eq!(read.encode().unwrap().expose(), bytes.expose());
    }

    #[test]
    fn the_length_hides_small_differences() {
        let one = body(vec![compartment(0, "core", &[1])]).encode().unwrap();
        let other = body(vec![compartment(0, "c", &[1])]).encode().unwrap();
        assert_eq!((one.len(), other.len()), (128, 128));
    }

    #[test]
    fn an_erased_compartment_keeps_its_name_and_number_alone() {
        let mut whole = body(vec![compartment(0, "core", &[1]), compartment(3, "marketing", &[2, 5])]);
        whole.erase_compartment(3);
        let read = Body::parse(whole.encode().unwrap().expose()).unwrap();
        let marketing = read.compartment(&"marketing".parse().unwrap()).unwrap();
        assert!(marketing.is_erased() && marketing.current().is_none());
        assert!(!read.compartments[0].is_erased());
    }

    #[test]
    fn retired_keys_leave_the_present_one() {
        let mut whole = body(vec![compartment(0, "core", &[1]), compartment(3, "marketing", &[2, 5])]);
        whole.retire_deks(3);
        whole.retire_deks(0);
        let read = Body::parse(whole.encode().unwrap().expose()).unwrap();
        let versions = |at: usize| read.compartments[at].deks.iter().map(|(version, _)| *version).collect::<Vec<_>>();
        assert_eq!((versions(0), versions(1)), (vec![1], vec![5]));
    }

    #[test]
    fn disorder_is_refused_in_both_directions() {
        for compartments in [
            vec![compartment(3, "core", &[1]), compartment(0, "orders", &[1])],
            vec![compartment(0, "core", &[1]), compartment(0, "orders", &[1])],
            vec![compartment(0, "core", &[1]), compartment(1, "core", &[1])],
            vec![compartment(9, "core", &[1])],
            vec![compartment(0, "core", &[2, 1])],
        ] {
            assert!(body(compartments).encode().is_err());
        }
        let bytes = body(vec![compartment(0, "core", &[1])]).encode().unwrap().expose().to_vec();
        for (at, value) in [(0, 2), (37, 0), (39, 9), (41, b'C'), (127, 1)] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            assert!(Body::parse(&bytes).is_err(), "{at}");
        }
        assert!(Body::parse(&[bytes.as_slice(), &[0; 64]].concat()).is_err());
        (0..bytes.len()).for_each(|cut| assert!(Body::parse(&bytes[..cut]).is_err()));
    }
}
