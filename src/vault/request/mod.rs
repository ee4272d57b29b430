//! Members' requests for their rights, with a clock: opened, checked, perhaps extended and approved, and carried out or
//! refused; every step a durable commit with its evidence.
//!
//! A request is a control row that names the member by its random id. What was said in words is sealed within it under
//! the member's own keys, so it dies with the member, and the rest stays as evidence. Erasing a member settles its
//! requests in the same commit (`Vault::settle_requests`), so no request is open about somebody who is gone.
//!
//! What this room of the vault must never do: carry out anything by itself. Each act that a request ends in is decided
//! by the policy like any other, for the caller that asks for it. Called by the edges, and by `erase`.

mod bulk;
mod case;
mod fulfil;
mod open;
mod queue;
mod settle;
mod step;

use std::sync::OnceLock;

use crate::types::Right;

use super::Vault;

pub use fulfil::Fulfil;
pub use step::{Check, Extend, Refuse};

/// Months until a request is to be answered (GDPR Art. 12(3)).
pub const DEADLINE_MONTHS: u32 = 1;
/// Months by which that can be extended, once.
pub const EXTENSION_MONTHS_MAX: u32 = 2;
/// Bytes of a note, a reason, or the text of a refusal.
pub const NOTE_BYTES_MAX: usize = 2_000;
/// Requests of one member about which something is to be done.
pub const LIVE_PER_MEMBER_MAX: usize = 16;
/// Requests that are listed under one member; older ones that are closed are found by their ids alone.
pub const LISTED_PER_MEMBER_MAX: usize = 64;
/// Steps of one request.
pub const STEPS_MAX: usize = 64;
/// Members of one request about many.
pub const BULK_MEMBERS_MAX: usize = 1_000;
/// Members dealt with before the progress is written down.
pub const BULK_PAGE: usize = 50;
/// Purposes of one objection.
pub const PURPOSES_MAX: usize = 32;
/// Records that one correction names.
pub const CORRECTED_MAX: usize = 32;
/// Days after fulfilment within which a bundle can be fetched.
pub const BUNDLE_DAYS: u64 = 30;

/// How requests are dealt with, by the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSettings {
    /// Kinds that a second person must approve.
    pub second_person: Vec<Right>,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self { second_person: vec![Right::EraseBulk, Right::ExportBulk] }
    }
}

/// What the vault remembers of requests: only how to deal with them.
#[derive(Default)]
pub(crate) struct RequestDesk {
    settings: OnceLock<RequestSettings>,
}

impl Vault {
    /// Says how requests are dealt with. Said once, when the vault is opened; otherwise the defaults stand.
    pub fn set_requests(&self, settings: RequestSettings) {
        let _first = self.0.requests.settings.set(settings);
    }

    /// Whether a second person must approve requests of this kind.
    fn needs_second_person(&self, kind: Right) -> bool {
        let settings = self.0.requests.settings.get();
        settings.map_or_else(
            || RequestSettings::default().second_person.contains(&kind),
            |settings| settings.second_person.contains(&kind),
        )
    }
}
