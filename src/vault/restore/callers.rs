//! Callers whom an old image would let in again: by tokens and links that were revoked since, or past a freeze.
//!
//! The leaf of a revoked token names it, so it is revoked again. The leaves of links and freezes say that one was revoked
//! or set, and not which: their digests are of rows that are lost. So if the newer log has such a leaf, everybody is put on
//! the safe side, and the use of member data stops until people have looked. A freeze that was lifted again counts too,
//! for nobody can tell which one was lifted.

use super::tags::each_leaf;
use super::{Error, stale::Recovered};
use crate::codec::{Event, LeafKind};
use crate::store::Reader;
use crate::types::{FreezeScope, Role, TokenId};
use crate::vault::Vault;
use crate::vault::api::guard::NewFreeze;

const REASON: &str =
    "an old image was recovered: links were revoked or freezes set after it, and it knows nothing of that";

/// What the newer log says of callers.
#[derive(Default)]
pub(super) struct Callers {
    revoked: Vec<TokenId>,
    links_revoked_or_frozen: bool,
}

impl Callers {
    /// Reads the log from the end of the image on.
    pub(super) fn in_log(log: &dyn Reader, first: u64) -> Result<Self, Error> {
        let mut callers = Self::default();
        let kinds = [LeafKind::TokenRevoke, LeafKind::ShareRevoke, LeafKind::Freeze];
        each_leaf(log, first, &kinds, &mut |leaf| match leaf.event {
            Event::TokenRevoke(token, _) => callers.revoked.push(token),
            _ => callers.links_revoked_or_frozen = true,
        })?;
        Ok(callers)
    }

    /// Shuts out whom the log says, or may say, was shut out.
    pub(super) fn settle(self, vault: &Vault, done: &mut Recovered) -> Result<(), Error> {
        let admin = vault.local(Role::Admin)?;
        for token in &self.revoked {
            // Tokens that came after the image are not in it, and others have ended.
            if vault.live_actor(token).is_some() {
                vault.revoke_token(&admin, token).wait()?;
                done.tokens_revoked += 1;
            }
        }
        if self.links_revoked_or_frozen {
            let freeze = NewFreeze { scope: FreezeScope::All, reason: REASON.to_owned() };
            vault.set_freeze(&vault.local(Role::Compliance)?, &freeze).wait()?;
            done.frozen = true;
        }
        Ok(())
    }
}
