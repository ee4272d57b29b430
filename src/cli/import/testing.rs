//! For the tests of this folder: rows as one line of text each.

use super::row::Rows;

/// Every row as `line {json}`, every reject as `line reason field`.
pub(super) fn drain(mut rows: impl Rows) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        lines.push(match row {
            Ok(row) => format!("{} {}", row.line, serde_json::Value::Object(row.profile)),
            Err(reject) => {
                format!("{} {} {}", reject.line, reject.fault.reason, reject.fault.field.as_deref().unwrap_or("-"))
            }
        });
    }
    lines
}
