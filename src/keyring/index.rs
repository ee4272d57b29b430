//! The sealed index: from an identifier to its member, through fixed-size pages under erasable keys.
//!
//! An identifier has a place: a bucket and a token. A bucket is a chain of pages, nearly always of one. Looking up opens
//! the whole chain and compares with every slot in the same way, found or not.
//!
//! An [`IndexEdit`] is the pages one change works on: each is opened once, however many entries come and go, and sealed
//! once at the end. It relies on every page it looked at, also on those it did not change, because that an identifier is
//! free was learnt from all of them.
//!
//! The entries of a member that was erased stay in their pages until the seal that re-keys these, and count for nothing:
//! who looks one up finds nobody behind it, an edit takes its identifier for free and puts the new entry in its place.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::chain::{Chain, OpenPage};
use super::{Keyring, KeyringError, TreeKey, Unreadable};
use crate::codec::page::PAGES_MAX;
use crate::codec::{Page, Pieces, ResidueRow, RowStamp, rows};
use crate::crypto::{self, Entropy, IndexEntryPlace};
use crate::store::Reader;
use crate::tables;
use crate::types::place::{Bucket, PagePlace, Subtree};
use crate::types::{ErasureId, Identifier, IdentifierKind, MemberId};

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
    /// Pages from which the entry of an erased member went before the seal came to it.
    pub left: Vec<PageLeft>,
}

/// A page without the entry of an erased member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLeft {
    /// The erasure of the member.
    pub erasure: ErasureId,
    /// The key of the page.
    pub page: [u8; 6],
    /// By which bytes a file is known that holds the page with the entry.
    pub was: Pieces,
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

    /// The member with an identifier. Also one that was erased, until its entry goes with the seal: whoever asks looks for
    /// the member next.
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
        IndexEdit { keyring: self, reader, epoch: self.epoch(), chains, dirty, left: Vec::new() }
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
    left: Vec<PageLeft>,
}

impl IndexEdit<'_> {
    /// The member with this identifier, as the edit stands; nobody, if it was erased.
    pub fn find(&mut self, kind: IdentifierKind, place: &IndexEntryPlace) -> Result<Option<MemberId>, KeyringError> {
        let found = self.chain(kind, place.bucket)?.find(&place.token);
        let erased = found.map(|member| tables::fence::member(self.reader, &member)).transpose()?.flatten();
        Ok(found.filter(|_| erased.is_none()))
    }

    /// Enters an identifier for a member, if it is free.
    pub fn insert(
        &mut self,
        kind: IdentifierKind,
        place: &IndexEntryPlace,
        member: &MemberId,
    ) -> Result<Insertion, KeyringError> {
        match self.chain(kind, place.bucket)?.find(&place.token) {
            Some(other) if other == *member => return Ok(Insertion::Present),
            // A fence is never lifted, so that this stays so until the commit.
            Some(other) => match tables::fence::member(self.reader, &other)? {
                Some(erasure) => self.leave(kind, place, &other, erasure)?,
                None => return Ok(Insertion::Taken(other)),
            },
            None => {}
        }
        self.chain(kind, place.bucket)?.insert(&place.token, member).map(|()| Insertion::Done)
    }

    /// Removes the entry of an erased member, whose place another takes.
    fn leave(
        &mut self,
        kind: IdentifierKind,
        place: &IndexEntryPlace,
        member: &MemberId,
        erasure: ErasureId,
    ) -> Result<(), KeyringError> {
        let chain = self.chain(kind, place.bucket)?;
        let page = (0..PAGES_MAX).zip(&chain.pages).find(|(_, page)| page.page.find(&place.token) == Some(*member));
        let left = page.and_then(|(number, page)| page.pieces.map(|was| (number, was)));
        self.left.extend(left.map(|(number, was)| PageLeft {
            erasure,
            page: tables::page::key(kind.number(), place.bucket, number),
            was,
        }));
        self.remove(kind, place, member).map(|_removed| ())
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
        let Self { keyring, reader, epoch, chains, dirty, left } = self;
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
        Ok(PageEdit { pages, dirty: dirty.into_iter().collect(), epoch, left })
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
