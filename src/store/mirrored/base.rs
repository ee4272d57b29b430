//! A base: the rows a mirror keeps, as they are at one moment.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::files;
use super::frame::{self, Kind};
use crate::store::{KeyRange, Keyspace, Reader, StoreError};

/// Bytes of rows in one frame.
const PIECE: usize = 1024 * 1024;

pub(super) fn failed(error: io::Error) -> StoreError {
    let source = Arc::new(error);
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::DiskFull { doing: "writing a mirror", source }
        }
        _ => StoreError::Io { doing: "writing a mirror", source },
    }
}

/// Writes the base at `sequence`; on disk and named when it returns.
pub(super) fn write(
    directory: &Path,
    sequence: u64,
    rows: &dyn Reader,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    let path = files::base(directory, sequence);
    let file = files::create(&files::part(&path)).map_err(failed)?;
    let mut base = Base { file: BufWriter::with_capacity(PIECE, file), sequence, body: Vec::new(), rows: 0 };
    for keyspace in Keyspace::ALL.into_iter().filter(|keyspace| frame::is_kept(*keyspace)) {
        let mut outcome = Ok(());
        rows.scan(keyspace, &KeyRange::all(), &mut |key, row| {
            outcome = if is_stopped() { Err(io::ErrorKind::Interrupted.into()) } else { base.row(keyspace, key, row) };
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome.map_err(failed)?;
    }
    base.end().and_then(|()| files::publish(directory, &path)).map_err(failed)
}

struct Base {
    file: BufWriter<File>,
    sequence: u64,
    body: Vec<u8>,
    rows: u64,
}

impl Base {
    fn row(&mut self, keyspace: Keyspace, key: &[u8], row: &[u8]) -> io::Result<()> {
        frame::write_row(&mut self.body, keyspace, key, row);
        self.rows += 1;
        if self.body.len() < PIECE { Ok(()) } else { self.put(Kind::Rows) }
    }

    fn put(&mut self, kind: Kind) -> io::Result<()> {
        let frame = frame::frame(self.sequence, kind, &self.body).ok_or(io::ErrorKind::FileTooLarge)?;
        self.body.clear();
        self.file.write_all(&frame)
    }

    fn end(mut self) -> io::Result<()> {
        self.put(Kind::Rows)?;
        self.body.extend_from_slice(&self.rows.to_be_bytes());
        self.put(Kind::End)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}
