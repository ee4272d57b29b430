//! The body of an index page, always 2052 bytes: `1 | continues u8 | count u16 | 64 slots x (token 16 | member 16)`.
//!
//! Used slots come first, free ones are zero. The size says nothing about how many entries there are. Pages of one
//! bucket form a chain: `continues` says that the next page exists.

use super::reader::{Reader, is_zero};
use super::{CodecError, Plaintext};
use crate::types::MemberId;

const WHAT: &str = "index page";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 4;
const SLOT_LEN: usize = 32;

/// Entries of one page.
pub const PAGE_SLOTS: usize = 64;
/// Bytes of a page's body.
pub const PAGE_LEN: usize = HEADER_LEN + PAGE_SLOTS * SLOT_LEN;
/// Pages of one bucket.
pub const PAGES_MAX: u8 = u8::MAX;

/// A page, kept as the bytes it is stored as.
pub struct Page(Plaintext);

impl Page {
    /// An empty page, the last of its bucket.
    pub fn empty() -> Self {
        let mut body = Plaintext::with_capacity(PAGE_LEN);
        body.extend(&[VERSION]);
        body.pad_to(PAGE_LEN);
        Self(body)
    }

    /// Reads the body of a page.
    pub fn parse(body: Plaintext) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, body.bytes(), VERSION)?;
        if reader.u8()? > 1 {
            return Err(reader.invalid("continues"));
        }
        let count = usize::from(reader.u16()?);
        if count > PAGE_SLOTS {
            return Err(reader.invalid("count"));
        }
        reader.take(count.saturating_mul(SLOT_LEN))?;
        let free = reader.take(PAGE_SLOTS.saturating_sub(count).saturating_mul(SLOT_LEN))?;
        if !is_zero(free) {
            return Err(reader.invalid("free slots"));
        }
        reader.finish().map(|()| Self(body))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match self.0.bytes() {
            [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no entry fits any more.
    pub fn is_full(&self) -> bool {
        self.len() >= PAGE_SLOTS
    }

    /// Whether the bucket has a page after this one.
    pub fn continues(&self) -> bool {
        self.0.bytes().get(1) == Some(&1)
    }

    /// Says whether the bucket has a page after this one.
    pub fn set_continues(&mut self, continues: bool) {
        if let Some(byte) = self.0.bytes_mut().get_mut(1) {
            *byte = u8::from(continues);
        }
    }

    /// The entries, as token and member.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8; 16], MemberId)> {
        let slots = self.0.bytes().get(HEADER_LEN..).unwrap_or_default().chunks_exact(SLOT_LEN);
        slots.take(self.len()).filter_map(|slot| {
            let (token, rest) = slot.split_first_chunk::<16>()?;
            rest.first_chunk().map(|member| (token, MemberId::from_bytes(*member)))
        })
    }

    /// The member behind a token.
    pub fn find(&self, token: &[u8; 16]) -> Option<MemberId> {
        self.entries().find(|(entry, _)| *entry == token).map(|(_, member)| member)
    }

    /// Adds an entry. `false` if the page is full.
    pub fn insert(&mut self, token: &[u8; 16], member: &MemberId) -> bool {
        let count = self.len();
        let Some(slot) = self.slots_mut().nth(count) else { return false };
        if let Some((to_token, to_member)) = slot.split_first_chunk_mut::<16>() {
            *to_token = *token;
            to_member.copy_from_slice(member.as_bytes());
        }
        self.set_len(count.saturating_add(1));
        true
    }

    /// Removes an entry; the last one takes its slot. `false` if there is no such entry.
    pub fn remove(&mut self, token: &[u8; 16], member: &MemberId) -> bool {
        let found = self.entries().position(|(entry, of)| entry == token && of == *member);
        let (Some(gap), Some(last)) = (found, self.len().checked_sub(1)) else { return false };
        let mut moved = [0; SLOT_LEN];
        if let Some(slot) = self.slots_mut().nth(last) {
            moved.copy_from_slice(slot);
            slot.fill(0);
        }
        if gap != last
            && let Some(slot) = self.slots_mut().nth(gap)
        {
            slot.copy_from_slice(&moved);
        }
        self.set_len(last);
        true
    }

    /// Removes every entry of a member. How many there were.
    pub fn expel(&mut self, member: &MemberId) -> usize {
        let tokens: Vec<_> = self.entries().filter(|(_, of)| of == member).map(|(token, _)| *token).collect();
        tokens.iter().filter(|token| self.remove(token, member)).count()
    }

    /// The bytes to seal.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    fn slots_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.0.bytes_mut().get_mut(HEADER_LEN..).unwrap_or_default().chunks_exact_mut(SLOT_LEN)
    }

    fn set_len(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or_default().to_be_bytes();
        if let Some(bytes) = self.0.bytes_mut().get_mut(2..HEADER_LEN) {
            bytes.copy_from_slice(&count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u8) -> MemberId {
        MemberId::from_bytes([number; 16])
    }

    #[test]
    fn entries_come_and_go() {
        let mut page = Page::empty();
        for number in 0..64 {
            assert!(page.insert(&[number; 16], &member(number)), "{number}");
        }
        assert!(page.is_full() && !page.insert(&[64; 16], &member(64)));
        assert_eq!(page.find(&[63; 16]), Some(member(63)));
        assert_eq!(page.find(&[64; 16]), None);
        assert!(page.remove(&[0; 16], &member(0)) && page.remove(&[62; 16], &member(62)));
        assert!(!page.remove(&[0; 16], &member(0)) && !page.remove(&[1; 16], &member(2)));
        assert_eq!((page.len(), page.find(&[63; 16]), page.find(&[0; 16])), (62, Some(member(63)), None));
        page.set_continues(true);
        let read = Page::parse(Plaintext::from_vec(page.expose().to_vec())).unwrap();
        assert!(read.continues() && read.entries().eq(page.entries()));
    }

    #[test]
    fn removing_the_last_entry_leaves_an_empty_page() {
        let mut page = Page::empty();
        page.insert(&[1; 16], &member(1));
        page.remove(&[1; 16], &member(1));
        assert!(page.is_empty());
        assert_eq!(page.expose(), Page::empty().expose());
    }

    #[test]
    fn every_page_has_the_same_size_and_clean_free_slots() {
        let empty = Page::empty().expose().to_vec();
        assert_eq!(empty.len(), 2052);
        for (at, value) in [(0, 2), (1, 2), (2, 1), (2051, 1)] {
            let mut bytes = empty.clone();
            bytes[at] = value;
            assert!(Page::parse(Plaintext::from_vec(bytes)).is_err(), "{at}");
        }
        assert!(Page::parse(Plaintext::from_vec(empty[..2051].to_vec())).is_err());
        assert!(Page::parse(Plaintext::from_vec([empty.as_slice(), &[0]].concat())).is_err());
    }
}
