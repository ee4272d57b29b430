//! Holders of the keyring: directories, on other disks or hosts, that keep a copy of it.
//!
//! Every copy of an old keyring opens what was erased since, so holders are registered: an erasure is sealed only when
//! each of them has dropped the old root. One that is gone for good is revoked, and named on every certificate for
//! which its copy matters. A copy nobody registered is what a certificate cannot know of.

use crate::codec::event::HolderChange;
use crate::codec::keyring::HOLDERS_MAX;
use crate::codec::{Event, ResidualRow};
use crate::keyring::{Holder, KeyringBody};
use crate::ledger::{Change, Durability};
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, HolderName};

use super::act::{Act, Prepared};
use super::pipeline::Case;
use super::{Error, Vault};

/// A holder, and whether its copy is up to date.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HolderInfo {
    /// What the operator calls it.
    pub name: HolderName,
    /// Its directory.
    pub directory: std::path::PathBuf,
    /// Whether it holds what the keyring holds, and nothing older.
    pub current: bool,
}

impl Vault {
    /// The registered holders. Brings those that can be reached up to date.
    ///
    /// # Errors
    /// A denial of the policy; if the keyring cannot be read.
    pub fn holders(&self, ctx: &Ctx) -> Result<Vec<HolderInfo>, Error> {
        self.may(ctx, Action::StatusRead)?;
        let _turn = self.seals().turn.lock();
        let body = self.seals().slot().read()?;
        let away = self.share_with_holders(&body);
        let info = |holder: Holder| HolderInfo {
            current: !away.contains(&holder.name),
            name: holder.name,
            directory: holder.directory,
        };
        Ok(body.holders.into_iter().map(info).collect())
    }

    /// Registers a holder and gives it its copy.
    ///
    /// # Errors
    /// `already_exists` for a name or a directory that is taken, or where a file lies already; `limit_reached`; a denial.
    pub fn add_holder(&self, ctx: &Ctx, holder: Holder) -> Result<(), Error> {
        self.may(ctx, Action::KeyringChange)?;
        let _turn = self.seals().turn.lock();
        let mut body = self.seals().slot().read()?;
        if body.holders.iter().any(|known| known.name == holder.name || known.directory == holder.directory) {
            return Err(Error::Mismatch {
                code: crate::code::Code::AlreadyExists,
                problem: "there is a holder of this name, or in this directory, already",
            });
        }
        if body.holders.len() >= HOLDERS_MAX {
            return Err(Error::LimitReached { limit: "a keyring has at most 16 holders" });
        }
        // Registered first: a copy that nobody knows of would be worse than a holder without a copy.
        body.holders.push(holder.clone());
        self.seals().slot().replace(&body, self.entropy())?;
        if let Err(error) = self.seals().slot().enroll(&holder) {
            body.holders.retain(|known| known.name != holder.name);
            self.register(&body)?;
            return Err(error.into());
        }
        self.share_with_holders(&body);
        self.log_holder(ctx, HolderChange::Added, &holder.name, None)
    }

    /// Removes a holder's copy and forgets the holder.
    ///
    /// # Errors
    /// `holder_away` where its copy cannot be found; `not_found`; a denial.
    pub fn remove_holder(&self, ctx: &Ctx, name: &HolderName) -> Result<(), Error> {
        self.may(ctx, Action::KeyringChange)?;
        let _turn = self.seals().turn.lock();
        let (body, holder) = self.without(name)?;
        self.seals().slot().dismiss(&holder)?;
        self.register(&body)?;
        self.log_holder(ctx, HolderChange::Removed, name, None)
    }

    /// Gives up a holder that is away. Its copy may still lead to the trees up to now: certificates say so from now on.
    ///
    /// # Errors
    /// `not_found`; a denial.
    pub fn revoke_holder(&self, ctx: &Ctx, name: &HolderName) -> Result<(), Error> {
        self.may(ctx, Action::KeyringChange)?;
        let _turn = self.seals().turn.lock();
        let (body, _) = self.without(name)?;
        let residual = ResidualRow { epoch: self.keyring().epoch(), revoked: self.now() };
        // Written down first: an erasure must not be sealed as if this holder had never been.
        self.log_holder(ctx, HolderChange::Revoked, name, Some(residual))?;
        self.register(&body)
    }

    fn without(&self, name: &HolderName) -> Result<(KeyringBody, Holder), Error> {
        let mut body = self.seals().slot().read()?;
        let at = body.holders.iter().position(|holder| holder.name == *name).ok_or_else(Error::not_found)?;
        let holder = body.holders.remove(at);
        Ok((body, holder))
    }

    fn register(&self, body: &KeyringBody) -> Result<(), Error> {
        self.seals().slot().replace(body, self.entropy())?;
        self.share_with_holders(body);
        Ok(())
    }

    fn log_holder(
        &self,
        ctx: &Ctx,
        change: HolderChange,
        name: &HolderName,
        residual: Option<ResidualRow>,
    ) -> Result<(), Error> {
        let mut logged: Change = self.event(ctx, Event::Holder { change, name: name.clone() }, self.now());
        if let Some(row) = residual {
            logged.put(tables::residual::KEYSPACE, tables::residual::key(name), row.encode());
        }
        self.ledger().submit(logged, Durability::Synced).wait()?;
        Ok(())
    }

    /// Asks the policy about something that is about no member; a denial is in the ledger before it is answered.
    pub(crate) fn may(&self, ctx: &Ctx, action: Action) -> Result<(), Error> {
        let allowed = Act::new(self, move || {
            Case::open(self, ctx).decide_plain(action)?;
            Ok(Prepared::unlogged(()))
        });
        allowed.wait()
    }
}
