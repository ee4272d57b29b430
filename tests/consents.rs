//! What members agree to, object to, restrict and refuse: it counts at once, its history is whole, and it dies with them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "consents/coming.rs"]
mod coming;
#[path = "consents/dossier.rs"]
mod dossier;
#[path = "consents/giving.rs"]
mod giving;
#[path = "consents/imported.rs"]
mod imported;
#[path = "consents/preferences.rs"]
mod preferences;
#[path = "consents/races.rs"]
mod races;
#[path = "consents/receipts.rs"]
mod receipts;
#[path = "consents/shredding.rs"]
mod shredding;
#[path = "consents/standing.rs"]
mod standing;
#[path = "consents/support.rs"]
mod support;
