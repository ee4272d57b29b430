//! The identifiers of a whole batch: looked up, then entered. The kinds lie in different pages, so they are worked on
//! side by side; between the two steps the batch is decided in its order.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::crypto::IndexEntryPlace;
use crate::keyring::{IndexEdit, PageEdit};
use crate::types::{IdentifierKind, MemberId};

use super::{Error, Vault};

/// Where the identifiers of one member of the batch lie, most telling first; empty for a member that is out already.
pub(super) type Places = Vec<Place>;

/// Where one identifier lies.
pub(super) type Place = (IdentifierKind, IndexEntryPlace);

/// The index as one batch sees it.
pub(super) struct Register<'v> {
    vault: &'v Vault,
    kinds: Vec<OfKind<'v>>,
    /// Identifiers the batch itself has claimed so far.
    claimed: HashSet<(IdentifierKind, u32, [u8; 16])>,
}

/// The identifiers of one kind.
struct OfKind<'v> {
    kind: IdentifierKind,
    edit: IndexEdit<'v>,
    /// By position in the batch: who has the identifier already.
    holders: Vec<Option<MemberId>>,
}

/// Who has an identifier already.
pub(super) enum Holder {
    /// A member of the vault.
    Member(IdentifierKind, MemberId),
    /// A member earlier in the batch.
    Earlier(IdentifierKind),
}

impl<'v> Register<'v> {
    /// Looks up every identifier of the batch.
    pub(super) fn look_up<'p>(
        vault: &'v Vault,
        batch: impl ExactSizeIterator<Item = &'p [Place]> + Clone + Send + Sync,
    ) -> Result<Self, Error> {
        let look_up = |kind: &IdentifierKind| OfKind::look_up(vault, *kind, batch.clone());
        let kinds = IdentifierKind::ALL.par_iter().map(look_up).collect::<Result<_, _>>()?;
        Ok(Self { vault, kinds, claimed: HashSet::new() })
    }

    /// Claims the identifiers of the member at `position`, all of them or none.
    pub(super) fn claim(&mut self, position: usize, places: &[Place]) -> Result<(), Holder> {
        for (kind, place) in places {
            let of_kind = self.kinds.iter().find(|of| of.kind == *kind);
            let holder = of_kind.and_then(|of| of.holders.get(position).copied().flatten());
            if let Some(member) = holder {
                return Err(Holder::Member(*kind, member));
            }
            if self.claimed.contains(&(*kind, place.bucket, place.token)) {
                return Err(Holder::Earlier(*kind));
            }
        }
        self.claimed.extend(places.iter().map(|(kind, place)| (*kind, place.bucket, place.token)));
        Ok(())
    }

    /// Enters the identifiers of the members who claimed theirs, and seals the pages.
    pub(super) fn enter(self, members: &[(MemberId, &Places)]) -> Result<Vec<PageEdit>, Error> {
        let vault = self.vault;
        self.kinds.into_par_iter().map(|of| of.enter(vault, members)).collect()
    }
}

impl<'v> OfKind<'v> {
    fn look_up<'p>(
        vault: &'v Vault,
        kind: IdentifierKind,
        batch: impl ExactSizeIterator<Item = &'p [Place]>,
    ) -> Result<Self, Error> {
        let mut edit = vault.keyring().edit_index(vault.engine());
        let mut holders = Vec::with_capacity(batch.len());
        for places in batch {
            holders.push(match places.iter().find(|(of, _)| *of == kind) {
                Some((_, place)) => edit.find(kind, place)?,
                None => None,
            });
        }
        Ok(Self { kind, edit, holders })
    }

    fn enter(mut self, vault: &Vault, members: &[(MemberId, &Places)]) -> Result<PageEdit, Error> {
        for (member, places) in members {
            for (_, place) in places.iter().filter(|(of, _)| *of == self.kind) {
                self.edit.insert(self.kind, place, member)?;
            }
        }
        Ok(self.edit.finish(vault.entropy())?)
    }
}
