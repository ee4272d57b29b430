//! Rows of a CSV file (RFC 4180) with a header.
//!
//! The reader holds one row of bounded size, whatever the file does: a quote that is never closed would otherwise
//! take the rest of the file into memory. Lines are counted here and not by the parser, so that a row after blank lines
//! or after quoted line breaks has the number an editor shows.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;
use serde_json::Map;
use thiserror::Error;

use super::mapping::{Destination, Mapping, Target};
use super::row::{Fault, ROW_BYTES_MAX, Reason, Reject, Row, Rows};

/// Columns of a file. A profile has tens of fields; thousands of columns are not a file of members.
const COLUMNS_MAX: usize = 1024;

/// The header does not say what the columns are. Columns are named by number: where the header is missing, its place
/// is taken by a member's data.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// The file is empty.
    #[error("the file has no header line")]
    Missing,
    /// The header is not text.
    #[error("the header is not UTF-8")]
    NotUtf8,
    /// The header is too long.
    #[error("the header has more than {COLUMNS_MAX} columns or {ROW_BYTES_MAX} bytes")]
    TooLarge,
    /// A column's name is no field name.
    #[error("the header's column {0} is not a field name")]
    Unmapped(usize),
    /// Two columns would become one field.
    #[error("the header's columns {0} and {1} become the same field")]
    Duplicate(usize, usize),
    /// A rule speaks of a column that is not there.
    #[error("no column has the name that stands in rule {0} of --map")]
    UnusedRule(usize),
}

impl HeaderError {
    /// What to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Missing => "begin the file with a line of column names",
            Self::NotUtf8 => "save the file as UTF-8",
            Self::TooLarge => "see whether --delimiter is right and quotes are closed",
            Self::Unmapped(_) => {
                "see that the first line is a header and --delimiter is right, \
                 then name the field with --map COLUMN=FIELD or leave it out with --map COLUMN=-"
            }
            Self::Duplicate(..) => "leave one of them out with --map COLUMN=-",
            Self::UnusedRule(_) => "write the column's name as the header has it",
        }
    }
}

/// Why a CSV file cannot be begun.
#[derive(Debug, Error)]
pub(super) enum OpenError {
    /// Reading failed.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// The header is wrong.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Reads rows from CSV.
pub(super) struct Csv<R> {
    records: Records<R>,
    columns: Vec<Destination>,
}

impl<R: BufRead> Csv<R> {
    /// Reads the header of `input`, which has no byte order mark.
    pub(super) fn open(input: R, delimiter: u8, mapping: &Mapping) -> Result<Self, OpenError> {
        let mut records = Records::new(input, delimiter);
        let columns = match records.read()? {
            Read::End => return Err(HeaderError::Missing.into()),
            Read::TooLarge => return Err(HeaderError::TooLarge.into()),
            Read::Record => plan(&records, mapping)?,
        };
        Ok(Self { records, columns })
    }

    /// The fields the columns become.
    pub(super) fn fields(&self) -> impl Iterator<Item = String> {
        targets(&self.columns).map(|(_, target)| target.name())
    }

    fn row(&self) -> Result<Row, Fault> {
        if self.records.columns() != self.columns.len() {
            return Err(Fault::row(Reason::WrongColumnCount));
        }
        let mut profile = Map::new();
        for (target, cell) in self.columns.iter().zip(self.records.cells()) {
            if let Destination::To(target) = target {
                let text = std::str::from_utf8(cell).map_err(|_| Fault::field(Reason::NotUtf8, target.name()))?;
                target.put_text(&mut profile, text)?;
            }
        }
        Ok(Row { line: self.records.line, bytes: self.records.cells_len, profile })
    }
}

impl<R: BufRead> Rows for Csv<R> {
    fn next_row(&mut self) -> io::Result<Option<Result<Row, Reject>>> {
        let row = match self.records.read()? {
            Read::End => return Ok(None),
            Read::TooLarge => Err(Fault::row(Reason::RowTooLarge)),
            Read::Record => self.row(),
        };
        let line = self.records.line;
        Ok(Some(row.map_err(|fault| Reject { line, fault })))
    }
}

fn targets(columns: &[Destination]) -> impl Iterator<Item = (usize, &Target)> {
    columns.iter().enumerate().filter_map(|(at, destination)| match destination {
        Destination::To(target) => Some((at, target)),
        Destination::Out => None,
    })
}

/// What each column becomes.
fn plan<R>(header: &Records<R>, mapping: &Mapping) -> Result<Vec<Destination>, HeaderError> {
    let mut names = Vec::new();
    let mut columns = Vec::new();
    for (at, cell) in header.cells().enumerate() {
        let name = std::str::from_utf8(cell).map_err(|_| HeaderError::NotUtf8)?.trim();
        columns.push(mapping.destination(name).ok_or(HeaderError::Unmapped(at + 1))?);
        names.push(name);
    }
    for (at, target) in targets(&columns) {
        if let Some((earlier, _)) = targets(&columns).take_while(|(n, _)| *n < at).find(|(_, t)| t.collides(target)) {
            return Err(HeaderError::Duplicate(earlier + 1, at + 1));
        }
    }
    match mapping.columns().position(|column| !names.contains(&column)) {
        Some(rule) => Err(HeaderError::UnusedRule(rule + 1)),
        None => Ok(columns),
    }
}

/// What was read.
enum Read {
    Record,
    TooLarge,
    End,
}

/// The cells of one record after the other, unquoted, as bytes.
struct Records<R> {
    input: R,
    parser: csv_core::Reader,
    /// The line on which the record begins.
    line: u64,
    /// Line breaks read so far.
    breaks: u64,
    /// The cells, one after the other; the buffer is as large as a record may be.
    cells: Box<[u8]>,
    cells_len: usize,
    /// Where each cell ends in `cells`; the buffer holds as many as a record may have.
    ends: Box<[usize]>,
    ends_len: usize,
}

impl<R: BufRead> Records<R> {
    fn new(input: R, delimiter: u8) -> Self {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (cells, ends) = (vec![0; ROW_BYTES_MAX].into(), vec![0; COLUMNS_MAX].into());
        Self { input, parser, line: 0, breaks: 0, cells, cells_len: 0, ends, ends_len: 0 }
    }

    fn read(&mut self) -> io::Result<Read> {
        self.skip_breaks()?;
        self.line = self.breaks + 1;
        (self.cells_len, self.ends_len) = (0, 0);
        let mut too_large = false;
        loop {
            match self.step()? {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    // The rest of the record is parsed into the same place over and over, and so forgotten.
                    (self.cells_len, self.ends_len) = (0, 0);
                    too_large = true;
                }
                ReadRecordResult::Record if too_large => return Ok(Read::TooLarge),
                ReadRecordResult::Record => return Ok(Read::Record),
                ReadRecordResult::End => return Ok(Read::End),
            }
        }
    }

    /// Parses what is at hand.
    fn step(&mut self) -> io::Result<ReadRecordResult> {
        let cells = self.cells.get_mut(self.cells_len..).unwrap_or_default();
        let ends = self.ends.get_mut(self.ends_len..).unwrap_or_default();
        let input = self.input.fill_buf()?;
        let (result, read, written, ended) = self.parser.read_record(input, cells, ends);
        self.breaks += count_breaks(input.get(..read).unwrap_or_default());
        self.input.consume(read);
        self.cells_len += written;
        self.ends_len += ended;
        Ok(result)
    }

    /// Blank lines before a record, and the rest of the line break after the last one, belong to no record.
    fn skip_breaks(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.breaks += count_breaks(input.get(..blank).unwrap_or_default());
            self.input.consume(blank);
            if blank == 0 {
                return Ok(());
            }
        }
    }
}

impl<R> Records<R> {
    fn columns(&self) -> usize {
        self.ends_len
    }

    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.ends.get(..self.ends_len).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| self.cells.get(start..*end).unwrap_or_default())
    }
}

fn count_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::testing::drain;
    use super::*;

    fn open<'a>(input: &'a [u8], rules: &[&str]) -> Result<Csv<&'a [u8]>, OpenError> {
        let mapping = Mapping::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        Csv::open(input, b',', &mapping)
    }

    #[track_caller]
    fn check(input: impl AsRef<[u8]>, rules: &[&str], expected: &[&str]) {
        assert_eq!(drain(open(input.as_ref(), rules).unwrap()), expected);
    }

    #[track_caller]
    fn check_header(input: &[u8], rules: &[&str], expected: &str) {
        let error = open(input, rules).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected), "{}", String::from_utf8_lossy(input));
    }

    #[test]
    fn rows_become_profiles() {
        check("name,city\n", &[], &[]);
        check("name,city\nAda,Paris\nBo,\n", &[], &[r#"2 {"name":"Ada","city":"Paris"}"#, r#"3 {"name":"Bo"}"#]);
        check("name\r\nAda\r\nBo", &[], &[r#"2 {"name":"Ada"}"#, r#"3 {"name":"Bo"}"#]);
        check(" name , city \nAda, x", &[], &[r#"2 {"name":"Ada","city":" x"}"#]);
        check("name,notes\nAda,x", &["notes=-"], &[r#"2 {"name":"Ada"}"#]);
        check("Full Name\n\"Ada \"\"L\"\", Countess\"", &["Full Name=name"], &[r#"2 {"name":"Ada \"L\", Countess"}"#]);
        let row = r#"2 {"preferences":{"topics":["a"]},"consents":{"x":true}}"#;
        check("preferences,consent_x\n\"{\"\"topics\"\":[\"\"a\"\"]}\",yes", &[], &[row]);
    }

    #[test]
    fn lines_are_those_an_editor_shows() {
        let text = "\n\nname,city\n\n\"A\nd\r\na\",x\nBo,y\n\n\r\n\"C\n\",z,\nDi,\"\n\"";
        let rows = [
            r#"5 {"name":"A\nd\r\na","city":"x"}"#,
            r#"8 {"name":"Bo","city":"y"}"#,
            "11 wrong_column_count -",
            r#"13 {"name":"Di","city":"\n"}"#,
        ];
        check(text, &[], &rows);
    }

    #[test]
    fn broken_rows_are_rejected_and_the_next_one_is_read() {
        let next = r#"3 {"name":"Bo"}"#;
        let cases: [(&[u8], &str); 6] = [
            (b"Ada", "2 wrong_column_count -"),
            (b"Ada,x,no,more", "2 wrong_column_count -"),
            (b"\xff,x,no", "2 not_utf8 name"),
            (b"\xc3,x,no", "2 not_utf8 name"),
            (b"Ada,{,no", "2 not_json preferences"),
            (b"Ada,{},perhaps", "2 not_yes_or_no consents.x"),
        ];
        for (row, expected) in cases {
            let file = [b"name,preferences,consent_x\n", row, b"\nBo,,\n"].concat();
            check(file, &[], &[expected, next]);
        }
    }

    #[test]
    fn a_row_that_is_too_large_is_passed_over_in_bounded_memory() {
        let long = "x".repeat(2 * ROW_BYTES_MAX + 7);
        check(format!("name,city\n{long},a\nBo,b\n"), &[], &["2 row_too_large -", r#"3 {"name":"Bo","city":"b"}"#]);
        let commas = ",".repeat(3 * COLUMNS_MAX);
        check(format!("name\n{commas}\nBo\n"), &[], &["2 row_too_large -", r#"3 {"name":"Bo"}"#]);
        check(format!("name\n\"never closed\n{long}"), &[], &["2 row_too_large -"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_the_rest_of_the_file_into_one_row() {
        check("name,city\nAda,x\n\"Bo,y\nCy,z\n", &[], &[r#"2 {"name":"Ada","city":"x"}"#, "3 wrong_column_count -"]);
    }

    #[test]
    fn a_header_that_does_not_fit_is_refused_by_column_number() {
        check_header(b"", &[], "the file has no header line");
        check_header(b"\n\n", &[], "the file has no header line");
        check_header(b"name,\xff", &[], "the header is not UTF-8");
        check_header(b"CRM-1,ada@example.org,Ada", &[], "the header's column 1 is not a field name");
        check_header(b"name,ada@example.org", &[], "the header's column 2 is not a field name");
        check_header(b"name;city", &[], "the header's column 1 is not a field name");
        check_header(b"name,,city", &[], "the header's column 2 is not a field name");
        check_header(b"name,city,name", &[], "the header's columns 1 and 3 become the same field");
        check_header(b"name,n", &["n=name"], "the header's columns 1 and 2 become the same field");
        check_header(b"consent_x,consents", &[], "the header's columns 1 and 2 become the same field");
        check_header(b"name", &["name=name", "n=city"], "no column has the name that stands in rule 2 of --map");
        let wide = ",".repeat(COLUMNS_MAX);
        check_header(wide.as_bytes(), &[], "the header has more than 1024 columns or 1048576 bytes");
    }

    #[test]
    fn the_input_may_come_in_any_pieces() {
        let text = "name,city\r\n\"A\r\nda\",x\r\n\r\nBo,y";
        let expected = drain(open(text.as_bytes(), &[]).unwrap());
        assert_eq!(expected.len(), 2);
        for size in 1..text.len() {
            let pieces = io::BufReader::with_capacity(size, text.as_bytes());
            assert_eq!(drain(Csv::open(pieces, b',', &Mapping::default()).unwrap()), expected, "pieces of {size}");
        }
    }
}
