//! The command line as a person meets it: the built binary, its answers, its refusals and its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "cli/certificates.rs"]
mod certificates;
#[path = "cli/desk.rs"]
mod desk;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/maps.rs"]
mod maps;
#[path = "cli/members.rs"]
mod members;
#[path = "cli/opening.rs"]
mod opening;
#[path = "cli/purge.rs"]
mod purge;
#[path = "cli/receipts.rs"]
mod receipts;
#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/restore.rs"]
mod restore;
#[path = "cli/settings.rs"]
mod settings;
