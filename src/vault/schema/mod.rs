//! The data map in force: what it was before, how another takes its place, and what it lets be written.
//!
//! The map is a file of the operator's. Each one that comes into force leaves a leaf in the ledger with its hash, and
//! its text in a row of its own, so that what was decided under it can be explained later. Another one comes into force
//! at the next opening, or by [`Vault::reload_schema`], which changes all or nothing.

pub(super) mod declared;
mod history;

use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::ledger::Durability;
use crate::policy::Action;
use crate::schema::{DataMap, SchemaError};
use crate::types::Ctx;
use crate::types::name::InvalidName;

use super::act::{Act, Prepared};
use super::pipeline::Case;
use super::{Error, Vault};

pub use declared::Undeclared;

/// Reads the data map of the settings, at the moment it is asked for.
pub type MapSource = Arc<dyn Fn() -> Result<DataMap, MapUnread> + Send + Sync>;

/// Why there is no map to be had.
#[derive(Debug)]
pub enum MapUnread {
    /// The file cannot be read; the log says why.
    File,
    /// It is not a data map.
    Map(SchemaError),
}

/// What a change of the data map needs.
#[derive(Default)]
pub(super) struct Maps {
    source: OnceLock<MapSource>,
    /// Who has this changes the map; nobody else does.
    turn: Mutex<()>,
}

/// A data map, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MapText {
    /// The SHA-256 of the file.
    pub sha256: String,
    /// Whether writes may only name what it declares.
    pub strict: bool,
    /// Since when it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The file.
    pub toml: String,
    /// Those that were in force before, newest first, as far as they are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierMap>,
}

/// A data map that was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EarlierMap {
    /// The SHA-256 of the file.
    pub sha256: String,
    /// From when on it was in force.
    pub since: Timestamp,
}

/// The SHA-256 of a data map's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapHash([u8; 32]);

impl FromStr for MapHash {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName { kind: "hash of a data map", form: "64 lower-case hexadecimal digits" };
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(invalid)
    }
}

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MapChange {
    /// The SHA-256 of the map in force.
    pub sha256: String,
    /// Whether it is another than before.
    pub changed: bool,
}

impl Vault {
    /// Says where the data map of the settings is read. May be said once.
    pub fn set_map_source(&self, source: MapSource) {
        let _ = self.0.maps.source.set(source);
    }

    /// The data map in force, as it was written, and what was in force before.
    ///
    /// # Errors
    /// A denial of the policy; what the engine answers.
    pub fn schema<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, MapText> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::SchemaRead)?;
            let map = self.map();
            let digest = hex(&map.digest());
            let mut earlier = self.earlier_maps()?;
            let since = match earlier.first() {
                Some(newest) if newest.sha256 == digest => Some(earlier.remove(0).since),
                _ => None,
            };
            let toml = map.text().to_owned();
            Ok(Prepared::unlogged(MapText { sha256: digest, strict: map.is_strict(), since, toml, earlier }))
        })
    }

    /// A data map that is or was in force, by the SHA-256 of its file.
    ///
    /// # Errors
    /// `not_found` where none of that hash is kept; a denial of the policy; what the engine answers.
    pub fn schema_of<'v>(&'v self, ctx: &'v Ctx, sha256: &'v MapHash) -> Act<'v, MapText> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::SchemaRead)?;
            Ok(Prepared::unlogged(self.kept_map(&sha256.0)?.ok_or_else(Error::not_found)?))
        })
    }

    /// Puts the data map of the settings in force, as it is written now. A map that cannot be used changes nothing.
    ///
    /// # Errors
    /// `invalid_schema` with line and remedy; `not_configured` where the settings name no file; `io` where it cannot be
    /// read; a denial of the policy; what the engine answers.
    pub fn reload_schema(&self, ctx: &Ctx) -> Result<MapChange, Error> {
        self.may(ctx, Action::SchemaReload)?;
        let source = self.0.maps.source.get().ok_or(Error::Mismatch {
            code: Code::NotConfigured,
            problem: "the vault runs under the built-in data map; name a file with the setting schema.file, and restart",
        })?;
        let _turn = self.0.maps.turn.lock();
        let map = source().map_err(|unread| match unread {
            MapUnread::Map(error) => Error::Schema(error),
            MapUnread::File => Error::Mismatch {
                code: Code::InvalidSchema,
                problem: "the file of the setting schema.file cannot be read; the map in force stays",
            },
        })?;
        self.policy().fits(&map)?;
        let sha256 = hex(&map.digest());
        let Some(change) = self.load_map(ctx, &map)? else { return Ok(MapChange { sha256, changed: false }) };
        // First in the ledger, then in force: what is decided under a map is decided after its leaf.
        self.ledger().submit(change, Durability::Synced).wait()?;
        self.0.map.store(Arc::new(map));
        tracing::info!(sha256, "another data map is in force");
        Ok(MapChange { sha256, changed: true })
    }
}

fn hex(digest: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(digest)
}
