//! What the leaves of seals, rotations and holders state.

use super::CodecError;
use super::reader::{Reader, name_len};
use crate::types::HolderName;
use crate::types::slot::{HolderState, HolderStatement, SlotLevel};

/// The most erasure tags one `seal` or `purge` leaf carries: 32 KiB, half of what an entry of a C2SP log may have.
pub const SEAL_TAGS_MAX: usize = 1_024;

/// The root of the key tree was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The epoch of the new root.
    pub epoch: u64,
    /// The commitment of the root before.
    pub old_root: [u8; 32],
    /// The commitment of the new root.
    pub new_root: [u8; 32],
    /// How many leaves of the tree got new keys.
    pub leaves: u32,
}

/// Erasures whose keys are gone: no root before `epoch` exists any more at any holder that is named acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealEvent {
    /// The epoch of the only root that is left.
    pub epoch: u64,
    /// The commitment of the last root destroyed.
    pub old_root: [u8; 32],
    /// The commitment of the root that is left.
    pub new_root: [u8; 32],
    /// How far the place the root was kept in can be trusted to forget.
    pub level: SlotLevel,
    /// What each holder of the keyring said.
    pub holders: Vec<HolderStatement>,
    /// The tags of the erasures, ascending.
    pub tags: Vec<[u8; 32]>,
}

/// What became of a holder of the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderChange {
    /// It keeps a copy from now on.
    Added = 1,
    /// Its copy was removed.
    Removed = 2,
    /// It is no longer asked, and may keep an old copy.
    Revoked = 3,
}

impl SealEvent {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.old_root);
        out.extend_from_slice(&self.new_root);
        out.push(self.level.number());
        // At most 16 holders and 1,024 tags by construction.
        out.push(u8::try_from(self.holders.len()).unwrap_or(u8::MAX));
        for HolderStatement { name, state } in &self.holders {
            out.push(state.number());
            encode_name(name, out);
        }
        encode_tags(&self.tags, out);
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (epoch, old_root, new_root) = (reader.u64()?, *reader.array()?, *reader.array()?);
        let level = SlotLevel::from_number(reader.u8()?).ok_or_else(|| reader.invalid("slot level"))?;
        let count = usize::from(reader.u8()?);
        let mut holders = Vec::with_capacity(count);
        for _ in 0..count {
            let state = HolderState::from_number(reader.u8()?).ok_or_else(|| reader.invalid("holder state"))?;
            holders.push(HolderStatement { state, name: reader.name("holder")? });
        }
        Ok(Self { epoch, old_root, new_root, level, holders, tags: parse_tags(reader)? })
    }
}

pub(super) fn encode_tags(tags: &[[u8; 32]], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(tags.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(tags.as_flattened());
}

pub(super) fn parse_tags(reader: &mut Reader<'_>) -> Result<Vec<[u8; 32]>, CodecError> {
    let count = usize::from(reader.u16()?);
    let (tags, rest) = reader.take(count.saturating_mul(32))?.as_chunks::<32>();
    let ascending = tags.iter().zip(tags.iter().skip(1)).all(|(one, next)| one < next);
    if count > SEAL_TAGS_MAX || !rest.is_empty() || !ascending {
        return Err(reader.invalid("tags"));
    }
    Ok(tags.to_vec())
}

pub(super) fn encode_name(name: &HolderName, out: &mut Vec<u8>) {
    out.push(name_len(name.as_str()));
    out.extend_from_slice(name.as_str().as_bytes());
}

pub(super) fn parse_change(reader: &mut Reader<'_>) -> Result<HolderChange, CodecError> {
    match reader.u8()? {
        1 => Ok(HolderChange::Added),
        2 => Ok(HolderChange::Removed),
        3 => Ok(HolderChange::Revoked),
        _ => Err(reader.invalid("holder change")),
    }
}
