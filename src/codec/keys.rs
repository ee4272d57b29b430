//! Row keys: where each row lies in its keyspace. Big-endian, so that the order of bytes is the order of numbers.
//!
//! Keys carry nothing personal: random ids, numbers and keyed tokens only, since what a row was called outlives it in
//! the files of a storage engine.

mod agreed;

pub use agreed::{agreed, agreed_to, parse_agreed};

use super::CodecError;
use super::reader::{Reader, join};
use crate::types::place::Subtree;
use crate::types::{ErasureId, HolderName, MemberId, TokenId};

mod guard;
mod import;
mod recipient;

pub use guard::{freeze, parse_freeze, parse_window, window};
pub use import::{import, parse_import};
pub use recipient::{notice, parse_recipient, recipient};

/// Stands for "the whole member" where a compartment number is expected. Never the number of a compartment.
pub const WHOLE_MEMBER: u16 = 0xffff;

/// First byte of the keys of each kind of control row.
pub mod tag {
    /// The vault's own description.
    pub const VAULT_META: u8 = b'V';
    /// The epoch of the key tree.
    pub const TREE_EPOCH: u8 = b'E';
    /// A restore that is under way.
    pub const UNFINISHED: u8 = b'Z';
    /// An inner node of the key tree.
    pub const NODE: u8 = b'N';
    /// A member row.
    pub const MEMBER: u8 = b'M';
    /// A fence.
    pub const FENCE: u8 = b'F';
    /// An erasure.
    pub const ERASURE: u8 = b'X';
    /// A leaf of the key tree that waits to be re-keyed.
    pub const DIRTY: u8 = b'D';
    /// A legal hold.
    pub const HOLD: u8 = b'H';
    /// An API token.
    pub const TOKEN: u8 = b'K';
    /// The outcome of a request with an idempotency key.
    pub const IDEMPOTENCY: u8 = b'I';
    /// An erasure that is not yet sealed.
    pub const PENDING: u8 = b'P';
    /// What a purge looks for, of an erasure that is not yet purged.
    pub const RESIDUE: u8 = b'Q';
    /// A new root of the key tree.
    pub const ROTATION: u8 = b'R';
    /// A checkpoint of the log with the cosignatures of witnesses.
    pub const COSIGNED: u8 = b'W';
    /// A holder of the keyring that was given up while it was away.
    pub const RESIDUAL: u8 = b'U';
    /// A member that agrees to a purpose.
    pub const AGREED: u8 = b'C';
    /// A record, by a value of its metadata.
    pub const POSTING: u8 = b'T';
    /// A request of a member.
    pub const REQUEST: u8 = b'J';
    /// A link by which a recipient reads.
    pub const SHARE: u8 = b'S';
    /// A recipient in the register.
    pub const RECIPIENT: u8 = b'A';
    /// Whom to tell of an erasure.
    pub const NOTICE: u8 = b'L';
    /// A stop of the use of member data.
    pub const FREEZE: u8 = b'G';
    /// A window for bulk reads.
    pub const WINDOW: u8 = b'O';
    /// A data map that is or was in force.
    pub const SCHEMA: u8 = b'Y';
    /// A member of whose accesses some name a recipient.
    pub const DISCLOSED: u8 = b'B';
    /// An import that brought consents.
    pub const IMPORT: u8 = b'b';
}

/// First byte of the keys of each kind of ledger row: leaves, then the rest, since RocksDB keeps leaves apart by it
/// (`store/rocks/family.rs`).
pub mod ledger_tag {
    /// A leaf.
    pub const LEAF: u8 = b'L';
    /// A tile of hashes.
    pub const TILE: u8 = b'T';
    /// The size and root of the log.
    pub const HEAD: u8 = b'Z';
    const _: () = assert!(LEAF < TILE && TILE < HEAD);
}

/// Control: the vault's own description.
pub const VAULT_META: [u8; 1] = [tag::VAULT_META];
/// Control: a restore that is under way.
pub const UNFINISHED: [u8; 1] = [tag::UNFINISHED];
/// Control: the epoch of the key tree.
pub const TREE_EPOCH: [u8; 1] = [tag::TREE_EPOCH];
/// Ledger: the size and root of the log.
pub const LEDGER_HEAD: [u8; 1] = [ledger_tag::HEAD];

/// Control: an inner node of the key tree.
pub fn node(subtree: Subtree, level: u8, index: u32) -> [u8; 7] {
    join(&[&[tag::NODE, subtree.0, level], &index.to_be_bytes()])
}

/// Control: a member row.
pub fn member(member: &MemberId) -> [u8; 17] {
    join(&[&[tag::MEMBER], member.as_bytes()])
}

/// The member of a member row's key.
pub fn parse_member(key: &[u8]) -> Result<MemberId, CodecError> {
    tagged_id("member key", key, tag::MEMBER).map(MemberId::from_bytes)
}

/// Control: a fence, of the whole member or of one compartment.
pub fn fence(member: &MemberId, compartment: Option<u16>) -> [u8; 19] {
    join(&[&[tag::FENCE], member.as_bytes(), &scope_number(compartment).to_be_bytes()])
}

/// The member and compartment of a fence's key.
pub fn parse_fence(key: &[u8]) -> Result<(MemberId, Option<u16>), CodecError> {
    let mut reader = tagged("fence key", key, tag::FENCE)?;
    let member = MemberId::from_bytes(*reader.array()?);
    let compartment = scope_of(reader.u16()?);
    reader.finish().map(|()| (member, compartment))
}

/// Control: an erasure.
pub fn erasure(erasure: &ErasureId) -> [u8; 17] {
    join(&[&[tag::ERASURE], erasure.as_bytes()])
}

/// The erasure of an erasure row's key.
pub fn parse_erasure(key: &[u8]) -> Result<ErasureId, CodecError> {
    tagged_id("erasure key", key, tag::ERASURE).map(ErasureId::from_bytes)
}

/// Control: a leaf of the key tree that waits to be re-keyed.
pub fn dirty(subtree: Subtree, leaf: u32) -> [u8; 6] {
    join(&[&[tag::DIRTY, subtree.0], &leaf.to_be_bytes()])
}

/// The leaf of a dirty mark's key.
pub fn parse_dirty(key: &[u8]) -> Result<(Subtree, u32), CodecError> {
    let mut reader = tagged("dirty mark key", key, tag::DIRTY)?;
    let leaf = (Subtree(reader.u8()?), reader.u32()?);
    reader.finish().map(|()| leaf)
}

/// Control: the mark of an erasure that is not yet sealed.
pub fn pending(erasure: &ErasureId) -> [u8; 17] {
    join(&[&[tag::PENDING], erasure.as_bytes()])
}

/// The erasure of a pending mark's key.
pub fn parse_pending(key: &[u8]) -> Result<ErasureId, CodecError> {
    tagged_id("pending mark key", key, tag::PENDING).map(ErasureId::from_bytes)
}

/// Control: what a purge looks for, of an erasure that is not yet purged.
pub fn residue(erasure: &ErasureId) -> [u8; 17] {
    join(&[&[tag::RESIDUE], erasure.as_bytes()])
}

/// Control: what a purge looks for besides, of a page of the index that lost an entry with a seal.
pub fn residue_of_page(erasure: &ErasureId, page: &[u8; 6]) -> [u8; 23] {
    join(&[&residue(erasure), page])
}

/// The erasure of a residue row's key.
pub fn parse_residue(key: &[u8]) -> Result<ErasureId, CodecError> {
    let mut reader = tagged("residue key", key, tag::RESIDUE)?;
    let erasure = ErasureId::from_bytes(*reader.array()?);
    if key.len() > residue(&erasure).len() {
        let _page: &[u8; 6] = reader.array()?;
    }
    reader.finish().map(|()| erasure)
}

/// Control: the mark of a member of whose accesses some name a recipient, by their prefix.
pub fn disclosed(prefix: &[u8; 16]) -> [u8; 17] {
    join(&[&[tag::DISCLOSED], prefix])
}

/// Control: how the tree came to its epoch.
pub fn rotation(epoch: u64) -> [u8; 9] {
    join(&[&[tag::ROTATION], &epoch.to_be_bytes()])
}

/// The epoch of a rotation's key.
pub fn parse_rotation(key: &[u8]) -> Result<u64, CodecError> {
    let mut reader = tagged("rotation key", key, tag::ROTATION)?;
    let epoch = reader.u64()?;
    reader.finish().map(|()| epoch)
}

/// Control: a checkpoint of this size with the cosignatures of witnesses.
pub fn cosigned(size: u64) -> [u8; 9] {
    join(&[&[tag::COSIGNED], &size.to_be_bytes()])
}

/// The size of a cosigned checkpoint's key.
pub fn parse_cosigned(key: &[u8]) -> Result<u64, CodecError> {
    let mut reader = tagged("cosigned checkpoint key", key, tag::COSIGNED)?;
    let size = reader.u64()?;
    reader.finish().map(|()| size)
}

/// Control: a data map that is or was in force, by its number.
pub fn schema(number: u32) -> [u8; 5] {
    join(&[&[tag::SCHEMA], &number.to_be_bytes()])
}

/// The number of a data map's key.
pub fn parse_schema(key: &[u8]) -> Result<u32, CodecError> {
    let mut reader = tagged("data map key", key, tag::SCHEMA)?;
    let number = reader.u32()?;
    reader.finish().map(|()| number)
}

/// Control: a holder of the keyring that was given up while it was away.
pub fn residual(name: &HolderName) -> Vec<u8> {
    [&[tag::RESIDUAL], name.as_str().as_bytes()].concat()
}

/// The name of such a holder.
pub fn parse_residual(key: &[u8]) -> Result<HolderName, CodecError> {
    let reader = tagged("residual holder key", key, tag::RESIDUAL)?;
    let invalid = reader.invalid("name");
    std::str::from_utf8(reader.rest()).ok().and_then(|name| name.parse().ok()).ok_or(invalid)
}

/// Control: a legal hold.
pub fn hold(member: &MemberId) -> [u8; 17] {
    join(&[&[tag::HOLD], member.as_bytes()])
}

/// The member of a hold's key.
pub fn parse_hold(key: &[u8]) -> Result<MemberId, CodecError> {
    tagged_id("hold key", key, tag::HOLD).map(MemberId::from_bytes)
}

/// Control: an API token.
pub fn token(token: &TokenId) -> [u8; 9] {
    join(&[&[tag::TOKEN], token.as_bytes()])
}

/// The token of a token row's key.
pub fn parse_token(key: &[u8]) -> Result<TokenId, CodecError> {
    let mut reader = tagged("token key", key, tag::TOKEN)?;
    let token = TokenId::from_bytes(*reader.array()?);
    reader.finish().map(|()| token)
}

/// Control: the outcome of a request with an idempotency key, under the keyed token of that key.
pub fn idempotency(token: &[u8; 16]) -> [u8; 17] {
    join(&[&[tag::IDEMPOTENCY], token])
}

/// The keyed token of an outcome's key.
pub fn parse_idempotency(key: &[u8]) -> Result<[u8; 16], CodecError> {
    tagged_id("idempotency key", key, tag::IDEMPOTENCY)
}

/// Index: one page of one bucket of one identifier field.
pub fn page(field: u8, bucket: u32, page: u8) -> [u8; 6] {
    join(&[&[field], &bucket.to_be_bytes(), &[page]])
}

/// Field, bucket and page of a page's key.
pub fn parse_page(key: &[u8]) -> Result<(u8, u32, u8), CodecError> {
    let mut reader = Reader::unversioned("page key", key);
    let page = (reader.u8()?, reader.u32()?, reader.u8()?);
    reader.finish().map(|()| page)
}

/// Records: one record, under the keyed token of its name.
pub fn record(member: &MemberId, compartment: u16, record: &[u8; 16]) -> [u8; 34] {
    join(&[member.as_bytes(), &compartment.to_be_bytes(), record])
}

/// Records: the prefix of all records of one compartment of a member.
pub fn compartment_records(member: &MemberId, compartment: u16) -> [u8; 18] {
    join(&[member.as_bytes(), &compartment.to_be_bytes()])
}

/// Member, compartment and record token of a record's key.
pub fn parse_record(key: &[u8]) -> Result<(MemberId, u16, [u8; 16]), CodecError> {
    let mut reader = Reader::unversioned("record key", key);
    let record = (MemberId::from_bytes(*reader.array()?), reader.u16()?, *reader.array()?);
    reader.finish().map(|()| record)
}

/// Ledger: a leaf.
pub fn leaf(index: u64) -> [u8; 9] {
    join(&[&[ledger_tag::LEAF], &index.to_be_bytes()])
}

/// The index of a leaf's key.
pub fn parse_leaf(key: &[u8]) -> Result<u64, CodecError> {
    let mut reader = tagged("leaf key", key, ledger_tag::LEAF)?;
    let index = reader.u64()?;
    reader.finish().map(|()| index)
}

/// Ledger: a full tile of 256 hashes.
pub fn tile(level: u8, tile: u64) -> [u8; 10] {
    join(&[&[ledger_tag::TILE, level], &tile.to_be_bytes()])
}

/// Level and number of a tile's key.
pub fn parse_tile(key: &[u8]) -> Result<(u8, u64), CodecError> {
    let mut reader = tagged("tile key", key, ledger_tag::TILE)?;
    let tile = (reader.u8()?, reader.u64()?);
    reader.finish().map(|()| tile)
}

/// Access: the details of the access that the leaf `index` stands for.
pub fn access(prefix: &[u8; 16], index: u64) -> [u8; 24] {
    join(&[prefix, &index.to_be_bytes()])
}

/// Prefix and leaf index of an access row's key.
pub fn parse_access(key: &[u8]) -> Result<([u8; 16], u64), CodecError> {
    let mut reader = Reader::unversioned("access key", key);
    let access = (*reader.array()?, reader.u64()?);
    reader.finish().map(|()| access)
}

/// A compartment, or the whole member, as it is written.
pub(super) fn scope_number(compartment: Option<u16>) -> u16 {
    compartment.unwrap_or(WHOLE_MEMBER)
}

/// A compartment, or the whole member, as it was written.
pub(super) fn scope_of(number: u16) -> Option<u16> {
    (number != WHOLE_MEMBER).then_some(number)
}

fn tagged<'a>(what: &'static str, key: &'a [u8], tag: u8) -> Result<Reader<'a>, CodecError> {
    let mut reader = Reader::unversioned(what, key);
    if reader.u8()? == tag { Ok(reader) } else { Err(reader.invalid("tag")) }
}

fn tagged_id(what: &'static str, key: &[u8], tag: u8) -> Result<[u8; 16], CodecError> {
    let mut reader = tagged(what, key, tag)?;
    let id = *reader.array()?;
    reader.finish().map(|()| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: MemberId = MemberId::from_bytes([7; 16]);

    #[test]
    fn keys_are_read_as_they_were_written() {
        assert_eq!(parse_member(&member(&MEMBER)), Ok(MEMBER));
        assert_eq!(parse_fence(&fence(&MEMBER, None)), Ok((MEMBER, None)));
        assert_eq!(parse_fence(&fence(&MEMBER, Some(3))), Ok((MEMBER, Some(3))));
        let id = ErasureId::from_bytes([9; 16]);
        assert_eq!(parse_erasure(&erasure(&id)), Ok(id));
        assert_eq!(parse_dirty(&dirty(Subtree(2), 0x0102_0304)), Ok((Subtree(2), 0x0102_0304)));
        assert_eq!(parse_pending(&pending(&id)), Ok(id));
        assert_eq!(parse_residue(&residue(&id)), Ok(id));
        assert_eq!(parse_residue(&residue_of_page(&id, &page(1, 2, 3))), Ok(id));
        assert_eq!(parse_rotation(&rotation(7)), Ok(7));
        assert_eq!(parse_schema(&schema(7)), Ok(7));
        assert_eq!(parse_import(&import(7)), Ok(7));
        let name: HolderName = "far-away".parse().unwrap();
        assert_eq!(parse_residual(&residual(&name)), Ok(name));
        assert_eq!(parse_hold(&hold(&MEMBER)), Ok(MEMBER));
        let id = TokenId::from_bytes([5; 8]);
        assert_eq!(parse_token(&token(&id)), Ok(id));
        assert_eq!(parse_idempotency(&idempotency(&[6; 16])), Ok([6; 16]));
        assert_eq!(parse_page(&page(1, 2, 3)), Ok((1, 2, 3)));
        assert_eq!(parse_record(&record(&MEMBER, 4, &[8; 16])), Ok((MEMBER, 4, [8; 16])));
        assert!(record(&MEMBER, 4, &[8; 16]).starts_with(&compartment_records(&MEMBER, 4)));
        assert_eq!(parse_leaf(&leaf(6)), Ok(6));
        assert_eq!(parse_tile(&tile(1, 2)), Ok((1, 2)));
        assert_eq!(parse_access(&access(&[1; 16], 2)), Ok(([1; 16], 2)));
    }

    #[test]
    fn keys_of_another_kind_or_length_are_refused() {
        assert!(parse_hold(&member(&MEMBER)).is_err());
        assert!(parse_leaf(&tile(0, 0)).is_err());
        let key = record(&MEMBER, 4, &[8; 16]);
        assert!(parse_record(&key[..33]).is_err());
        assert!(parse_record(&[key.as_slice(), &[0]].concat()).is_err());
        assert!(parse_member(&[]).is_err());
    }
}
