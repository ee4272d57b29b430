//! The sealed index: from an identifier to its member, through fixed-size pages under erasable keys.
//!
//! An identifier has a place: a bucket and a token. A bucket is a chain of pages, nearly always of one. Looking up opens
//! the whole chain and compares with every slot in the same way, found or not.
//!
//! An [`IndexEdit`] is the pages one change works on: each is opened once, however many entries come and go, and sealed
//! once at the end. It relies on every page it looked at, also on those it did not change, because that an identifier is
//! free was learnt from all of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::hint::black_box;

use super::{Keyring, KeyringError, TreeKey, Unreadable};
use crate::codec::page::PAGES_MAX;
use crate::codec::{Page, Pieces, ResidueRow, RowStamp, rows};
use crate::crypto::{self, ENVELOPE_OVERHEAD, Entropy, IndexEntryPlace, equal_constant_time};
use crate::store::Reader;
use crate::tables;
use crate::types::place::{Bucket, PagePlace, Subtree};
use crate::types::{Identifier, IdentifierKind, MemberId};

/// Buckets one edit may hold open, two kilobytes each: an import of some thousand members at a time.
pub const EDIT_BUCKETS_MAX: usize = 16 * 1024;

/// What became of an entry that was to be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It is in the edit now.
    Done,
    /// The same entry was there.
    Present,
    /// The identifier belongs to this member.
    Taken(MemberId),
}

/// One page an edit looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct PageChange {
    /// Its key in the index keyspace.
    pub key: [u8; 6],
    /// What the edit saw there; `None` for no page.
    pub was: Option<RowStamp>,
    /// By which bytes a file is known that holds what the edit saw there.
    pub pieces: Option<Pieces>,
    /// The new row; `None` where the edit only looked.
    pub row: Option<Vec<u8>>,
}

/// What an edit comes to: rows for a change to rely on and to write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageEdit {
    /// The pages, in the order of their keys.
    pub pages: Vec<PageChange>,
    /// The leaves of the tree whose pages lost an entry. Until they are re-keyed, an old copy of the page still shows it.
    pub dirty: Vec<(Subtree, u32)>,
    /// The epoch of the tree when the edit began: whoever writes the pages relies on it, for a bucket may be re-keyed
    /// before its first page is there to tell.
    pub epoch: u64,
}

impl Keyring {
    /// Where an identifier lies.
    pub fn index_place(&self, identifier: &Identifier) -> IndexEntryPlace {
        let [email, phone, external_id] = &self.secrets.index;
        let keys = match identifier.kind() {
            IdentifierKind::Email => email,
            IdentifierKind::Phone => phone,
            IdentifierKind::ExternalId => external_id,
        };
        keys.place(identifier.normal(), self.shape.buckets(identifier.kind()))
    }

    /// The member with an identifier.
    pub fn find(&self, reader: &dyn Reader, identifier: &Identifier) -> Result<Option<MemberId>, KeyringError> {
        let place = self.index_place(identifier);
        Ok(self.open_chain(reader, identifier.kind(), place.bucket)?.find(&place.token))
    }

    /// The members one bucket names, each as often as it does.
    pub fn members_in(
        &self,
        reader: &dyn Reader,
        kind: IdentifierKind,
        bucket: u32,
    ) -> Result<Vec<MemberId>, KeyringError> {
        let chain = self.open_chain(reader, kind, bucket)?;
        Ok(chain.pages.iter().flat_map(|page| page.page.entries()).map(|(_, member)| member).collect())
    }

    /// The entries of one bucket.
    pub fn entries_in(
        &self,
        reader: &dyn Reader,
        kind: IdentifierKind,
        bucket: u32,
    ) -> Result<Vec<([u8; 16], MemberId)>, KeyringError> {
        let chain = self.open_chain(reader, kind, bucket)?;
        Ok(chain.pages.iter().flat_map(|page| page.page.entries()).map(|(token, member)| (*token, member)).collect())
    }

    /// The buckets of one field that name a member: opens every page there is. For the rare case that a member's own
    /// record of its identifiers cannot be read.
    pub fn buckets_naming(
        &self,
        reader: &dyn Reader,
        kind: IdentifierKind,
        member: &MemberId,
    ) -> Result<BTreeSet<u32>, KeyringError> {
        let mut found = BTreeSet::new();
        let mut after = None;
        loop {
            let chunk = tables::page::keys(reader, kind.number(), after, tables::SCAN_ROWS_MAX)?;
            for (_, bucket, page) in &chunk.items {
                // The chain is opened with its first page.
                if *page == 0 && self.open_chain(reader, kind, *bucket)?.names(member) {
                    found.insert(*bucket);
                }
            }
            after = chunk.items.last().copied().filter(|_| chunk.more);
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Begins an edit of the index as `reader` sees it.
    pub fn edit_index<'a>(&'a self, reader: &'a dyn Reader) -> IndexEdit<'a> {
        let (chains, dirty) = (BTreeMap::new(), BTreeSet::new());
        IndexEdit { keyring: self, reader, epoch: self.epoch(), chains, dirty }
    }

    fn open_chain(&self, reader: &dyn Reader, kind: IdentifierKind, bucket: u32) -> Result<Chain, KeyringError> {
        // A step of the walk, so that rows and key are of one epoch.
        self.walk(|epoch| {
            let key = epoch.bucket(reader, &self.vault, self.shape.index(kind), bucket)?;
            self.open_pages(reader, kind, bucket, &key)
        })
    }

    fn open_pages(
        &self,
        reader: &dyn Reader,
        kind: IdentifierKind,
        bucket: u32,
        key: &TreeKey<Bucket>,
    ) -> Result<Chain, KeyringError> {
        let field = kind.number();
        let mut pages = Vec::with_capacity(1);
        for number in 0..PAGES_MAX {
            let unreadable = |source| KeyringError::PageUnreadable { field, bucket, page: number, source };
            let page = match tables::page::row(reader, field, bucket, number)? {
                None if number == 0 => OpenPage::empty(),
                None => return Err(unreadable(Unreadable::Missing)),
                Some(row) => {
                    let place = PagePlace { vault: self.vault(), field, bucket, page: number };
                    let page = open_page(key, &place, &row).map_err(unreadable)?;
                    let pieces = ResidueRow::pieces_of(rows::sealed(&row).unwrap_or_default());
                    OpenPage { page, was: Some(RowStamp::of(&row)), pieces, changed: false }
                }
            };
            let last = !page.page.continues();
            pages.push(page);
            if last {
                return Ok(Chain { pages });
            }
        }
        let source = Unreadable::Shape; // the last page possible says that one follows
        Err(KeyringError::PageUnreadable { field, bucket, page: PAGES_MAX, source })
    }
}

fn open_page(key: &TreeKey<Bucket>, place: &PagePlace<'_>, row: &[u8]) -> Result<Page, Unreadable> {
    Ok(Page::parse(crypto::open(key, place, rows::sealed(row)?)?)?)
}

/// The pages of the buckets one change works on.
pub struct IndexEdit<'a> {
    keyring: &'a Keyring,
    reader: &'a dyn Reader,
    epoch: u64,
    chains: BTreeMap<(IdentifierKind, u32), Chain>,
    dirty: BTreeSet<(Subtree, u32)>,
}

impl IndexEdit<'_> {
    /// The member with this identifier, as the edit stands.
    pub fn find(&mut self, kind: IdentifierKind, place: &IndexEntryPlace) -> Result<Option<MemberId>, KeyringError> {
        Ok(self.chain(kind, place.bucket)?.find(&place.token))
    }

    /// Enters an identifier for a member, if it is free.
    pub fn insert(
        &mut self,
        kind: IdentifierKind,
        place: &IndexEntryPlace,
        member: &MemberId,
    ) -> Result<Insertion, KeyringError> {
        let chain = self.chain(kind, place.bucket)?;
        match chain.find(&place.token) {
            Some(other) if other == *member => Ok(Insertion::Present),
            Some(other) => Ok(Insertion::Taken(other)),
            None => chain.insert(&place.token, member).map(|()| Insertion::Done),
        }
    }

    /// Removes the entry of an identifier, if it is this member's. Whether it was.
    pub fn remove(
        &mut self,
        kind: IdentifierKind,
        place: &IndexEntryPlace,
        member: &MemberId,
    ) -> Result<bool, KeyringError> {
        let removed = self.chain(kind, place.bucket)?.remove(&place.token, member);
        if removed {
            self.dirty.insert((Subtree(kind.number()), place.bucket));
        }
        Ok(removed)
    }

    /// Removes every entry of a member from one bucket; see [`Keyring::buckets_naming`]. How many there were.
    pub fn expel(&mut self, kind: IdentifierKind, bucket: u32, member: &MemberId) -> Result<usize, KeyringError> {
        let removed = self.chain(kind, bucket)?.expel(member);
        if removed > 0 {
            self.dirty.insert((Subtree(kind.number()), bucket));
        }
        Ok(removed)
    }

    /// Seals what was changed. Each changed page is sealed once.
    pub fn finish(self, entropy: &dyn Entropy) -> Result<PageEdit, KeyringError> {
        let Self { keyring, reader, epoch, chains, dirty } = self;
        let mut pages = Vec::new();
        for ((kind, bucket), chain) in &chains {
            // Opened before, so the key is most likely still at hand.
            let key = keyring.bucket_key(reader, *kind, *bucket)?;
            for (page, number) in chain.pages.iter().zip(0..PAGES_MAX) {
                let place = PagePlace { vault: keyring.vault(), field: kind.number(), bucket: *bucket, page: number };
                let row = if page.changed { Some(page.seal(keyring, &key, &place, entropy)?) } else { None };
                pages.push(PageChange {
                    key: tables::page::key(place.field, *bucket, number),
                    was: page.was,
                    pieces: page.pieces,
                    row,
                });
            }
        }
        Ok(PageEdit { pages, dirty: dirty.into_iter().collect(), epoch })
    }

    fn chain(&mut self, kind: IdentifierKind, bucket: u32) -> Result<&mut Chain, KeyringError> {
        use std::collections::btree_map::Entry;
        let open = self.chains.len();
        match self.chains.entry((kind, bucket)) {
            Entry::Occupied(chain) => Ok(chain.into_mut()),
            Entry::Vacant(_) if open >= EDIT_BUCKETS_MAX => {
                Err(KeyringError::EditTooLarge { buckets_max: EDIT_BUCKETS_MAX })
            }
            Entry::Vacant(place) => Ok(place.insert(self.keyring.open_chain(self.reader, kind, bucket)?)),
        }
    }
}

/// The pages of one bucket, opened. There is always at least one.
struct Chain {
    pages: Vec<OpenPage>,
}

struct OpenPage {
    page: Page,
    was: Option<RowStamp>,
    pieces: Option<Pieces>,
    changed: bool,
}

impl OpenPage {
    /// One that is not there yet.
    fn empty() -> Self {
        Self { page: Page::empty(), was: None, pieces: None, changed: false }
    }

    fn seal(
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
    fn find(&self, token: &[u8; 16]) -> Option<MemberId> {
        let mut found = [0u8; MemberId::LEN];
        let mut hits = 0u8;
        for (entry, member) in self.pages.iter().flat_map(|page| page.page.entries()) {
            let hit = u8::from(black_box(equal_constant_time(entry, token))) & !hits;
            let mask = hit.wrapping_neg();
            found.iter_mut().zip(member.as_bytes()).for_each(|(to, from)| *to |= from & mask);
            hits |= hit;
        }
        (hits == 1).then(|| MemberId::from_bytes(found))
    }

    fn names(&self, member: &MemberId) -> bool {
        self.pages.iter().flat_map(|page| page.page.entries()).any(|(_, of)| of == *member)
    }

    fn insert(&mut self, token: &[u8; 16], member: &MemberId) -> Result<(), KeyringError> {
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

    fn remove(&mut self, token: &[u8; 16], member: &MemberId) -> bool {
        let hit = self.pages.iter_mut().find_map(|page| page.page.remove(token, member).then_some(page));
        // Pages left empty stay: a chain never gets shorter, so nothing tells how long it once had to be.
        hit.map(|page| page.changed = true).is_some()
    }

    fn expel(&mut self, member: &MemberId) -> usize {
        let mut removed = 0;
        for page in &mut self.pages {
            let tokens: Vec<_> = page.page.entries().filter(|(_, of)| of == member).map(|(token, _)| *token).collect();
            for token in tokens {
                removed += usize::from(page.page.remove(&token, member));
                page.changed = true;
            }
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
