//! Archives: zip (PKWARE APPNOTE 6.3), stored, UTF-8 names, no zip64. As little of it as a bundle needs, so that nothing
//! of it can surprise; what others packed anew, compressed, is not read.

use std::collections::BTreeMap;

use crate::secret::Wiped;

use super::File;
use super::verify::FILES_MAX;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const VERSION: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const STORED: u16 = 0;
/// 1980-01-01: the archive says nothing of time that the manifest does not.
const DATE: u16 = 0x21;
const END_LEN: usize = 22;
const LOCAL_LEN: usize = 30;
const CENTRAL_LEN: usize = 46;

/// Why an archive is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// Not one, or cut off.
    #[error("this is no archive of a bundle, or only a part of one")]
    Malformed,
    /// Packed by something else.
    #[error("this archive was packed anew; unpack it, and name the directory")]
    Packed,
}

/// The files as an archive.
pub(super) fn write(files: &[File]) -> Wiped {
    let room: usize = files.iter().map(|file| file.content.len() + file.name.len() * 2 + 128).sum();
    let mut out = Wiped::with_capacity(room + END_LEN);
    let mut central = Vec::with_capacity(files.len() * 64);
    for file in files {
        let offset = out.len();
        let described = described(file);
        put32(&mut out, LOCAL);
        out.extend_from_slice(&described);
        out.extend_from_slice(file.name.as_bytes());
        out.extend_from_slice(&file.content);
        put32(&mut central, CENTRAL);
        put16(&mut central, VERSION);
        central.extend_from_slice(&described);
        // Comment, disk, internal and external attributes: nothing.
        central.extend_from_slice(&[0; 10]);
        put32(&mut central, u32::try_from(offset).unwrap_or(u32::MAX));
        central.extend_from_slice(file.name.as_bytes());
    }
    let (start, count) = (out.len(), u16::try_from(files.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(&central);
    put32(&mut out, END);
    put32(&mut out, 0);
    put16(&mut out, count);
    put16(&mut out, count);
    put32(&mut out, u32::try_from(central.len()).unwrap_or(u32::MAX));
    put32(&mut out, u32::try_from(start).unwrap_or(u32::MAX));
    put16(&mut out, 0);
    out
}

/// What local and central header have in common.
fn described(file: &File) -> Vec<u8> {
    let size = u32::try_from(file.content.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(26);
    for number in [VERSION, FLAGS, STORED, 0, DATE] {
        put16(&mut bytes, number);
    }
    put32(&mut bytes, crc32fast::hash(&file.content));
    put32(&mut bytes, size);
    put32(&mut bytes, size);
    put16(&mut bytes, u16::try_from(file.name.len()).unwrap_or(u16::MAX));
    put16(&mut bytes, 0);
    bytes
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// The files of an archive, by name.
///
/// # Errors
/// [`ZipError`] for what this module would not have written.
pub fn read(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ZipError> {
    let end = archive.len().checked_sub(END_LEN).ok_or(ZipError::Malformed)?;
    if u32_at(archive, end)? != END {
        return Err(ZipError::Malformed);
    }
    let count = usize::from(u16_at(archive, end + 10)?);
    let mut at = size_at(archive, end + 16)?;
    let mut files = BTreeMap::new();
    if count > FILES_MAX {
        return Err(ZipError::Malformed);
    }
    for _ in 0..count {
        if u32_at(archive, at)? != CENTRAL {
            return Err(ZipError::Malformed);
        }
        if u16_at(archive, at + 10)? != STORED || u16_at(archive, at + 8)? & 1 != 0 {
            return Err(ZipError::Packed);
        }
        let (crc, size) = (u32_at(archive, at + 16)?, size_at(archive, at + 20)?);
        let lens = [28, 30, 32].map(|from| u16_at(archive, at + from).map(usize::from));
        let [name_len, extra_len, comment_len] = lens;
        let (name_len, rest) = (name_len?, extra_len? + comment_len?);
        let name = slice(archive, at + CENTRAL_LEN, name_len)?;
        let name = std::str::from_utf8(name).map_err(|_| ZipError::Malformed)?;
        let local = size_at(archive, at + 42)?;
        if u32_at(archive, local)? != LOCAL {
            return Err(ZipError::Malformed);
        }
        let skipped = usize::from(u16_at(archive, local + 26)?) + usize::from(u16_at(archive, local + 28)?);
        let content = slice(archive, local + LOCAL_LEN + skipped, size)?;
        if crc32fast::hash(content) != crc || files.insert(name.to_owned(), content.to_vec()).is_some() {
            return Err(ZipError::Malformed);
        }
        at = at + CENTRAL_LEN + name_len + rest;
    }
    Ok(files)
}

fn slice(bytes: &[u8], from: usize, len: usize) -> Result<&[u8], ZipError> {
    let to = from.checked_add(len).ok_or(ZipError::Malformed)?;
    bytes.get(from..to).ok_or(ZipError::Malformed)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ZipError> {
    slice(bytes, at, 2)?.try_into().map(u16::from_le_bytes).map_err(|_| ZipError::Malformed)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ZipError> {
    slice(bytes, at, 4)?.try_into().map(u32::from_le_bytes).map_err(|_| ZipError::Malformed)
}

fn size_at(bytes: &[u8], at: usize) -> Result<usize, ZipError> {
    usize::try_from(u32_at(bytes, at)?).map_err(|_| ZipError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &'static str, bytes: &[u8]) -> File {
        let mut content = Wiped::with_capacity(bytes.len());
        content.extend_from_slice(bytes);
        File { name, content }
    }

    #[test]
    fn an_archive_reads_back_and_no_part_of_one_does() {
        let archive = write(&[file("a.json", b"{}"), file("empty", b""), file("b.csv", &[7; 3000])]);
        let files = read(&archive).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.json", "b.csv", "empty"]);
        assert_eq!(files["b.csv"], [7; 3000]);
        for cut in 0..archive.len() {
            assert!(read(&archive[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn whatever_is_read_does_not_panic_and_changed_content_is_noticed() {
        let archive = write(&[file("a.json", b"{\"a\": 1}"), file("b", b"second")]);
        for at in 0..archive.len() {
            for change in [0x00, 0x01, 0x80, 0xff] {
                let mut changed = archive.to_vec();
                changed[at] ^= change;
                let _ = read(&changed);
            }
        }
        let mut changed = archive.to_vec();
        let at = changed.windows(6).position(|part| part == b"second").unwrap();
        changed[at] = b'S';
        assert_eq!(read(&changed), Err(ZipError::Malformed));
    }
}
