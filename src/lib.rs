//! membervault: an encrypted vault for member data.
//!
//! The house. A room imports only rooms of a lower rank, or rooms listed above it in its own rank;
//! `tests/architecture.rs` walks it on every run.
//!
//! | rank | room | job |
//! |---|---|---|
//! | 0 | [`code`], [`secret`], [`clock`], [`types`] | vocabulary: error codes, secrets, time, parsed nouns |
//! | 1 | [`codec`] | byte layouts of every row, versioned |
//! | 1 | [`crypto`] | seal and open, derive, blind tokens; alone names cryptographic crates |
//! | 1 | [`tlog`] | Merkle tree hashes over the ledger |
//! | 1 | [`schema`] | the data map: which fields there are, for which purposes, on which legal basis, for how long |
//! | 1 | [`policy`] | `decide(request, facts)`; parses the policy file |
//! | 2 | [`store`] | the storage engine behind a trait over bytes |
//! | 2 | [`masterkey`] | providers of the key-encryption key |
//! | 3 | [`tables`] | typed rows over engine bytes |
//! | 3 | [`keyring`] | the key hierarchy; proposes rows, never writes |
//! | 3 | [`backup`] | content-addressed copies of the database, and the way back from them |
//! | 4 | [`ledger`] | the one door to disk: rows and their evidence in one commit |
//! | 5 | [`vault`] | the facade: one file per verb |
//! | 6 | [`http`] | the edge: knows the facade and rank 0 only |
//! | 6 | [`jobs`] | what the vault does by itself: seals, purges, retention, on a schedule |
//! | 7 | [`harden`] | keeps the process's memory to itself |
//! | 7 | [`config`], [`telemetry`], [`app`], [`cli`] | composition |

pub mod code;
pub mod secret;
pub mod clock;
pub mod types;

pub mod codec;
pub mod crypto;
pub mod tlog;
pub mod schema;
pub mod policy;

pub mod store;
pub mod masterkey;

pub mod tables;
pub mod keyring;
pub mod backup;

pub mod ledger;

pub mod vault;

pub mod http;
pub mod jobs;

pub mod harden;
pub mod config;
pub mod telemetry;
pub mod app;
pub mod cli;

#[cfg(feature = "testkit")]
pub mod testkit;

#[cfg(feature = "sabotage")]
pub mod sabotage;
