//! Looks through the files of a directory for bytes that must not be there any more.
//!
//! For the purge: what an engine keeps of removed rows is not to be had through the engine. Every file is read, whatever
//! its name; memory is bounded by one buffer and by what is looked for. Files come and go meanwhile: an engine that
//! merges tables writes what it found in a file that goes into one that comes. So who looks goes [`Search::round`] after
//! round, each over files that were not seen before, until in one of them no file vanished before it could be read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;

/// Bytes read at once.
pub const CHUNK_BYTES: usize = 1024 * 1024;
const DOING: &str = "searching the files of the database";

/// Bytes of a needle that are looked up at every place of a file; no needle is shorter.
const HEAD: usize = size_of::<u64>();
/// Spreads heads over the filter: 2^64 divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bits of the filter for each needle, so that few places of a file are looked at twice; and the logarithm of its bits.
const FILTER_BITS: usize = 256;
const FILTER_BITS_LOG: std::ops::RangeInclusive<u32> = 12..=24;

/// What is looked for. Each needle belongs to somebody, who is named by a number.
///
/// A filter tells of nearly every place of a file that no needle begins there; the others are looked up by their first
/// bytes. An Aho-Corasick automaton of 50,000 needles took 45 MiB, and read 8 MiB a second.
pub struct Needles {
    bytes: Vec<u8>,
    /// By their heads.
    needles: Vec<Needle>,
    /// The first needle of each head.
    first: HashMap<u64, usize>,
    filter: Vec<u64>,
    shift: u32,
    overlap: usize,
}

struct Needle {
    head: u64,
    owner: u32,
    at: usize,
    len: usize,
}

impl Needles {
    /// Needles with their owners; `None` if one of them has less than 8 bytes.
    pub fn new<'n>(wanted: impl IntoIterator<Item = (u32, &'n [u8])>) -> Option<Self> {
        let (mut bytes, mut needles) = (Vec::new(), Vec::new());
        for (owner, needle) in wanted {
            let head = u64::from_le_bytes(*needle.first_chunk()?);
            needles.push(Needle { head, owner, at: bytes.len(), len: needle.len() });
            bytes.extend_from_slice(needle);
        }
        needles.sort_unstable_by_key(|needle| needle.head);
        let (smallest, greatest) = FILTER_BITS_LOG.into_inner();
        let bits = needles.len().saturating_mul(FILTER_BITS).checked_ilog2().unwrap_or(0).clamp(smallest, greatest);
        let mut made = Self {
            overlap: needles.iter().map(|needle| needle.len).max().unwrap_or(HEAD) - 1,
            first: HashMap::with_capacity(needles.len()),
            filter: vec![0; 1 << (bits - u64::BITS.ilog2())],
            shift: u64::BITS - bits,
            bytes,
            needles,
        };
        for (position, needle) in made.needles.iter().enumerate() {
            made.first.entry(needle.head).or_insert(position);
            let bit = needle.head.wrapping_mul(MULTIPLIER) >> made.shift;
            if let Some(word) = made.filter.get_mut(word_of(bit)) {
                *word |= 1 << (bit % 64);
            }
        }
        Some(made)
    }

    /// Whose needles are in these bytes.
    fn find(&self, bytes: &[u8], found: &mut BTreeSet<u32>) {
        for (at, window) in bytes.windows(HEAD).enumerate() {
            let head = window.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
            let bit = head.wrapping_mul(MULTIPLIER) >> self.shift;
            if self.filter.get(word_of(bit)).is_some_and(|word| (word >> (bit % 64)) & 1 == 1) {
                self.look_up(head, bytes.get(at..).unwrap_or_default(), found);
            }
        }
    }

    #[cold]
    fn look_up(&self, head: u64, bytes: &[u8], found: &mut BTreeSet<u32>) {
        let Some(first) = self.first.get(&head) else { return };
        let same_head = self.needles.iter().skip(*first).take_while(|needle| needle.head == head);
        let whole = |needle: &&Needle| {
            self.bytes.get(needle.at..).and_then(|rest| rest.get(..needle.len)).is_some_and(|it| bytes.starts_with(it))
        };
        found.extend(same_head.filter(whole).map(|needle| needle.owner));
    }
}

/// The word of the filter that has a bit. Its numbers are below 2^24.
fn word_of(bit: u64) -> usize {
    usize::try_from(bit / 64).unwrap_or(usize::MAX)
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
        let wanted =
            [(7, b"sixteen bytes ab".as_slice()), (8, b"twelve bytes"), (9, b"sixteen bytes no"), (9, b"not there")];
        let needles = Needles::new(wanted).unwrap();
        assert!(Needles::new([(1, b"too few".as_slice())]).is_none());
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
    fn of_many_needles_each_is_found_and_nothing_else() {
        let needle = |number: u64| number.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes().repeat(2);
        let all: Vec<_> = (0..20_000).map(needle).collect();
        let needles = Needles::new((0..).zip(&all).map(|(owner, needle)| (owner, needle.as_slice()))).unwrap();
        for owner in [0, 1, 4_711, 19_999] {
            let bytes = [b"before".as_slice(), &all[owner], b"after", &needle(30_000)].concat();
            let mut found = BTreeSet::new();
            needles.find(&bytes, &mut found);
            assert_eq!(found, BTreeSet::from([u32::try_from(owner).unwrap()]));
        }
    }

    #[test]
    fn a_file_that_went_counts_nothing_and_asks_for_another_round() {
        let place = tempfile::tempdir().unwrap();
        let needles = Needles::new([(1, b"a needle".as_slice())]).unwrap();
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
