//! RocksDB's log files (write-ahead log, MANIFEST): blocks of 32 KiB that hold fragments of records. Put together again,
//! so that what lies across blocks can be read; the checksums are not looked at, an attacker takes what there is.

const BLOCK: usize = 32 * 1024;
const HEADER: usize = 7;

/// A row of a batch: its key, and its value unless it is a deletion.
pub(crate) type Row<'a> = (&'a [u8], Option<&'a [u8]>);

/// The records of a log file, whole.
pub(crate) fn records(file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for block in file.chunks(BLOCK) {
        let mut rest = block;
        while let Some((header, behind)) = rest.split_at_checked(HEADER) {
            let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
            let Some((payload, next)) = behind.split_at_checked(length) else { break };
            match header[6] {
                0 => break,
                1 => records.push(payload.to_vec()),
                2 => open = Some(payload.to_vec()),
                3 => open.iter_mut().for_each(|record| record.extend(payload)),
                4 => {
                    if let Some(mut record) = open.take() {
                        record.extend(payload);
                        records.push(record);
                    }
                }
                _ => {} // not a part of a batch
            }
            rest = next;
        }
    }
    records.extend(open); // cut by the end of the file
    records
}

/// The rows of a batch, as far as it can be read.
pub(crate) fn batch(record: &[u8]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut rest = record.get(12..).unwrap_or_default();
    while let Some((tag, behind)) = rest.split_first() {
        rest = behind;
        let with_family = matches!(tag, 0x4 | 0x5 | 0x6 | 0x8 | 0xe);
        if with_family && varint(&mut rest).is_none() {
            break;
        }
        match tag {
            0x1 | 0x5 => match (string(&mut rest), string(&mut rest)) {
                (Some(key), Some(value)) => rows.push((key, Some(value))),
                _ => break,
            },
            0x0 | 0x4 | 0x7 | 0x8 => match string(&mut rest) {
                Some(key) => rows.push((key, None)),
                None => break,
            },
            0xe | 0xf => match (string(&mut rest), string(&mut rest)) {
                (Some(from), Some(to)) => rows.extend([(from, None), (to, None)]),
                _ => break,
            },
            0x3 => drop(string(&mut rest)),
            0xd => {}
            _ => break,
        }
    }
    rows
}

/// A number of seven bits a byte, lowest first.
pub(crate) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let (string, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(string)
}
