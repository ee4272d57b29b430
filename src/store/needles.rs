//! Looks through the files of a directory for bytes that must not be there any more.
//!
//! For the purge: what an engine keeps of removed rows is not to be had through the engine. Every file is read, whatever
//! its name; memory is bounded by one buffer and by what is looked for. Files come and go meanwhile: an engine that
//! merges tables writes what it found in a file that goes into one that comes. So who looks goes [`Search::round`] after
//! round, each over files that were not seen before, until in one of them no file vanished before it could be read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::StoreError;

/// Bytes read at once.
pub const CHUNK_BYTES: usize = 1024 * 1024;
const DOING: &str = "searching the files of the database";

/// What is looked for. Each needle belongs to somebody, who is named by a number.
pub struct Needles {
    automaton: AhoCorasick,
    owners: Vec<u32>,
    overlap: usize,
}

impl Needles {
    /// Needles with their owners. An empty one is never found.
    ///
    /// # Errors
    /// If there are so many that no automaton can be built.
    pub fn new<'n>(needles: impl IntoIterator<Item = (u32, &'n [u8])>) -> Result<Self, StoreError> {
        let (owners, needles): (Vec<_>, Vec<_>) = needles.into_iter().filter(|(_, needle)| !needle.is_empty()).unzip();
        let overlap = needles.iter().map(|needle| needle.len()).max().unwrap_or(1).saturating_sub(1);
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA)) // a table of all transitions would be gigabytes
            .match_kind(MatchKind::Standard)
            .prefilter(false) // needles are random, and so is what they are looked for in
            .build(&needles)
            .map_err(|error| StoreError::Engine { doing: DOING, source: Arc::new(error) })?;
        Ok(Self { automaton, owners, overlap })
    }

    /// Bytes this takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.automaton.memory_usage() + self.owners.len() * size_of::<u32>()
    }

    /// Whose needles are in these bytes.
    fn find(&self, bytes: &[u8], found: &mut BTreeSet<u32>) {
        let hits = self.automaton.find_overlapping_iter(bytes);
        found.extend(hits.filter_map(|hit| self.owners.get(hit.pattern().as_usize()).copied()));
    }
}

/// What a round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Every file there is was read.
    Whole,
    /// A file went before it was read, or after something was found in it: what it held may be in a new one.
    Moved,
    /// Whoever paces the search ended it.
    Stopped,
}

/// A search under way.
pub struct Search<'n> {
    directory: PathBuf,
    needles: &'n Needles,
    seen: HashSet<(PathBuf, u64)>,
    hits: BTreeMap<(PathBuf, u64), BTreeSet<u32>>,
    /// Files read so far.
    pub files: u64,
    /// Bytes read so far.
    pub bytes: u64,
}

impl<'n> Search<'n> {
    /// A search in a directory and those below it.
    pub fn new(directory: &Path, needles: &'n Needles) -> Self {
        let directory = directory.to_path_buf();
        Self { directory, needles, seen: HashSet::new(), hits: BTreeMap::new(), files: 0, bytes: 0 }
    }

    /// Reads every file that was not read before. `pace` is told of the bytes after each chunk.
    ///
    /// # Errors
    /// If a file cannot be read: who cannot look must not say that nothing is there.
    pub fn round(&mut self, pace: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<Round, StoreError> {
        self.all(pace).map_err(|source| StoreError::Io { doing: DOING, source: Arc::new(source) })
    }

    fn all(&mut self, pace: &mut dyn FnMut(usize) -> ControlFlow<()>) -> io::Result<Round> {
        let mut vanished = false;
        let mut buffer = vec![0; CHUNK_BYTES + self.needles.overlap];
        for path in files(&self.directory)? {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    vanished = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let id = (path, file.metadata()?.ino());
            if !self.seen.contains(&id) {
                if self.read(&id, file, &mut buffer, pace)?.is_break() {
                    return Ok(Round::Stopped);
                }
                self.seen.insert(id);
            }
        }
        Ok(if self.forget_vanished() || vanished { Round::Moved } else { Round::Whole })
    }

    fn read(
        &mut self,
        id: &(PathBuf, u64),
        mut file: File,
        buffer: &mut [u8],
        pace: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        let mut found = BTreeSet::new();
        let mut kept = 0; // the end of the chunk before, where a needle may begin
        self.files += 1;
        loop {
            let read = match file.read(buffer.get_mut(kept..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let filled = kept + read;
            self.needles.find(buffer.get(..filled).unwrap_or_default(), &mut found);
            kept = filled.min(self.needles.overlap);
            buffer.copy_within(filled - kept..filled, 0);
            self.bytes += read as u64;
            if pace(read).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if !found.is_empty() {
            self.hits.insert(id.clone(), found);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What is gone holds nothing. Whether anything was forgotten.
    fn forget_vanished(&mut self) -> bool {
        let before = self.hits.len();
        self.hits.retain(|(path, inode), _| path.symlink_metadata().is_ok_and(|file| file.ino() == *inode));
        self.hits.len() < before
    }

    /// Whose needles were found.
    pub fn found(&self) -> BTreeSet<u32> {
        self.hits.values().flatten().copied().collect()
    }

    /// In which files, by their names.
    pub fn found_in(&self) -> impl Iterator<Item = String> {
        self.hits
            .keys()
            .map(|(path, _)| path.strip_prefix(&self.directory).unwrap_or(path).to_string_lossy().into_owned())
    }
}

/// The files of a directory and of those below it. Links are not followed: what they lead to is elsewhere.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go_on(_: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn needles_are_found_wherever_they_lie_also_across_chunks() {
        let place = tempfile::tempdir().unwrap();
        let needles =
            Needles::new([(7, b"sixteen bytes ab".as_slice()), (8, b"twelve bytes"), (9, b"not there at"), (9, b"")]);
        let needles = needles.unwrap();
        assert!(needles.memory_bytes() > 0);
        for at in [0, 1, CHUNK_BYTES - 8, CHUNK_BYTES, CHUNK_BYTES + 7, 2 * CHUNK_BYTES + 15 - 6] {
            let mut bytes = vec![b'x'; 3 * CHUNK_BYTES];
            bytes[at..][..16].copy_from_slice(b"sixteen bytes ab");
            fs::create_dir_all(place.path().join("below")).unwrap();
            fs::write(place.path().join("below/000012.sst"), &bytes).unwrap();
            fs::write(place.path().join("LOG"), "the end is twelve bytes").unwrap();
            let mut search = Search::new(place.path(), &needles);
            assert_eq!(search.round(&mut go_on).unwrap(), Round::Whole);
            assert_eq!(search.found(), BTreeSet::from([7, 8]), "{at}");
            assert_eq!(search.found_in().collect::<Vec<_>>(), ["LOG", "below/000012.sst"]);
            assert_eq!((search.files, search.bytes), (2, bytes.len() as u64 + 23));
        }
    }

    #[test]
    fn a_file_that_went_counts_nothing_and_asks_for_another_round() {
        let place = tempfile::tempdir().unwrap();
        let needles = Needles::new([(1, b"needle".as_slice())]).unwrap();
        let (old, new) = (place.path().join("1"), place.path().join("2"));
        fs::write(&old, "a needle").unwrap();
        let mut search = Search::new(place.path(), &needles);
        // Merged into another file while it was read.
        let mut merge = |_| {
            fs::rename(&old, place.path().join("gone"))
                .and_then(|()| fs::remove_file(place.path().join("gone")))
                .unwrap();
            fs::write(&new, "a needle").unwrap();
            ControlFlow::Continue(())
        };
        assert_eq!(search.round(&mut merge).unwrap(), Round::Moved);
        assert!(search.found().is_empty());
        assert_eq!(search.round(&mut go_on).unwrap(), Round::Whole);
        assert_eq!(search.found(), BTreeSet::from([1]));
        fs::remove_file(&new).unwrap();
        assert_eq!(search.round(&mut go_on).unwrap(), Round::Moved);
        assert_eq!(search.round(&mut go_on).unwrap(), Round::Whole);
        assert!(search.found().is_empty());
        fs::write(&new, "more").unwrap();
        assert_eq!(search.round(&mut |_| ControlFlow::Break(())).unwrap(), Round::Stopped);
        assert!(Search::new(&place.path().join("nowhere"), &needles).round(&mut go_on).is_err());
    }
}
