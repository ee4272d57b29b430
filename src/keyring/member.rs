//! Member rows: the member key and the data keys of each compartment, sealed under the shard's key.
//!
//! What is opened here is never kept: it goes to the request that asked, and is wiped with it.

use super::{CompartmentKeys, Keyring, KeyringError, MemberBody, Unreadable};
use crate::clock::Timestamp;
use crate::codec::rows;
use crate::crypto::{self, ENVELOPE_OVERHEAD, Entropy, Key};
use crate::store::Reader;
use crate::types::place::MemberRowPlace;
use crate::types::record::limits::COMPARTMENTS_MAX;
use crate::types::{Compartment, MemberId, Standing};

/// The version of the first data key of a compartment.
const FIRST_DEK: u32 = 1;

impl Keyring {
    /// Fresh keys for a new member, with its first compartment.
    pub fn new_member(
        &self,
        now: Timestamp,
        first: &Compartment,
        entropy: &dyn Entropy,
    ) -> Result<MemberBody, KeyringError> {
        let mk = Key::generate(entropy)?;
        let mut body = MemberBody {
            created: now.as_minutes(),
            mk,
            next_compartment: 0,
            compartments: Vec::new(),
            standing: Standing::default(),
        };
        self.add_compartment(&mut body, first, entropy)?;
        Ok(body)
    }

    /// Gives the member keys for a compartment, unless it has them, or had them and they were erased. Numbers of
    /// compartments are never used twice, so that a row left over from one cannot pass for a row of another.
    pub fn add_compartment<'b>(
        &self,
        body: &'b mut MemberBody,
        name: &Compartment,
        entropy: &dyn Entropy,
    ) -> Result<&'b CompartmentKeys, KeyringError> {
        let full = KeyringError::TooManyCompartments { compartments_max: COMPARTMENTS_MAX };
        let at = match body.compartments.iter().position(|compartment| compartment.name == *name) {
            Some(at) => at,
            None => {
                let number = body.next_compartment;
                if usize::from(number) >= COMPARTMENTS_MAX {
                    return Err(full);
                }
                let deks = vec![(FIRST_DEK, Key::generate(entropy)?)];
                body.compartments.push(CompartmentKeys { number, name: name.clone(), deks });
                body.next_compartment = number.saturating_add(1);
                body.compartments.len().saturating_sub(1)
            }
        };
        body.compartments.get(at).ok_or(full)
    }

    /// Draws another data key for a compartment that has one: the present one from now on, beside those before it. Its
    /// version.
    pub fn add_dek(
        &self,
        body: &mut MemberBody,
        number: u16,
        entropy: &dyn Entropy,
    ) -> Result<Option<u32>, KeyringError> {
        let Some(keys) = body.compartments.iter_mut().find(|one| one.number == number) else { return Ok(None) };
        let Some((last, _)) = keys.current() else { return Ok(None) };
        // After the last number there is none: then two keys have one version, and the body is not encoded.
        let version = last.saturating_add(1);
        keys.deks.push((version, Key::generate(entropy)?));
        Ok(Some(version))
    }

    /// Opens a member's row. A row that was read before a seal and is opened after it does not open: the caller reads it
    /// again before it believes in damage.
    pub fn open_member(&self, reader: &dyn Reader, member: &MemberId, row: &[u8]) -> Result<MemberBody, KeyringError> {
        let shard = self.shard_of(member);
        let key = self.shard_key(reader, shard)?;
        let place = MemberRowPlace { vault: self.vault(), shard, member };
        let open = || -> Result<MemberBody, Unreadable> {
            let plain = crypto::open(&key, &place, rows::sealed(row)?)?;
            Ok(MemberBody::parse(plain.expose())?)
        };
        open().map_err(KeyringError::MemberUnreadable)
    }

    /// The row of a member, under the key of the present epoch: the change that carries it relies on that epoch.
    pub fn seal_member(
        &self,
        reader: &dyn Reader,
        member: &MemberId,
        body: &MemberBody,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let shard = self.shard_of(member);
        let key = self.shard_key(reader, shard)?;
        let place = MemberRowPlace { vault: self.vault(), shard, member };
        let plain = body.encode()?;
        let mut row = rows::begin_sealed(plain.len().saturating_add(ENVELOPE_OVERHEAD));
        crypto::seal_into(self.suite(), &key, &place, plain.expose(), entropy, &mut row)?;
        Ok(row)
    }
}
