//! Every byte there is: files read once, whatever their name, and from them every envelope and every row address.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::crypto::{Hmac, sha256};
use crate::place::{Address, Id, Place, Shape, address, record, whose_requests};
use crate::{copies, log, table};

const HEAD: usize = 68;
/// Magic, suite, salt and commitment.
pub(crate) type Head = [u8; HEAD];
const KEYRING_MAGIC: &[u8] = b"MVKEYS1\n";
const KEYRING_HEADER: usize = 53;
/// An envelope without a row says nothing of its length; so much of it is kept.
const LOOSE_BYTES_MAX: usize = 64 * 1024;

/// One ciphertext, however many copies of it there are.
pub(crate) struct Blob {
    pub(crate) suite: u8,
    pub(crate) salt: Hmac,
    pub(crate) com: [u8; 32],
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) places: BTreeSet<Place>,
    /// The prefix of its access row.
    pub(crate) access: Option<Id>,
    /// Versions of data key and record, if the bytes before it are those of a record row.
    pub(crate) record: Option<(u32, u64)>,
    /// For a keyring: the files it lies in.
    pub(crate) files: Vec<usize>,
}

impl Blob {
    /// By what an envelope is told from all others.
    pub(crate) fn head(envelope: &[u8]) -> Option<Head> {
        let head: Head = envelope.get(..HEAD)?.try_into().ok()?;
        (head.starts_with(b"MV1") && matches!(head[3], 1 | 2)).then_some(head)
    }

    pub(crate) fn parse(envelope: &[u8]) -> Option<Self> {
        let head = Self::head(envelope)?;
        Some(Self {
            suite: head[3],
            salt: Hmac::new(&head[4..36].try_into().ok()?),
            com: head[36..].try_into().ok()?,
            ciphertext: envelope[HEAD..].to_vec(),
            places: BTreeSet::new(),
            access: None,
            record: None,
            files: Vec::new(),
        })
    }
}

/// One file.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The vault's, of any time.
    Evidence,
    /// A backup: besides all else, no keyring may lie in it.
    Backup,
    /// Memory of the process. It holds keys of today; it must not hold destroyed ones.
    Memory,
    /// The keyring and what lies beside it, today.
    Today,
    /// The keyring of before the seal: only the control may use it.
    Before,
}

/// All files and what was found in them.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) files: Vec<File>,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) members: BTreeSet<Id>,
    /// Members of whom some row says that their erasure is sealed.
    pub(crate) sealed: BTreeSet<Id>,
    pub(crate) files_seen: u64,
    pub(crate) bytes_seen: u64,
    pub(crate) rows: u64,
    pub(crate) tables: u64,
    pub(crate) blocks: u64,
    pub(crate) compressed_blocks: u64,
    pub(crate) torn_tables: Vec<String>,
    /// What decompressed blocks held, to be searched like files.
    pub(crate) expanded: Vec<Vec<u8>>,
    by_head: HashMap<Head, usize>,
    by_content: HashMap<[u8; 32], usize>,
}

impl Evidence {
    /// Reads a file, or all below a directory.
    pub(crate) fn add(&mut self, path: &Path, kind: Kind) -> Result<(), String> {
        for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
            let entry = entry.map_err(|error| error.to_string())?;
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = fs::read(entry.path()).map_err(|error| format!("{}: {error}", entry.path().display()))?;
            self.files_seen += 1;
            self.bytes_seen += bytes.len() as u64;
            let known = self.by_content.get(&sha256(&bytes)).map(|at| self.files[*at].kind);
            // A copy of a keyring counts where it lies, so only files of one kind are the same.
            if known != Some(kind) {
                self.by_content.insert(sha256(&bytes), self.files.len());
                self.files.push(File { path: entry.path().to_path_buf(), bytes, kind });
            }
        }
        Ok(())
    }

    /// Rows first, since they say where an envelope belongs and where it ends; then every byte by the magic.
    pub(crate) fn carve(&mut self) {
        let files = std::mem::take(&mut self.files);
        for (at, file) in files.iter().enumerate() {
            // By what they are, not by their names: a backup may call a file whatever it likes.
            if table::is_one(&file.bytes) {
                self.table(file);
            } else if file.kind != Kind::Memory {
                self.log(&file.bytes, at);
                copies::rows(&file.bytes).into_iter().for_each(|(key, row)| self.row(key, row));
            }
        }
        for (at, file) in files.iter().enumerate() {
            self.raw(&file.bytes, at);
        }
        let expanded = std::mem::take(&mut self.expanded);
        expanded.iter().for_each(|block| self.raw(block, 0));
        self.expanded = expanded;
        self.files = files;
    }

    fn table(&mut self, file: &File) {
        match table::read(&file.bytes) {
            Ok(table) => {
                self.tables += 1;
                self.blocks += table.blocks;
                self.compressed_blocks += table.compressed;
                for (key, value) in &table.rows {
                    self.row(key, value);
                }
                if table.unread > 0 {
                    self.torn_tables.push(format!("{}: {} blocks", file.path.display(), table.unread));
                }
                self.expanded.extend(table.expanded);
            }
            Err(why) => self.torn_tables.push(format!("{}: {why}", file.path.display())),
        }
    }

    fn log(&mut self, bytes: &[u8], at: usize) {
        for record in log::records(bytes) {
            for (key, value) in log::batch(&record) {
                match value {
                    Some(value) => self.row(key, value),
                    None => self.row(key, &[]),
                }
            }
            self.raw(&record, at);
        }
    }

    fn row(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        match address(key, value) {
            Address::Sealed(place, offset) => {
                if let Place::Member(member) | Place::Hold(member) | Place::Record { member, .. } = &place {
                    self.members.insert(*member);
                }
                if let Place::Control(key) = &place {
                    self.members.extend(whose_requests(key));
                }
                let Some(blob) = value.get(offset..).and_then(|envelope| self.blob(envelope)) else { return };
                self.blobs[blob].places.insert(place);
            }
            Address::Access(prefix) => {
                if let Some(blob) = value.get(1..).and_then(|envelope| self.blob(envelope)) {
                    self.blobs[blob].access = Some(prefix);
                }
            }
            Address::Member(member) => drop(self.members.insert(member)),
            Address::Erasure { member, sealed } => {
                self.members.insert(member);
                self.sealed.extend(sealed.then_some(member));
            }
            Address::Meta => self.shapes.extend(Shape::parse(value)),
            Address::Other => {}
        }
    }

    /// Whatever begins with the magic.
    fn raw(&mut self, bytes: &[u8], at: usize) {
        for start in memmem::find_iter(bytes, b"MV1") {
            let end = bytes.len().min(start + HEAD + LOOSE_BYTES_MAX);
            let before = &bytes[..start];
            let Some(blob) = self.blob(&bytes[start..end]) else { continue };
            let header = before.len().checked_sub(KEYRING_HEADER).map(|from| &before[from..]);
            if let Some(header) = header.filter(|header| header.starts_with(KEYRING_MAGIC)) {
                self.blobs[blob].places.insert(Place::Keyring(header.to_vec()));
                self.blobs[blob].files.push(at);
            }
            if self.blobs[blob].places.is_empty() && self.blobs[blob].access.is_none() {
                let row = before.len().checked_sub(13).map(|from| &bytes[from..end]);
                self.blobs[blob].record = row.and_then(record);
            }
        }
    }

    fn blob(&mut self, envelope: &[u8]) -> Option<usize> {
        let head = Blob::head(envelope)?;
        if let Some(known) = self.by_head.get(&head) {
            return Some(*known);
        }
        self.blobs.push(Blob::parse(envelope)?);
        self.by_head.insert(head, self.blobs.len() - 1);
        Some(self.blobs.len() - 1)
    }

    /// Files in which a keyring lies that belongs to nobody's holder.
    pub(crate) fn keyrings_in(&self, kind: Kind) -> Vec<String> {
        let holds = |file: &&File| file.kind == kind && memmem::find(&file.bytes, KEYRING_MAGIC).is_some();
        self.files.iter().filter(holds).map(|file| file.path.display().to_string()).collect()
    }

    /// Where a keyring lies.
    pub(crate) fn paths_of(&self, blob: usize) -> Vec<String> {
        let mut paths: Vec<_> =
            self.blobs[blob].files.iter().map(|at| self.files[*at].path.display().to_string()).collect();
        paths.dedup();
        paths
    }

    /// Keyrings of other days that are in memory, sealed as they are: with the master key each is as good as a copy.
    pub(crate) fn old_keyrings_in_memory(&self) -> Vec<String> {
        let kinds = |blob: &Blob| blob.files.iter().map(|at| self.files[*at].kind).collect::<Vec<_>>();
        let old = |blob: &usize| {
            let kinds = kinds(&self.blobs[*blob]);
            kinds.contains(&Kind::Memory) && !kinds.contains(&Kind::Today)
        };
        (0..self.blobs.len()).filter(old).flat_map(|blob| self.paths_of(blob)).collect()
    }

    /// The blobs by place, and those without one.
    pub(crate) fn indexed(&self) -> (BTreeMap<&Place, Vec<usize>>, Vec<usize>) {
        let (mut by_place, mut loose): (BTreeMap<_, Vec<_>>, _) = (BTreeMap::new(), Vec::new());
        for (at, blob) in self.blobs.iter().enumerate() {
            blob.places.iter().for_each(|place| by_place.entry(place).or_default().push(at));
            if blob.places.is_empty() && blob.access.is_none() {
                loose.push(at);
            }
        }
        (by_place, loose)
    }
}
