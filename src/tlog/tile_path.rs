//! Where tiles and bundles of entries lie below `tile/` (C2SP `tlog-tiles`).

use std::fmt;
use std::str::FromStr;

use super::checkpoint::decimal;
use super::tree::{TILE_LEVELS_MAX, TILE_WIDTH};

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes, at this level of tiles.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// A tile or a bundle: `<level>/<index>` or `entries/<index>`, and `.p/<width>` if it is not full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilePath {
    /// What it holds.
    pub kind: TileKind,
    /// Its position among those of its level.
    pub index: u64,
    /// How many of the 256 are asked for.
    pub width: usize,
}

/// The text is not such a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tile is named <level>/<index> or entries/<index>, its index in groups of three digits as in x001/234")]
pub struct InvalidTilePath;

impl FromStr for TilePath {
    type Err = InvalidTilePath;

    fn from_str(text: &str) -> Result<Self, InvalidTilePath> {
        let (kind, rest) = text.split_once('/').ok_or(InvalidTilePath)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level_of(level).ok_or(InvalidTilePath)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, Some(TILE_WIDTH)),
            Some((index, width)) => (index, partial_width(width)),
        };
        let index = index_of(index).ok_or(InvalidTilePath)?;
        Ok(Self { kind, index, width: width.ok_or(InvalidTilePath)? })
    }
}

fn level_of(text: &str) -> Option<u8> {
    decimal(text).and_then(|level| u8::try_from(level).ok()).filter(|level| usize::from(*level) < TILE_LEVELS_MAX)
}

fn partial_width(text: &str) -> Option<usize> {
    decimal(text).and_then(|width| usize::try_from(width).ok()).filter(|width| (1..TILE_WIDTH).contains(width))
}

/// Groups of three digits, all but the last marked with an `x`, the first not zero if there are more.
fn index_of(text: &str) -> Option<u64> {
    let mut groups = text.split('/').peekable();
    let mut index = 0u64;
    let mut first = true;
    while let Some(group) = groups.next() {
        let last = groups.peek().is_none();
        let digits = if last { group } else { group.strip_prefix('x')? };
        let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !three || (first && !last && digits == "000") {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
        first = false;
    }
    Some(index)
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "{level}")?,
            TileKind::Entries => f.write_str("entries")?,
        }
        let digits = self.index.to_string();
        let digits = format!("{}{digits}", "0".repeat(digits.len().next_multiple_of(3) - digits.len()));
        let groups = digits.len() / 3;
        for group in 0..groups {
            let mark = if group + 1 < groups { "x" } else { "" };
            write!(f, "/{mark}{}", digits.get(group * 3..group * 3 + 3).unwrap_or_default())?;
        }
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = |level, index, width| TilePath { kind: TileKind::Hashes(level), index, width };
        for (text, path) in [
            ("0/000", hashes(0, 0, 256)),
            ("0/999", hashes(0, 999, 256)),
            ("0/x001/000", hashes(0, 1_000, 256)),
            ("1/x001/x234/067", hashes(1, 1_234_067, 256)),
            ("2/000.p/1", hashes(2, 0, 1)),
            ("0/x001/234.p/255", hashes(0, 1_234, 255)),
            ("entries/x001/234.p/17", TilePath { kind: TileKind::Entries, index: 1_234, width: 17 }),
        ] {
            assert_eq!(text.parse(), Ok(path), "{text}");
            assert_eq!(path.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn every_path_has_one_spelling(level in 0u8..8, entries: bool, index: u64, width in 1usize..=256) {
            let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
            let path = TilePath { kind, index, width };
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "[0-7e]{1,2}(/x?[0-9]{1,4}){1,3}(\\.p/[0-9]{1,3})?") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "0",
            "0/",
            "0/0",
            "0/00",
            "0/0000",
            "00/000",
            "8/000",
            "64/000",
            "-1/000",
            "0/x000/001",
            "0/x001",
            "0/001/234",
            "0/x001/x234",
            "0/x1/234",
            "0/X001/234",
            "0/000.p",
            "0/000.p/",
            "0/000.p/0",
            "0/000.p/01",
            "0/000.p/256",
            "0/000.p/1.p/1",
            "0/000/",
            "/0/000",
            "0//000",
            "entries",
            "entries/",
            "Entries/000",
            "data/000",
            "0/+01",
            "0/x999/x999/x999/x999/x999/x999/999",
            "../000",
            "0/000.p/1/2",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(InvalidTilePath), "{text}");
        }
    }
}
