//! One mirror directory as it is written: its log grows with every batch, and a new base makes old logs needless.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files;
use super::frame::{self, Kind};
use super::read::Tail;

/// A directory, and how it stands.
pub(super) struct Mirror {
    pub(super) directory: PathBuf,
    /// Changes whenever another file becomes the log.
    pub(super) generation: u64,
    pub(super) log: Option<Log>,
    /// Another process has it. What that writes may be newer than this engine, so it is never taken over.
    pub(super) taken: bool,
    /// A log that counts once its base is complete: of a mirror that was away.
    pub(super) next: Option<Log>,
}

/// The log that batches are added to.
pub(super) struct Log {
    pub(super) file: Arc<File>,
    pub(super) sequence: u64,
    pub(super) bytes: u64,
    /// Held as long as the log is written.
    lock: Arc<File>,
}

impl Mirror {
    pub(super) const fn away(directory: PathBuf) -> Self {
        Self { directory, generation: 0, log: None, taken: false, next: None }
    }

    /// A mirror whose last batch is the engine's last: its log goes on after `tail`.
    pub(super) fn resumed(directory: PathBuf, tail: Tail) -> io::Result<Self> {
        let lock = Arc::new(files::lock(&directory)?);
        files::remove_parts(&directory)?;
        let mut log = Log::begin(&files::log(&directory, tail.sequence), false, tail.sequence, lock)?;
        log.put(tail.on_disk, Kind::OnDisk, &[])?;
        File::open(&directory)?.sync_all()?;
        Ok(Self { directory, generation: 0, log: Some(log), taken: false, next: None })
    }

    /// Whether every batch is written here.
    pub(super) const fn is_whole(&self) -> bool {
        self.log.is_some()
    }

    /// Adds a batch to whatever logs there are.
    pub(super) fn add(&mut self, body: &[u8]) {
        let failed = |log: &mut Option<Log>| log.as_mut().and_then(|log| log.add(body).err());
        if let Some(error) = failed(&mut self.log) {
            self.fail(&error);
        }
        if failed(&mut self.next).is_some() {
            self.next = None; // its base will find out
        }
    }

    /// Notes that the engine has brought everything up to `sequence` to its disk.
    pub(super) fn mark(&mut self, sequence: u64) {
        let marked = self.log.as_mut().map(|log| log.put(sequence, Kind::OnDisk, &[]));
        if let Some(Err(error)) = marked {
            self.fail(&error);
        }
    }

    pub(super) fn fail(&mut self, error: &io::Error) {
        if self.log.take().is_some() {
            let directory = self.directory.display();
            tracing::warn!(%directory, %error, "a mirror cannot be written and is away; it is made anew when it is back");
        }
    }

    /// Begins another log from here on. That of a whole mirror follows the log before; that of one that was away counts
    /// only once its base is complete.
    pub(super) fn turn(&mut self) -> io::Result<u64> {
        self.generation += 1;
        match &self.log {
            Some(before) => {
                before.file.sync_data()?;
                let (sequence, lock) = (before.sequence, Arc::clone(&before.lock));
                if before.bytes > 0 {
                    self.log = Some(Log::begin(&files::log(&self.directory, sequence), false, sequence, lock)?);
                }
                Ok(sequence)
            }
            None => {
                let lock = files::lock(&self.directory);
                self.taken = lock.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
                let lock = Arc::new(lock?);
                files::remove_parts(&self.directory)?;
                // After all that lies here, and never the number of a file that does.
                let sequence = files::Names::of(&self.directory)?.last().saturating_add(1 << 32);
                self.next = Some(Log::begin(&files::log(&self.directory, sequence), true, sequence, lock)?);
                Ok(sequence)
            }
        }
    }

    /// The base at `sequence` is complete: the log after it counts, and what lies before does not.
    pub(super) fn settle(&mut self, sequence: u64) -> io::Result<()> {
        if self.log.is_none() {
            let next = self.next.take().ok_or(io::ErrorKind::Interrupted)?;
            next.file.sync_data()?;
            files::publish(&self.directory, &files::log(&self.directory, sequence))?;
            self.log = Some(next);
        }
        files::tidy(&self.directory, sequence)
    }
}

impl Log {
    fn begin(path: &Path, part: bool, sequence: u64, lock: Arc<File>) -> io::Result<Self> {
        let path = if part { files::part(path) } else { path.to_owned() };
        let file = match files::create(&path) {
            // Begun before, and never written to: a torn beginning of this very log.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(&path)?;
                files::create(&path)?
            }
            created => created?,
        };
        file.sync_data()?;
        Ok(Self { file: Arc::new(file), sequence, bytes: 0, lock })
    }

    fn add(&mut self, body: &[u8]) -> io::Result<()> {
        self.put(self.sequence + 1, Kind::Batch, body)?;
        self.sequence += 1;
        Ok(())
    }

    fn put(&mut self, sequence: u64, kind: Kind, body: &[u8]) -> io::Result<()> {
        let frame = frame::frame(sequence, kind, body).ok_or(io::ErrorKind::FileTooLarge)?;
        (&*self.file).write_all(&frame)?;
        self.bytes = self.bytes.saturating_add(frame.len() as u64);
        Ok(())
    }
}
