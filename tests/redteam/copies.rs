//! What else holds rows: mirrors and redo capsules (FORMAT.md, sections 12 and 13). Their rows are found by the magic of
//! the envelope as well; read as what they are, they tell where each belongs.

const MIRROR: &[u8] = b"MVMIRR1\n";
const CAPSULE: &[u8] = b"MVREDO1\n";
const FRAME_HEAD: usize = 13;
const PUT: usize = 1;

type Row<'a> = (&'a [u8], &'a [u8]);

/// The rows of a mirror's file or of a capsule; none if it is neither.
pub(crate) fn rows(file: &[u8]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    if let Some(frames) = file.strip_prefix(MIRROR) {
        let _cut = mirror(frames, &mut rows);
    } else if let Some(body) = file.strip_prefix(CAPSULE) {
        let _cut = capsule(body, &mut rows);
    }
    rows
}

fn mirror<'a>(mut rest: &'a [u8], rows: &mut Vec<Row<'a>>) -> Option<()> {
    loop {
        let length = number(&mut rest, 4)?;
        let (head, behind) = rest.split_at_checked(FRAME_HEAD - 4)?;
        let (body, behind) = behind.split_at_checked(length)?;
        rest = behind.get(4..)?;
        if matches!(head[8], 1 | 2) {
            let _cut = operations(body, rows);
        }
    }
}

fn operations<'a>(mut rest: &'a [u8], rows: &mut Vec<Row<'a>>) -> Option<()> {
    while !rest.is_empty() {
        let kind = number(&mut rest, 1)?;
        let _keyspace = number(&mut rest, 1)?;
        let (first, second) = (number(&mut rest, 4)?, number(&mut rest, 4)?);
        let (key, row) = (take(&mut rest, first)?, take(&mut rest, second)?);
        // Of a deletion the key tells of a member, too.
        rows.push((key, if kind == PUT { row } else { &[] }));
    }
    Some(())
}

fn capsule<'a>(mut rest: &'a [u8], rows: &mut Vec<Row<'a>>) -> Option<()> {
    take(&mut rest, 16 + 8 + 32 + 32 + 8)?;
    for _ in 0..number(&mut rest, 4)? {
        let length = number(&mut rest, 2)?;
        take(&mut rest, length)?;
    }
    for _ in 0..number(&mut rest, 4)? {
        take(&mut rest, 1)?;
        for _ in 0..2 {
            let length = number(&mut rest, 2)?;
            take(&mut rest, length)?;
        }
    }
    for _ in 0..number(&mut rest, 4)? {
        take(&mut rest, 1)?;
        let key = number(&mut rest, 2)?;
        let key = take(&mut rest, key)?;
        let row = number(&mut rest, 4)?;
        rows.push((key, take(&mut rest, row)?));
    }
    Some(())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

fn number(rest: &mut &[u8], length: usize) -> Option<usize> {
    Some(take(rest, length)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}
