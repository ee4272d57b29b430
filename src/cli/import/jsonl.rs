//! Rows of a JSON Lines file: one object a line.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::mapping::{Destination, Mapping};
use super::row::{Fault, ROW_BYTES_MAX, Reason, Reject, Row, Rows};

/// Reads rows from JSON Lines.
pub(super) struct JsonLines<R> {
    input: R,
    mapping: Mapping,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> JsonLines<R> {
    /// Reads `input`, which has no byte order mark.
    pub(super) fn new(input: R, mapping: Mapping) -> Self {
        Self { input, mapping, line: 0, buffer: Vec::new() }
    }

    /// Reads one line into the buffer; what lies beyond the limit is skipped, not kept.
    fn read_line(&mut self) -> io::Result<Line> {
        self.buffer.clear();
        self.line += 1;
        let most = ROW_BYTES_MAX as u64 + 1;
        if self.input.by_ref().take(most).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(Line::End);
        }
        if self.buffer.last() != Some(&b'\n') && self.buffer.len() > ROW_BYTES_MAX {
            self.input.skip_until(b'\n')?;
            return Ok(Line::TooLarge);
        }
        Ok(Line::Read)
    }

    fn row(&self) -> Result<Row, Reject> {
        let profile = self.profile(&self.buffer).map_err(|fault| Reject { line: self.line, fault })?;
        Ok(Row { line: self.line, bytes: self.buffer.len(), profile })
    }

    fn profile(&self, bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::row(Reason::NotUtf8))?;
        let Entries(entries) = serde_json::from_str(text).map_err(|error| {
            // Every JSON value is readable, so an error of data says that the outermost is not an object.
            Fault::row(if error.is_data() { Reason::NotAnObject } else { Reason::NotJson })
        })?;
        let mut profile = Map::new();
        for (name, value) in entries {
            match self.mapping.destination(&name) {
                Some(Destination::To(target)) => target.put_value(&mut profile, value)?,
                Some(Destination::Out) => {}
                // The name is not repeated: it may be anything, a person's name too.
                None => return Err(Fault::row(Reason::InvalidFieldName)),
            }
        }
        Ok(profile)
    }
}

enum Line {
    Read,
    TooLarge,
    End,
}

impl<R: BufRead> Rows for JsonLines<R> {
    fn next_row(&mut self) -> io::Result<Option<Result<Row, Reject>>> {
        loop {
            match self.read_line()? {
                Line::End => return Ok(None),
                Line::TooLarge => {
                    return Ok(Some(Err(Reject { line: self.line, fault: Fault::row(Reason::RowTooLarge) })));
                }
                Line::Read if self.buffer.trim_ascii().is_empty() => {}
                Line::Read => return Ok(Some(self.row())),
            }
        }
    }
}

/// The entries of an object in order, so that a name that stands twice is seen and not silently the last.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::drain;
    use super::*;

    #[track_caller]
    fn check(input: impl AsRef<[u8]>, rules: &[&str], expected: &[&str]) {
        let mapping = Mapping::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        assert_eq!(drain(JsonLines::new(input.as_ref(), mapping)), expected);
    }

    #[test]
    fn objects_are_read_line_by_line() {
        check("", &[], &[]);
        check("\n\r\n", &[], &[]);
        check("{\"name\":\"Ada\"}\n\n{\"name\":\"Bo\"}", &[], &[r#"1 {"name":"Ada"}"#, r#"3 {"name":"Bo"}"#]);
        check("{\"a\":1,\"b\":null,\"c\":\"\"}\r\n", &[], &[r#"1 {"a":1}"#]);
        check("{\"consent_x\":\"yes\",\"consents\":{}}", &["consents=-"], &[r#"1 {"consents":{"x":true}}"#]);
        check("{\"Mail\":\"a\"}", &["Mail=email"], &[r#"1 {"email":"a"}"#]);
        check("{\"name\":\"日本\\n語\"}", &[], &[r#"1 {"name":"日本\n語"}"#]);
    }

    #[test]
    fn broken_lines_are_rejected_and_the_next_one_is_read() {
        let next = r#"2 {"a":1}"#;
        let cases: [(&[u8], &str); 9] = [
            (b"{\"a\":", "1 not_json -"),
            (b"{\"a\":1} x", "1 not_json -"),
            (b"{'a':1}", "1 not_json -"),
            (b"[1]", "1 not_an_object -"),
            (b"\"ada@example.org\"", "1 not_an_object -"),
            (b"{\"a\":\"\xff\"}", "1 not_utf8 -"),
            (b"{\"a\":1,\"a\":2}", "1 duplicate_field a"),
            (b"{\"ada@example.org\":1}", "1 invalid_field_name -"),
            (b"{\"consent_x\":\"maybe\"}", "1 not_yes_or_no consents.x"),
        ];
        for (line, expected) in cases {
            check([line, b"\n{\"a\":1}"].concat(), &[], &[expected, next]);
        }
        check("[".repeat(100_000) + "\n{\"a\":1}", &[], &["1 not_an_object -", next]);
        check(format!("{{\"a\":{}1\n{{\"a\":1}}", "[".repeat(100_000)), &[], &["1 not_json -", next]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let long = format!("{{\"a\":\"{}\"}}\n{{\"a\":1}}\n", "x".repeat(3 * ROW_BYTES_MAX));
        check(long, &[], &["1 row_too_large -", r#"2 {"a":1}"#]);
    }

    #[test]
    fn a_line_at_the_limit_is_read() {
        let rest = "{\"a\":\"\"}".len();
        let line = format!("{{\"a\":\"{}\"}}", "x".repeat(ROW_BYTES_MAX - rest));
        let mut rows = JsonLines::new(line.as_bytes(), Mapping::default());
        assert_eq!(rows.next_row().unwrap().unwrap().unwrap().bytes, ROW_BYTES_MAX);
    }
}
