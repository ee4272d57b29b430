//! The data maps that are or were in force: one row each, sealed, so that nobody slips one in.

use serde::{Deserialize, Serialize};

use super::{EarlierMap, MapText, hex};
use crate::clock::Timestamp;
use crate::codec::{Event, rows};
use crate::crypto;
use crate::ledger::{Change, Reliance};
use crate::schema::DataMap;
use crate::tables;
use crate::types::Ctx;
use crate::types::place::ControlPlace;
use crate::vault::{Error, Vault};

/// A data map, as its row keeps it (JSON, sealed).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Hex.
    sha256: String,
    since: Timestamp,
    strict: bool,
    toml: String,
}

impl Vault {
    /// The change that puts a map in force; none where it is the one that was in force last.
    pub(in crate::vault) fn load_map(&self, ctx: &Ctx, map: &DataMap) -> Result<Option<Change>, Error> {
        let numbers = tables::schema::numbers(self.engine())?;
        let sha256 = hex(&map.digest());
        let last = numbers.last().map(|number| self.kept(*number)).transpose()?.flatten();
        if last.is_some_and(|last| last.sha256 == sha256) {
            return Ok(None);
        }
        let number = numbers.last().map_or(0, |last| last.saturating_add(1));
        let key = tables::schema::key(number);
        let now = self.now();
        let kept = Kept { sha256, since: now, strict: map.is_strict(), toml: map.text().to_owned() };
        let plain = serde_json::to_vec(&kept).map_err(|_| Error::Internal("a data map is serialisable"))?;
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let row = self.seal_row(self.keyring().control(), &place, &plain)?;
        let mut change = self.event(ctx, Event::SchemaLoad(map.digest()), now);
        change.relies_on(Reliance::Row { keyspace: tables::schema::KEYSPACE, key: key.to_vec(), stamp: None });
        change.put(tables::schema::KEYSPACE, key, row);
        let many = numbers.len().saturating_add(1).saturating_sub(tables::schema::KEPT_MAX);
        for old in numbers.iter().take(many) {
            change.delete(tables::schema::KEYSPACE, tables::schema::key(*old));
        }
        Ok(Some(change))
    }

    /// All that are kept, newest first.
    pub(super) fn earlier_maps(&self) -> Result<Vec<EarlierMap>, Error> {
        let mut found = Vec::new();
        for number in tables::schema::numbers(self.engine())?.into_iter().rev() {
            if let Some(Kept { sha256, since, .. }) = self.kept(number)? {
                found.push(EarlierMap { sha256, since });
            }
        }
        Ok(found)
    }

    /// The newest that is kept under this hash.
    pub(super) fn kept_map(&self, sha256: &[u8; 32]) -> Result<Option<MapText>, Error> {
        let wanted = hex(sha256);
        for number in tables::schema::numbers(self.engine())?.into_iter().rev() {
            if let Some(Kept { sha256, since, strict, toml }) = self.kept(number)?
                && sha256 == wanted
            {
                return Ok(Some(MapText { sha256, strict, since: Some(since), toml, earlier: Vec::new() }));
            }
        }
        Ok(None)
    }

    fn kept(&self, number: u32) -> Result<Option<Kept>, Error> {
        let Some(row) = tables::schema::row(self.engine(), number)? else { return Ok(None) };
        let key = tables::schema::key(number);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(&row)?)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("an opened data map is one"))
    }
}
