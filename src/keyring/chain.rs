//! The pages of one bucket, opened: searched and edited as one. Reads and writes no row; the index does.

use std::hint::black_box;

use super::{Keyring, KeyringError, TreeKey};
use crate::codec::page::PAGES_MAX;
use crate::codec::{Page, Pieces, RowStamp, rows};
use crate::crypto::{self, ENVELOPE_OVERHEAD, Entropy};
use crate::types::MemberId;
use crate::types::place::{Bucket, PagePlace};

/// The pages of one bucket. There is always at least one.
pub(super) struct Chain {
    pub(super) pages: Vec<OpenPage>,
}

/// One of them, and the row it was read from.
pub(super) struct OpenPage {
    pub(super) page: Page,
    pub(super) was: Option<RowStamp>,
    pub(super) pieces: Option<Pieces>,
    pub(super) changed: bool,
}

impl OpenPage {
    /// One that is not there yet.
    pub(super) fn empty() -> Self {
        Self { page: Page::empty(), was: None, pieces: None, changed: false }
    }

    pub(super) fn seal(
        &self,
        keyring: &Keyring,
        key: &TreeKey<Bucket>,
        place: &PagePlace<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let plain = self.page.expose();
        let mut row = rows::begin_sealed(plain.len().saturating_add(ENVELOPE_OVERHEAD));
        crypto::seal_into(keyring.suite(), key, place, plain, entropy, &mut row)?;
        Ok(row)
    }
}

impl Chain {
    /// Compares with every entry, whether or not one was found before: the time does not tell where, or whether.
    pub(super) fn find(&self, token: &[u8; 16]) -> Option<MemberId> {
        let wanted = u128::from_ne_bytes(*token);
        let (mut found, mut hits) = (0, 0u128);
        for (entry, member) in self.pages.iter().flat_map(|page| page.page.entries()) {
            let hit = mask_if_zero(u128::from_ne_bytes(*entry) ^ wanted) & !hits;
            found |= u128::from_ne_bytes(*member.as_bytes()) & hit;
            hits |= hit;
        }
        (black_box(hits) != 0).then(|| MemberId::from_bytes(black_box(found).to_ne_bytes()))
    }

    pub(super) fn names(&self, member: &MemberId) -> bool {
        self.pages.iter().flat_map(|page| page.page.entries()).any(|(_, of)| of == *member)
    }

    pub(super) fn insert(&mut self, token: &[u8; 16], member: &MemberId) -> Result<(), KeyringError> {
        if let Some(page) = self.pages.iter_mut().find(|page| !page.page.is_full()) {
            page.page.insert(token, member);
            page.changed = true;
            return Ok(());
        }
        if self.pages.len() >= usize::from(PAGES_MAX) {
            return Err(KeyringError::IndexFull);
        }
        if let Some(last) = self.pages.last_mut() {
            last.page.set_continues(true);
            last.changed = true;
        }
        let mut next = OpenPage { changed: true, ..OpenPage::empty() };
        next.page.insert(token, member);
        self.pages.push(next);
        Ok(())
    }

    pub(super) fn remove(&mut self, token: &[u8; 16], member: &MemberId) -> bool {
        let hit = self.pages.iter_mut().find_map(|page| page.page.remove(token, member).then_some(page));
        // Pages left empty stay: a chain never gets shorter, so nothing tells how long it once had to be.
        hit.map(|page| page.changed = true).is_some()
    }

    pub(super) fn expel(&mut self, member: &MemberId) -> usize {
        let mut removed = 0;
        for page in &mut self.pages {
            let of_page = page.page.expel(member);
            page.changed |= of_page > 0;
            removed += of_page;
        }
        removed
    }
}

/// All ones for zero, all zeros for anything else; without a branch.
const fn mask_if_zero(number: u128) -> u128 {
    let top_bit = (number | number.wrapping_neg()) >> (u128::BITS - 1);
    top_bit.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_all_ones_for_zero_alone() {
        assert_eq!(mask_if_zero(0), u128::MAX);
        for bit in 0..u128::BITS {
            assert_eq!((mask_if_zero(1 << bit), mask_if_zero(u128::MAX << bit)), (0, 0), "{bit}");
        }
    }

    #[test]
    fn a_bucket_takes_255_pages_and_no_more() {
        let mut chain = Chain { pages: vec![OpenPage::empty()] };
        let token = |number: u16| [&number.to_be_bytes()[..], &[1; 14]].concat().try_into().unwrap();
        let member = MemberId::from_bytes([3; 16]);
        let places = 255 * 64;
        (0..places).for_each(|number| chain.insert(&token(number), &member).unwrap());
        assert_eq!(chain.pages.len(), 255);
        assert!(matches!(chain.insert(&token(places), &member), Err(KeyringError::IndexFull)));
        assert!(chain.pages.iter().rev().skip(1).all(|page| page.page.continues()));
        assert!(chain.remove(&token(7), &member));
        assert!(chain.insert(&token(places), &member).is_ok(), "the freed slot is used");
        assert_eq!(chain.find(&token(places)), Some(member));
        assert_eq!(chain.find(&token(7)), None);
        assert_eq!(chain.expel(&member), usize::from(places));
        assert_eq!(chain.pages.len(), 255, "a chain never gets shorter");
    }
}
