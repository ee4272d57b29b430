//! Callers whom an old image would let in again: by tokens and links that were revoked since, or past a freeze.
//!
//! The leaves of these say that something was revoked or frozen, and not what; their references are made by keys of the
//! vault, not of members, and the rows they belong to are lost. So if the newer log has such a leaf, everybody is put on
//! the safe side: no token of the image is good any more, or the use of member data stops for all, until people have
//! looked. A freeze that was lifted again counts too, for nobody can tell which one was lifted.

use super::tags::each_leaf;
use super::{Error, stale::Recovered};
use crate::codec::LeafKind;
use crate::store::Reader;
use crate::types::{Ctx, FreezeScope, Role};
use crate::vault::Vault;
use crate::vault::api::guard::NewFreeze;

const REASON: &str =
    "an old image was recovered: links were revoked or freezes set after it, and it knows nothing of that";

/// What the newer log says of callers.
#[derive(Clone, Copy, Default)]
pub(super) struct Callers {
    tokens_revoked: bool,
    links_revoked_or_frozen: bool,
}

impl Callers {
    /// Reads the log from the end of the image on.
    pub(super) fn in_log(log: &dyn Reader, first: u64) -> Result<Self, Error> {
        let mut callers = Self::default();
        each_leaf(log, first, &[LeafKind::TokenRevoke], &mut |_| callers.tokens_revoked = true)?;
        let stops = [LeafKind::ShareRevoke, LeafKind::Freeze];
        each_leaf(log, first, &stops, &mut |_| callers.links_revoked_or_frozen = true)?;
        Ok(callers)
    }

    /// Shuts whom the log gives reason to shut out.
    pub(super) fn settle(self, vault: &Vault, done: &mut Recovered) -> Result<(), Error> {
        if self.tokens_revoked {
            done.tokens_revoked = revoke_all(vault, &vault.local(Role::Admin)?)?;
        }
        if self.links_revoked_or_frozen {
            let freeze = NewFreeze { scope: FreezeScope::All, reason: REASON.to_owned() };
            vault.set_freeze(&vault.local(Role::Compliance)?, &freeze).wait()?;
            done.frozen = true;
        }
        Ok(())
    }
}

/// Revokes every token that is good. How many there were.
fn revoke_all(vault: &Vault, ctx: &Ctx) -> Result<u32, Error> {
    let mut count = 0;
    for token in vault.tokens().infos() {
        if vault.live_actor(&token.id).is_some() {
            vault.revoke_token(ctx, &token.id).wait()?;
            count += 1;
        }
    }
    Ok(count)
}
