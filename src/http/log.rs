//! The log for those who verify it: checkpoints, tiles, entries and proofs as C2SP spells them, cosignatures.

use std::fmt;
use std::str::FromStr;

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{LogReader, PLAIN_TEXT, Segments, Text};
use super::problem::Problem;
use super::reply;
use crate::vault::api::TilePath;

/// Bytes of a note with cosignatures.
pub(super) const NOTE_BYTES_MAX: usize = 16 * 1024;

const BINARY: &str = "application/octet-stream";

/// A checkpoint grows old in a moment; what lies below it never changes.
const MOMENT: &str = "max-age=1";
const FOREVER: &str = "max-age=31536000, immutable";

pub(super) async fn checkpoint(reader: LogReader) -> Result<Response, Problem> {
    let anyone = reader.is_anyone();
    let note = reader.aside(|vault, who| vault.log_checkpoint(who).wait()).await?;
    Ok(cached(reply::bytes(PLAIN_TEXT, note.into_bytes()), anyone, MOMENT))
}

pub(super) async fn cosigned(reader: LogReader) -> Result<Response, Problem> {
    let anyone = reader.is_anyone();
    let note = reader.aside(|vault, who| vault.log_cosigned_checkpoint(who).wait()).await?;
    Ok(cached(reply::bytes(PLAIN_TEXT, note.into_bytes()), anyone, MOMENT))
}

pub(super) async fn tile(reader: LogReader, Segments((path,)): Segments<(TilePath,)>) -> Result<Response, Problem> {
    let anyone = reader.is_anyone();
    let tile = reader.aside(move |vault, who| vault.log_tile(who, &path).wait()).await?;
    Ok(cached(reply::bytes(BINARY, tile), anyone, FOREVER))
}

pub(super) async fn proof(reader: LogReader, Segments((index,)): Segments<(LeafIndex,)>) -> Result<Response, Problem> {
    let anyone = reader.is_anyone();
    let proof = reader.aside(move |vault, who| vault.log_proof(who, index.0).wait()).await?;
    Ok(cached(reply::bytes(PLAIN_TEXT, proof.into_bytes()), anyone, MOMENT))
}

pub(super) async fn cosign(reader: LogReader, Text(note): Text<NOTE_BYTES_MAX>) -> Result<Response, Problem> {
    let taken = reader.aside(move |vault, who| vault.log_cosign(who, &note).wait()).await?;
    reply::json(StatusCode::OK, &taken)
}

/// What came with a token stays with whoever sent it.
fn cached(response: Response, anyone: bool, how_long: &str) -> Response {
    let whose = if anyone { "public" } else { "private" };
    reply::with_header(response, header::CACHE_CONTROL, format_args!("{whose}, {how_long}"))
}

/// The index of an entry of the log.
pub(super) struct LeafIndex(u64);

/// The text is no index.
pub(super) struct InvalidIndex;

impl fmt::Display for InvalidIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the index of an entry is a number without leading zeroes")
    }
}

impl FromStr for LeafIndex {
    type Err = InvalidIndex;

    fn from_str(text: &str) -> Result<Self, InvalidIndex> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        text.parse().ok().filter(|_| digits).map(Self).ok_or(InvalidIndex)
    }
}
