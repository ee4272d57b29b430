//! The files of a mirror directory, by name: bases, logs, and what is not finished.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::frame::MAGIC;

/// Held by the process that writes the mirror.
const LOCK_FILE: &str = "lock";
const BASE: (&str, &str) = ("base-", ".mvbase");
const LOG: (&str, &str) = ("log-", ".mvlog");
/// What is not finished has this at the end of its name, and counts nothing.
const PART: &str = ".part";

/// The files that count, each with the number after which it begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) bases: Vec<u64>,
    pub(super) logs: Vec<u64>,
}

impl Names {
    /// Looks into a directory. One that is not there has no files.
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let mut names = Self::default();
        let entries = match directory.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let number = |(before, after): (&str, &str)| {
                name.to_str()?.strip_prefix(before)?.strip_suffix(after)?.parse::<u64>().ok()
            };
            names.bases.extend(number(BASE));
            names.logs.extend(number(LOG));
        }
        names.bases.sort_unstable();
        names.logs.sort_unstable();
        Ok(names)
    }

    /// The greatest number in a name.
    pub(super) fn last(&self) -> u64 {
        self.bases.iter().chain(&self.logs).copied().max().unwrap_or_default()
    }
}

pub(super) fn base(directory: &Path, sequence: u64) -> PathBuf {
    directory.join(format!("{}{sequence:020}{}", BASE.0, BASE.1))
}

pub(super) fn log(directory: &Path, sequence: u64) -> PathBuf {
    directory.join(format!("{}{sequence:020}{}", LOG.0, LOG.1))
}

/// The name while a file is written.
pub(super) fn part(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(PART);
    name.into()
}

/// Keeps other processes from writing to a directory as long as the file is held. The directory must be there: one that
/// is not is a disk that is away, and must not be made in its place.
pub(super) fn lock(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).write(true).mode(0o600).open(directory.join(LOCK_FILE))?;
    lock.try_lock().map_err(io::Error::from)?;
    Ok(lock)
}

/// A new file of a mirror, for the owner alone, with the magic in it.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(MAGIC)?;
    Ok(file)
}

/// Gives a finished file its name.
pub(super) fn publish(directory: &Path, path: &Path) -> io::Result<()> {
    fs::rename(part(path), path)?;
    File::open(directory)?.sync_all()
}

/// Removes what was never finished, and what lies before `sequence`.
pub(super) fn tidy(directory: &Path, sequence: u64) -> io::Result<()> {
    let names = Names::of(directory)?;
    let old_bases = names.bases.iter().filter(|number| **number < sequence).map(|number| base(directory, *number));
    let old_logs = names.logs.iter().filter(|number| **number < sequence).map(|number| log(directory, *number));
    old_bases.chain(old_logs).try_for_each(fs::remove_file)?;
    remove_parts(directory)
}

/// Removes what was never finished.
pub(super) fn remove_parts(directory: &Path) -> io::Result<()> {
    for entry in directory.read_dir()? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(PART) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
