//! Looks at the write-ahead log before RocksDB replays it, and tells a torn tail from a lost write.
//!
//! After a crash the end of the log may be missing: writes that were never synced. That is normal, and the vault must
//! start by itself. But when a write that *was* synced is gone or changed, the vault must not start as if nothing had
//! happened: the write may have been an erasure. RocksDB offers one of the two, never both:
//!
//! * `kTolerateCorruptedTailRecords` refuses every bad checksum, also the half-written pages that a power cut leaves
//!   behind unsynced writes, so the vault would not start after a power cut;
//! * `kPointInTimeRecovery` stops at the first bad checksum without a word, so one flipped bit in the middle of the log
//!   silently takes back every acknowledged write after it;
//! * both skip to the next block at a zeroed record header, and take a length field that points behind the end of the
//!   file for a torn tail; neither checks that sequence numbers follow one another.
//!
//! So each batch carries a mark ([`Mark`]): the sequence number up to which everything was known to be on disk when it
//! was written. Before opening, [`inspect`] walks every log file. Damage is a *torn tail* only if bytes are missing
//! rather than changed, and no record behind it claims that the damaged place was on disk already. A torn tail is cut
//! off; everything else refuses to open. What this cannot see is a synced write that vanished although nothing was
//! written after it: the ledger head in the keyring file is the anchor for that.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::framing::{Piece, walk};

/// RocksDB's kinds of physical record, as far as the vault writes them.
mod kind {
    pub(super) const WHOLE: u8 = 1;
    pub(super) const FIRST: u8 = 2;
    pub(super) const MIDDLE: u8 = 3;
    pub(super) const LAST: u8 = 4;
    pub(super) const PREDECESSOR: u8 = 130;
}

/// Bytes of a batch that are looked at: sequence u64 | count u32 | log data tag | length | mark.
const HEAD: usize = 12 + 2 + Mark::LEN;
/// The tag of log data inside a batch, and the length of the mark.
const LOG_DATA: [u8; 2] = [3, Mark::LEN as u8];

/// Everything up to this sequence number was on disk when the batch that carries the mark was written. It goes into the
/// log only (`put_log_data`), not into memtables or table files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u64);

impl Mark {
    const LEN: usize = 9;

    /// The bytes in the log: a letter and the number.
    pub(super) fn bytes(self) -> [u8; Self::LEN] {
        let [a, b, c, d, e, f, g, h] = self.0.to_le_bytes();
        [b'S', a, b, c, d, e, f, g, h]
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&LOG_DATA)?.strip_prefix(b"S")?;
        bytes.first_chunk().map(|number| Self(u64::from_le_bytes(*number)))
    }
}

/// What the log looks like.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Every record of every file is there.
    Whole,
    /// The tail is missing, and nothing says that it was ever on disk.
    Torn(Cut),
    /// Something that was on disk is gone or changed.
    Lost(Damaged),
}

/// Where to cut a torn file.
#[derive(Debug, thiserror::Error)]
#[error("{path} behind byte {keep}")]
pub(super) struct Cut {
    path: PathBuf,
    keep: u64,
}

impl Cut {
    /// Cuts the torn tail off, durably, so that RocksDB sees a log that ends between two records.
    pub(super) fn apply(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(self.keep)?;
        file.sync_all()
    }
}

/// The write-ahead log does not verify.
#[derive(Debug, thiserror::Error)]
#[error("{path} does not verify at byte {offset}, before writes that had reached the disk")]
pub(super) struct Damaged {
    path: PathBuf,
    offset: u64,
}

/// Walks every log file in `directory`.
pub(super) fn inspect(directory: &Path) -> io::Result<Verdict> {
    let mut trail = Trail::default();
    for (number, path) in log_files(directory)? {
        trail.enter(number, path);
        let path = trail.present.path.clone();
        let length = walk(&path, &mut |piece| trail.see(piece))?;
        trail.leave(length);
    }
    Ok(trail.verdict())
}

/// Whether RocksDB's MANIFEST is framed soundly: no damage but a torn last record. RocksDB itself takes a length field
/// that points behind the end for a torn tail, and would forget the table files added after it.
pub(super) fn inspect_manifest(path: &Path) -> io::Result<Result<(), Damaged>> {
    let mut damage = None;
    let mut sound = true;
    walk(path, &mut |piece| match piece {
        Piece::Damage { start, unwritten } => {
            sound &= unwritten && damage.is_none();
            damage.get_or_insert(start);
        }
        Piece::Record { .. } => sound &= damage.is_none(),
    })?;
    Ok(if sound { Ok(()) } else { Err(Damaged { path: path.to_path_buf(), offset: damage.unwrap_or_default() }) })
}

/// The log files of a directory, oldest first. Bytes they take: see `metadata`.
pub(super) fn log_files(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|end| end == "log")) {
            files.push((number, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// One log file, as far as it was walked.
#[derive(Default)]
struct Present {
    number: u64,
    path: PathBuf,
    length: u64,
    /// The end of the last complete batch.
    sound: u64,
    /// Whether a batch was seen.
    begun: bool,
    /// Where an unfinished batch began, and its first bytes.
    unfinished: Option<(u64, Vec<u8>)>,
}

struct Damage {
    path: PathBuf,
    offset: u64,
    keep: u64,
    /// The sequence number of the first batch that is missing.
    missing: u64,
    unwritten: bool,
}

/// The walk over all files.
#[derive(Default)]
struct Trail {
    present: Present,
    before: Present,
    /// The sequence number after the last complete batch.
    next: u64,
    damage: Option<Damage>,
    /// A record behind the damage says that the damaged place had been on disk.
    was_on_disk: bool,
}

impl Trail {
    fn enter(&mut self, number: u64, path: PathBuf) {
        self.before = std::mem::replace(&mut self.present, Present { number, path, ..Present::default() });
    }

    fn leave(&mut self, length: u64) {
        self.present.length = length;
        if let Some((start, _)) = self.present.unfinished.take() {
            self.hurt(start, true); // the file ends between two parts of a batch
        }
    }

    fn see(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Damage { start, unwritten } => {
                let start = self.present.unfinished.take().map_or(start, |(first, _)| first);
                self.hurt(start, unwritten);
            }
            Piece::Record { kind, start, end, payload } => self.record(kind, start, end, payload),
        }
    }

    fn record(&mut self, kind: u8, start: u64, end: u64, payload: &[u8]) {
        match (kind, self.present.unfinished.take()) {
            (kind::WHOLE, None) => self.batch(start, end, payload),
            (kind::FIRST, None) => self.present.unfinished = Some((start, head(payload).to_vec())),
            (kind::MIDDLE | kind::LAST, Some((first, mut bytes))) => {
                bytes.extend_from_slice(head(payload));
                if kind == kind::LAST {
                    self.batch(first, end, &bytes);
                } else {
                    bytes.truncate(HEAD);
                    self.present.unfinished = Some((first, bytes));
                }
            }
            (kind::WHOLE | kind::FIRST | kind::MIDDLE | kind::LAST, _) => self.hurt(start, false),
            (kind::PREDECESSOR, _) => self.predecessor(end, payload),
            _ => self.present.sound = end, // RocksDB judges what it does not know
        }
    }

    fn batch(&mut self, start: u64, end: u64, bytes: &[u8]) {
        let Some((sequence, count, mark)) = read_head(bytes) else { return self.hurt(start, false) };
        if let Some(damage) = &self.damage {
            self.was_on_disk |= mark.is_some_and(|mark| mark.0 >= damage.missing);
        } else if self.present.begun && sequence != self.next {
            self.hurt(start, false); // a batch was taken out
        } else {
            self.next = sequence.saturating_add(count);
            self.present.begun = true;
            self.present.sound = end;
        }
    }

    /// A new log file says how long the one before it was. (That there was one at all is for RocksDB to judge: only it
    /// knows which files it has done with.)
    fn predecessor(&mut self, end: u64, payload: &[u8]) {
        self.present.sound = end;
        let Some((number, size, sequence)) = read_predecessor(payload) else { return };
        if self.before.number == number && self.before.length < size && self.damage.is_none() {
            self.damage = Some(Damage {
                path: self.before.path.clone(),
                offset: self.before.length,
                keep: self.before.sound,
                missing: self.next,
                unwritten: true,
            });
        }
        self.next = self.next.max(sequence.saturating_add(1));
    }

    fn hurt(&mut self, offset: u64, unwritten: bool) {
        if self.damage.is_none() {
            let Present { path, sound: keep, .. } = &self.present;
            self.damage = Some(Damage { path: path.clone(), offset, keep: *keep, missing: self.next, unwritten });
        }
    }

    fn verdict(self) -> Verdict {
        match self.damage {
            None => Verdict::Whole,
            Some(damage) if damage.unwritten && !self.was_on_disk => {
                Verdict::Torn(Cut { path: damage.path, keep: damage.keep })
            }
            Some(damage) => Verdict::Lost(Damaged { path: damage.path, offset: damage.offset }),
        }
    }
}

fn head(payload: &[u8]) -> &[u8] {
    payload.get(..HEAD).unwrap_or(payload)
}

/// Sequence, count and mark of a batch.
fn read_head(bytes: &[u8]) -> Option<(u64, u64, Option<Mark>)> {
    let (sequence, rest) = bytes.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*sequence), u64::from(u32::from_le_bytes(*count)), Mark::read(rest)))
}

/// Number, size and last sequence of the log file before.
fn read_predecessor(bytes: &[u8]) -> Option<(u64, u64, u64)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (size, rest) = rest.split_first_chunk()?;
    let (sequence, _) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), u64::from_le_bytes(*size), u64::from_le_bytes(*sequence)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::framing::framed;
    use super::*;

    /// A batch of one operation: its sequence number, and the mark it carries.
    fn batch(sequence: u64, on_disk: u64) -> Vec<u8> {
        let mut bytes = sequence.to_le_bytes().to_vec();
        bytes.extend_from_slice(&1u32.to_le_bytes());
        bytes.extend_from_slice(&LOG_DATA);
        bytes.extend_from_slice(&Mark(on_disk).bytes());
        bytes.extend_from_slice(&[0xab; 700]);
        framed(kind::WHOLE, &bytes)
    }

    /// A log file of batches, all with the same mark, behind a record about the file before.
    fn log(before: Option<(u64, usize, u64)>, sequences: std::ops::Range<u64>, on_disk: u64) -> Vec<u8> {
        let predecessor = before.map(|(number, size, last)| {
            framed(kind::PREDECESSOR, &[number, size as u64, last].map(u64::to_le_bytes).concat())
        });
        predecessor.into_iter().chain(sequences.map(|sequence| batch(sequence, on_disk))).flatten().collect()
    }

    /// `whole`, `lost`, or the file that was torn and how much of it stays.
    fn verdict(files: &[(u64, &[u8])]) -> String {
        let directory = tempfile::tempdir().unwrap();
        for (number, bytes) in files {
            fs::write(directory.path().join(format!("{number:06}.log")), bytes).unwrap();
        }
        fs::write(directory.path().join("LOG"), "not a log file in this sense").unwrap();
        match inspect(directory.path()).unwrap() {
            Verdict::Whole => "whole".to_owned(),
            Verdict::Lost(_) => "lost".to_owned(),
            Verdict::Torn(cut) => format!("{} {}", cut.path.file_stem().unwrap().display(), cut.keep),
        }
    }

    #[test]
    fn files_that_follow_one_another_are_whole() {
        assert_eq!(verdict(&[]), "whole");
        let first = log(None, 1..9, 0);
        assert_eq!(verdict(&[(4, &first)]), "whole");
        let second = log(Some((4, first.len(), 8)), 9..12, 5);
        assert_eq!(verdict(&[(4, &first), (7, &second)]), "whole");
        assert_eq!(verdict(&[(7, &second)]), "whole", "whether 4 is needed is for RocksDB to say");
    }

    #[test]
    fn a_tail_lost_before_a_newer_file_is_torn_unless_it_was_on_disk() {
        let first = log(None, 1..9, 0);
        let length = first.len() / 8;
        for (mark, expected) in [(0, "torn"), (5, "torn"), (6, "lost"), (8, "lost")] {
            let second = log(Some((4, first.len(), 8)), 9..12, mark);
            // Cut within the seventh batch, and cut between two.
            for (cut, kept) in [(length * 5 + 9, 5), (length * 5, 5)] {
                let verdict = verdict(&[(4, &first[..cut]), (7, &second)]);
                let torn = format!("000004 {}", length * kept);
                assert_eq!(verdict, if expected == "torn" { torn } else { "lost".to_owned() }, "mark {mark} cut {cut}");
            }
        }
    }

    #[test]
    fn a_changed_byte_is_lost_whatever_the_mark() {
        let mut first = log(None, 1..9, 0);
        first[2000] ^= 1;
        assert_eq!(verdict(&[(4, &first)]), "lost");
    }

    #[test]
    fn a_batch_over_several_blocks_is_one() {
        let whole = batch(1, 0);
        let payload = &whole[7..];
        let mut bytes = Vec::new();
        for (kind, part) in [kind::FIRST, kind::MIDDLE, kind::LAST].into_iter().zip(payload.chunks(300)) {
            bytes.extend_from_slice(&framed(kind, part));
        }
        let next = batch(2, 0);
        assert_eq!(verdict(&[(4, &[bytes.as_slice(), &next].concat())]), "whole");
        assert_eq!(verdict(&[(4, &[next.as_slice(), &bytes[..614]].concat())]), format!("000004 {}", next.len()));
        assert_eq!(verdict(&[(4, &[&bytes[..614], next.as_slice()].concat())]), "lost", "a batch that never ended");
        assert_eq!(verdict(&[(4, &framed(kind::LAST, payload))]), "lost", "a batch that never began");
    }
}
