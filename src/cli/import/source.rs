//! The file of members: found, its form known, its byte order mark passed over, and its reading measured.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::csv::{Csv, OpenError};
use super::jsonl::JsonLines;
use super::mapping::Mapping;
use super::row::Rows;
use crate::cli::failure::Failure;
use crate::code::Code;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;
/// UTF-8's byte order mark, with which some programs begin a file.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
    /// One JSON object a line
    Jsonl,
}

impl Format {
    /// The form that the file's name tells.
    fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// An opened file of members.
pub(super) struct Source {
    /// The rows.
    pub(super) rows: Box<dyn Rows + Send>,
    /// Bytes of the file, if it has an end that is known.
    pub(super) bytes: Option<u64>,
    /// Bytes read so far.
    pub(super) read: Arc<AtomicU64>,
    /// The fields that the header promises; `None` if the form has no header.
    pub(super) fields: Option<Vec<String>>,
}

impl Source {
    /// Opens `path`, or standard input for `-`.
    pub(super) fn open(path: &Path, format: Option<Format>, delimiter: u8, mapping: Mapping) -> Result<Self, Failure> {
        let format = format.or_else(|| Format::of_path(path)).ok_or_else(|| {
            Failure::usage(
                format!("the form of the file cannot be told from its name: {}", path.display()),
                "give --format csv or --format jsonl",
            )
        })?;
        let (input, bytes) = open(path).map_err(|error| unreadable(path, error))?;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { input, read: Arc::clone(&read) };
        let input = without_mark(counted).map_err(|error| unreadable(path, error))?;
        match format {
            Format::Jsonl => Ok(Self { rows: Box::new(JsonLines::new(input, mapping)), bytes, read, fields: None }),
            Format::Csv => {
                let rows = Csv::open(input, delimiter, &mapping).map_err(|error| refused(path, error))?;
                let fields = Some(rows.fields().collect());
                Ok(Self { rows: Box::new(rows), bytes, read, fields })
            }
        }
    }
}

/// Whether `path` stands for standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// The failure of reading `path`.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::io(format_args!("the file of members cannot be read: {}", path.display()), error)
}

fn refused(path: &Path, error: OpenError) -> Failure {
    match error {
        OpenError::Io(error) => unreadable(path, error),
        OpenError::Header(error) => {
            let what = format!("{error}: {}", path.display());
            Failure::new(Code::InvalidRequest, what, error.advice())
        }
    }
}

fn open(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if is_standard_input(path) {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
}

/// The input without a byte order mark at its beginning.
fn without_mark(mut input: impl Read + Send + 'static) -> io::Result<impl BufRead + Send> {
    let mut head = Vec::with_capacity(BYTE_ORDER_MARK.len());
    input.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head)?;
    if head == BYTE_ORDER_MARK {
        head.clear();
    }
    Ok(BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(input)))
}

struct Counted<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::drain;
    use super::*;

    fn open_file(name: &str, content: &[u8]) -> Result<Source, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        Source::open(&path, None, b',', Mapping::default())
    }

    #[test]
    fn the_name_tells_the_form_and_a_mark_is_passed_over() {
        let marked = |text: &str| [&BYTE_ORDER_MARK, text.as_bytes()].concat();
        for (name, content) in [
            ("a.csv", b"name\nAda".to_vec()),
            ("a.CSV", marked("name\nAda")),
            ("a.jsonl", b"\n{\"name\":\"Ada\"}".to_vec()),
            ("a.ndjson", marked("\n{\"name\":\"Ada\"}")),
        ] {
            let source = open_file(name, &content).ok().unwrap();
            assert_eq!(source.bytes, Some(content.len() as u64));
            assert_eq!(drain(source.rows), [r#"2 {"name":"Ada"}"#], "{name}");
            assert_eq!(source.read.load(Ordering::Relaxed), content.len() as u64);
        }
        assert!(open_file("a.xlsx", b"PK").is_err());
        assert!(open_file("a.csv", &BYTE_ORDER_MARK).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_or_no_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let open = |path: &Path| Source::open(path, Some(Format::Csv), b',', Mapping::default()).err().unwrap().code();
        assert_eq!(open(&directory.path().join("absent.csv")), Code::Io);
        assert_eq!(open(directory.path()), Code::Io);
    }
}
