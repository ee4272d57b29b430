//! Members of whom the log says more than an old image knows: that a consent, an objection or a restriction of theirs was
//! changed since, but not what.
//!
//! The log names none of them. Yet the reference in such a leaf is made from the commitment beside it by a key of the
//! member, and the keys are there again: each member is held against each leaf that nobody was found for. A member that is
//! found is put on the safe side, by code of `consent`: what it agreed to is set aside where a consent changed, its data
//! are restricted where anything else it said did. Nothing is taken from anybody else.
//!
//! The cost is one HMAC for each pair of a leaf of the one kind and a member who agrees to something, or a leaf of the
//! other kind and a member who has restricted nothing.

use std::cell::RefCell;

use super::tags::each_leaf;
use super::{Error, stale::Recovered};
use crate::codec::{Event, LeafKind};
use crate::crypto::Key;
use crate::keyring::MemberBody;
use crate::store::Reader;
use crate::types::place::Note;
use crate::types::{MemberId, Role};
use crate::vault::Vault;
use crate::vault::consent::Doubt;

/// What a leaf says of the member that it does not name.
struct Mention {
    reference: [u8; 16],
    detail: [u8; 32],
}

/// The leaves that an old image does not know, by what they put in doubt, as far as nobody was found for them; and whom
/// was found.
#[derive(Default)]
pub(super) struct Unsettled {
    consents: RefCell<Vec<Mention>>,
    stances: RefCell<Vec<Mention>>,
    found: RefCell<Vec<(MemberId, Doubt)>>,
}

impl Unsettled {
    /// Reads the log from the end of the image on.
    pub(super) fn in_log(log: &dyn Reader, first: u64) -> Result<Self, Error> {
        let (mut consents, mut stances) = (Vec::new(), Vec::new());
        each_leaf(log, first, &[LeafKind::ConsentChange, LeafKind::StandingChange], &mut |leaf| match leaf.event {
            Event::ConsentChange(detail) => consents.push(Mention { reference: leaf.reference, detail }),
            Event::StandingChange(detail) => stances.push(Mention { reference: leaf.reference, detail }),
            _ => {}
        })?;
        if !consents.is_empty() || !stances.is_empty() {
            let (consents, stances) = (consents.len(), stances.len());
            tracing::info!(consents, stances, "looking whose consents and objections changed after the image");
        }
        Ok(Self { consents: consents.into(), stances: stances.into(), found: RefCell::default() })
    }

    /// Looks for a member whose keys are open. Who has nothing to lose is not looked for.
    pub(super) fn examine(&self, member: &MemberId, body: &MemberBody) {
        let agrees = body.standing.purposes().iter().any(|one| one.consent.is_some());
        let doubts =
            [(agrees, &self.consents, Doubt::Consents), (!body.standing.restricted, &self.stances, Doubt::Stances)];
        let note = body.mk.notes().note;
        for (at_stake, mentions, doubt) in doubts {
            if at_stake && strike_out(&note, &mut mentions.borrow_mut()) {
                self.found.borrow_mut().push((*member, doubt));
            }
        }
    }

    /// Puts those on the safe side who were found, and are there still.
    pub(super) fn settle(self, vault: &Vault, done: &mut Recovered) -> Result<(), Error> {
        let ctx = vault.local(Role::Compliance)?;
        for (member, doubt) in self.found.into_inner() {
            let changed = match vault.set_aside(&ctx, &member, doubt) {
                // Erased again a moment ago.
                Err(Error::Denied(_)) => continue,
                other => other?,
            };
            let count = match doubt {
                Doubt::Consents => &mut done.consents_set_aside,
                Doubt::Stances => &mut done.restricted,
            };
            *count += u32::from(changed);
        }
        Ok(())
    }
}

/// Strikes out the leaves that were made with this key; whether there were any.
fn strike_out(note: &Key<Note>, mentions: &mut Vec<Mention>) -> bool {
    let before = mentions.len();
    mentions.retain(|mention| note.leaf_ref(&mention.detail) != mention.reference);
    mentions.len() < before
}
