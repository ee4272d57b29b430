//! The rows as a change in the middle of a group sees them: what the group has written so far, over the engine.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::codec::RowStamp;
use crate::store::{Engine, KeyRange, Keyspace, Op, StoreError};

/// Index over the operations of the group so far. Filled only when a change asks, and only as far as is new, since in
/// most groups nobody does.
#[derive(Default)]
pub(super) struct Overlay {
    rows: [HashMap<Vec<u8>, Option<RowStamp>>; Keyspace::ALL.len()],
    /// Ranges removed; rows put into them afterwards are in `rows`.
    removed: Vec<(Keyspace, KeyRange)>,
    /// How many operations of the group are indexed.
    seen: usize,
}

impl Overlay {
    /// The stamp of the row a change would find now; `None` if there is no row.
    pub(super) fn stamp(
        &mut self,
        group: &[Op],
        engine: &dyn Engine,
        keyspace: Keyspace,
        key: &[u8],
    ) -> Result<Option<RowStamp>, StoreError> {
        self.index(group);
        if let Some(stamp) = self.rows.get(keyspace.index()).and_then(|rows| rows.get(key)) {
            return Ok(*stamp);
        }
        if self.removed.iter().any(|(removed, range)| *removed == keyspace && range.contains(key)) {
            return Ok(None);
        }
        Ok(engine.get(keyspace, key)?.map(|row| RowStamp::of(&row)))
    }

    /// The keys of the rows a change would find in a range now. If there are more than `keys_max`, only so many that
    /// this shows.
    pub(super) fn keys(
        &mut self,
        group: &[Op],
        engine: &dyn Engine,
        keyspace: Keyspace,
        range: &KeyRange,
        keys_max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.index(group);
        let rows = self.rows.get(keyspace.index());
        let written = rows.into_iter().flatten().filter(|(key, stamp)| stamp.is_some() && range.contains(key));
        let mut keys: Vec<_> = written.map(|(key, _)| key.clone()).collect();
        engine.scan(keyspace, range, &mut |key, _| {
            let overwritten = rows.is_some_and(|rows| rows.contains_key(key));
            let removed = || self.removed.iter().any(|(of, range)| *of == keyspace && range.contains(key));
            if !overwritten && !removed() {
                keys.push(key.to_vec());
            }
            if keys.len() > keys_max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(keys)
    }

    fn index(&mut self, group: &[Op]) {
        for op in group.get(self.seen..).unwrap_or_default() {
            self.add(op);
        }
        self.seen = group.len();
    }

    fn add(&mut self, op: &Op) {
        let Some(rows) = self.rows.get_mut(op.keyspace().index()) else { return };
        match op {
            Op::Put { key, value, .. } => {
                rows.insert(key.clone(), Some(RowStamp::of(value)));
            }
            Op::Delete { key, .. } => {
                rows.insert(key.clone(), None);
            }
            Op::DeleteRange { keyspace, start, end } => {
                let range = KeyRange { start: start.clone(), end: Some(end.clone()) };
                rows.iter_mut().filter(|(key, _)| range.contains(key)).for_each(|(_, stamp)| *stamp = None);
                self.removed.push((*keyspace, range));
            }
        }
    }
}
