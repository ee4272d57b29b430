//! Reading a mirror back: the newest base, then every batch after it.
//!
//! The end of the last log may be torn, as after a power cut: what was not yet brought to disk is missing. Anything else
//! that does not fit is an error, never a shorter history.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{self, Names};
use super::frame::{self, Frame, HEAD, Kind, MAGIC, OVERHEAD};
use crate::store::{Batch, StoreError};

/// What was at the end of a mirror.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The number of the last batch.
    pub sequence: u64,
    /// The number of the last batch that was known to be on the disk of the engine.
    pub on_disk: u64,
    /// Whether the last log was cut off in the middle of a frame.
    pub torn: bool,
}

/// Sees each batch with its number. The rows of a base come as batches with the number of the base.
pub type Each<'a> = dyn FnMut(u64, Batch) -> Result<(), StoreError> + 'a;

/// Whether a directory is a mirror with a base.
pub fn is_mirror(directory: &Path) -> bool {
    Names::of(directory).is_ok_and(|names| !names.bases.is_empty())
}

/// Reads a mirror. Does not change it, and may be done while it is written.
pub fn read(directory: &Path, each: &mut Each<'_>) -> Result<Tail, StoreError> {
    let names = Names::of(directory).map_err(unreadable)?;
    let newest = *names.bases.last().ok_or_else(|| StoreError::NoMirror { path: directory.to_owned() })?;
    let mut reading = Reading { each, tail: Tail { sequence: newest, on_disk: newest, torn: false } };
    reading.base(&files::base(directory, newest))?;
    let logs: Vec<_> = names.logs.iter().copied().filter(|start| *start >= newest).collect();
    for (position, start) in logs.iter().enumerate() {
        let path = files::log(directory, *start);
        if *start != reading.tail.sequence {
            return Err(damaged(&path, "batches before it are missing"));
        }
        reading.log(&path, position + 1 == logs.len())?;
    }
    Ok(reading.tail)
}

fn unreadable(error: io::Error) -> StoreError {
    StoreError::Io { doing: "reading a mirror", source: Arc::new(error) }
}

fn damaged(path: &Path, problem: &'static str) -> StoreError {
    StoreError::Mirror { path: path.to_owned(), problem }
}

struct Reading<'a, 'e> {
    each: &'a mut Each<'e>,
    tail: Tail,
}

impl Reading<'_, '_> {
    fn base(&mut self, path: &Path) -> Result<(), StoreError> {
        let mut pieces = Pieces::open(path)?;
        let (mut rows, mut ended) = (0u64, None);
        while let Some(bytes) = pieces.next()? {
            let frame = frame::parse(&bytes).ok_or_else(|| damaged(path, "a checksum is wrong"))?;
            match (frame.kind, ended) {
                (Kind::Rows, None) => {
                    let batch = frame::decode(frame.body).ok_or_else(|| damaged(path, "rows do not decode"))?;
                    rows += batch.len() as u64;
                    (self.each)(frame.sequence, batch)?;
                }
                (Kind::End, None) => ended = frame.body.first_chunk().map(|count| u64::from_be_bytes(*count)),
                _ => return Err(damaged(path, "a frame does not belong into a base")),
            }
        }
        if ended == Some(rows) && pieces.is_at_end() { Ok(()) } else { Err(damaged(path, "it is not complete")) }
    }

    fn log(&mut self, path: &Path, last: bool) -> Result<(), StoreError> {
        let mut pieces = match Pieces::open(path) {
            // Cut off before the first frame.
            Err(StoreError::Mirror { .. }) if last && is_prefix_of_magic(path) => {
                self.tail.torn = true;
                return Ok(());
            }
            opened => opened?,
        };
        loop {
            let Some(bytes) = pieces.next()? else {
                return if pieces.is_at_end() { Ok(()) } else { self.torn(pieces, last) };
            };
            match frame::parse(&bytes) {
                Some(frame) => self.frame(path, frame)?,
                None => return self.torn(pieces.back_by(bytes), last),
            }
        }
    }

    fn frame(&mut self, path: &Path, frame: Frame<'_>) -> Result<(), StoreError> {
        match frame.kind {
            Kind::Batch if frame.sequence == self.tail.sequence + 1 => {
                let batch = frame::decode(frame.body).ok_or_else(|| damaged(path, "a batch does not decode"))?;
                self.tail.sequence = frame.sequence;
                (self.each)(frame.sequence, batch)
            }
            Kind::OnDisk if frame.sequence <= self.tail.sequence => {
                self.tail.on_disk = self.tail.on_disk.max(frame.sequence);
                Ok(())
            }
            _ => Err(damaged(path, "its frames do not follow one another")),
        }
    }

    /// Bytes that are no frame: the torn tail of a crash, unless whole frames follow.
    fn torn(&mut self, pieces: Pieces, last: bool) -> Result<(), StoreError> {
        let path = pieces.path.clone();
        let follow = pieces.frames_follow(self.tail.sequence)?;
        if follow || !last {
            return Err(damaged(&path, "bytes in the middle of it are changed or missing"));
        }
        self.tail.torn = true;
        Ok(())
    }
}

fn is_prefix_of_magic(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes))
}

/// A file as the pieces its frames claim to be.
struct Pieces {
    path: PathBuf,
    file: io::BufReader<File>,
    /// Bytes read that made no whole piece.
    rest: Vec<u8>,
}

impl Pieces {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let mut file = io::BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
        let mut magic = Vec::new();
        file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(unreadable)?;
        match magic.as_slice() {
            magic if magic == MAGIC => Ok(Self { path: path.to_owned(), file, rest: Vec::new() }),
            [b'M', b'V', b'M', b'I', b'R', b'R', ..] => Err(damaged(path, "it is of a later version, or cut off")),
            _ => Err(damaged(path, "it is no file of a mirror")),
        }
    }

    /// The bytes of the next frame, by its length. `None` where there is none, or too little; see `is_at_end`.
    fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        self.fill(&mut bytes, HEAD)?;
        let length = frame::head(&bytes).map(|(length, _, _)| length + OVERHEAD);
        if let Some(length) = length {
            self.fill(&mut bytes, length)?;
        }
        if length == Some(bytes.len()) {
            return Ok(Some(bytes));
        }
        self.rest = bytes;
        Ok(None)
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, length: usize) -> Result<(), StoreError> {
        let missing = length.saturating_sub(bytes.len()) as u64;
        self.file.by_ref().take(missing).read_to_end(bytes).map(drop).map_err(unreadable)
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn back_by(mut self, bytes: Vec<u8>) -> Self {
        self.rest = bytes;
        self
    }

    /// Whether a whole frame with a number after `sequence`, or a mark of what is on disk, lies anywhere behind.
    fn frames_follow(mut self, sequence: u64) -> Result<bool, StoreError> {
        self.file.read_to_end(&mut self.rest).map_err(unreadable)?;
        Ok((1..self.rest.len()).any(|at| {
            let rest = self.rest.get(at..).unwrap_or_default();
            let claimed = frame::head(rest).filter(|(_, number, kind)| *number > sequence || *kind == Kind::OnDisk);
            let bytes = claimed.and_then(|(length, _, _)| rest.get(..length + OVERHEAD));
            bytes.is_some_and(|bytes| frame::parse(bytes).is_some())
        }))
    }
}
