//! RocksDB's table files (SST), block based, format 6 and later: footer, index of the index, index, data blocks. Keys
//! are prefix-compressed, so they cannot be carved; values are whole.

use crate::log::varint;

const FOOTER: usize = 53;
const TRAILER: usize = 5;
const MAGIC: u64 = 0x88e2_41b7_85f4_cff7;
const ZSTD: u8 = 7;
const BLOCK_BYTES_MAX: usize = 1 << 28;

/// What a table file holds.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) blocks: u64,
    /// Data blocks under a compression; the vault promises that there are none.
    pub(crate) compressed: u64,
    /// Blocks that could not be read at all.
    pub(crate) unread: u64,
    /// Blocks that were compressed, decompressed: to be searched like a file.
    pub(crate) expanded: Vec<Vec<u8>>,
}

/// Whether a file ends as a table file does. One that was copied while it was written does not; its values are whole
/// all the same.
pub(crate) fn is_one(file: &[u8]) -> bool {
    file.ends_with(&MAGIC.to_le_bytes())
}

/// Reads a table file, or says why it cannot.
pub(crate) fn read(file: &[u8]) -> Result<Table, &'static str> {
    let footer = file.len().checked_sub(FOOTER).ok_or("shorter than a footer")?;
    let word = |at: usize| file[at..at + 4].iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    if word(footer + 41) < 6 {
        return Err("a format before 6");
    }
    let size = word(footer + 13) as usize;
    let meta = footer.checked_sub(TRAILER + size).ok_or("no index of the index")?;
    let mut table = Table::default();
    let meta = table.block(file, meta, size).ok_or("an index of the index that cannot be read")?;
    let entries = entries(&meta);
    let (_, index) = entries.iter().find(|(key, _)| key == b"rocksdb.index").ok_or("no index")?;
    let (at, size) = handle(&mut &index[..]).ok_or("no place of the index")?;
    let index = table.block(file, at, size).ok_or("an index that cannot be read")?;
    table.blocks = 0;
    for (at, size) in handles(&index) {
        let Some(block) = table.block(file, at, size) else {
            table.unread += 1;
            continue;
        };
        for (key, value) in self::entries(&block) {
            let user = key.len().saturating_sub(8); // sequence and kind
            table.rows.push((key[..user].to_vec(), value));
        }
    }
    Ok(table)
}

impl Table {
    fn block(&mut self, file: &[u8], at: usize, size: usize) -> Option<Vec<u8>> {
        let stored = file.get(at..at.checked_add(size)?)?;
        self.blocks += 1;
        match *file.get(at + size)? {
            0 => Some(stored.to_vec()),
            kind => {
                self.compressed += 1;
                let mut rest = stored;
                let length = usize::try_from(varint(&mut rest)?).ok().filter(|length| *length <= BLOCK_BYTES_MAX)?;
                let block = (kind == ZSTD).then(|| zstd::bulk::decompress(rest, length).ok()).flatten()?;
                self.expanded.push(block.clone());
                Some(block)
            }
        }
    }
}

/// Keys and values of a block. In an index the lengths of values are left out; see [`handles`].
fn entries(block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = body(block);
    let mut key = Vec::new();
    while !rest.is_empty() {
        let lengths = (varint(&mut rest), varint(&mut rest), varint(&mut rest));
        let (Some(shared), Some(fresh), Some(length)) = lengths else { break };
        let (fresh, length) = (fresh as usize, length as usize);
        let Some((delta, behind)) = rest.split_at_checked(fresh) else { break };
        let Some((value, behind)) = behind.split_at_checked(length) else { break };
        key.truncate(shared as usize);
        key.extend(delta);
        found.push((key.clone(), value.to_vec()));
        rest = behind;
    }
    found
}

/// Where the data blocks are: the first of an interval in full, the others by the change of their size.
fn handles(block: &[u8]) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut rest = body(block);
    while !rest.is_empty() {
        let (Some(shared), Some(fresh)) = (varint(&mut rest), varint(&mut rest)) else { break };
        let Some((_, behind)) = rest.split_at_checked(fresh as usize) else { break };
        rest = behind;
        let next = match (shared, found.last()) {
            (1.., Some((at, size))) => varint(&mut rest).map(|change| {
                let signed = (change >> 1) as i64 ^ -((change & 1) as i64);
                (at + size + TRAILER, size.wrapping_add_signed(signed as isize))
            }),
            _ => handle(&mut rest),
        };
        match next {
            Some(next) => found.push(next),
            None => break,
        }
    }
    found
}

fn handle(rest: &mut &[u8]) -> Option<(usize, usize)> {
    Some((usize::try_from(varint(rest)?).ok()?, usize::try_from(varint(rest)?).ok()?))
}

/// The entries of a block, without restarts, hash index and footer.
fn body(block: &[u8]) -> &[u8] {
    let Some((front, footer)) = block.split_last_chunk::<4>() else { return &[] };
    let footer = u32::from_le_bytes(*footer);
    let restarts = 4 * (footer & 0x0fff_ffff) as usize;
    let hash = match (footer >> 31, front) {
        (1, [.., low, high]) => 2 + usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    };
    front.get(..front.len().saturating_sub(restarts + hash)).unwrap_or_default()
}
