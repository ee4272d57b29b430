//! A cursor over bytes that are not trusted: every step answers "too short" rather than panic.

use super::CodecError;

/// Reads one layout from front to back.
pub(super) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins, and refuses every version but `version`.
    pub(super) fn new(what: &'static str, bytes: &'a [u8], version: u8) -> Result<Self, CodecError> {
        let mut reader = Self { what, rest: bytes };
        match reader.u8()? {
            found if found == version => Ok(reader),
            found => Err(CodecError::Unknown { what, found }),
        }
    }

    /// Begins a layout that has no version byte.
    pub(super) const fn unversioned(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CodecError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CodecError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// A text behind a one-byte length, parsed.
    pub(super) fn name<T: std::str::FromStr>(&mut self, field: &'static str) -> Result<T, CodecError> {
        let len = usize::from(self.u8()?);
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(|| self.invalid(field))
    }

    /// A name, or nothing where the length is zero.
    pub(super) fn optional_name<T: std::str::FromStr>(&mut self, field: &'static str) -> Result<Option<T>, CodecError> {
        match self.rest.split_first() {
            Some((0, rest)) => {
                self.rest = rest;
                Ok(None)
            }
            _ => self.name(field).map(Some),
        }
    }

    /// Whether nothing is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Ends: nothing may be left.
    pub(super) const fn finish(self) -> Result<(), CodecError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CodecError::Leftover { what: self.what }) }
    }

    /// Ends: what is left must be zeroes, as many as bring `whole` bytes to the next multiple of `block`.
    pub(super) fn finish_padded(self, whole: usize, block: usize) -> Result<(), CodecError> {
        let exact = whole.saturating_sub(self.rest.len()).next_multiple_of(block) == whole;
        if exact && is_zero(self.rest) { Ok(()) } else { Err(CodecError::Leftover { what: self.what }) }
    }

    pub(super) const fn invalid(&self, field: &'static str) -> CodecError {
        CodecError::Invalid { what: self.what, field }
    }

    pub(super) const fn unknown(&self, found: u8) -> CodecError {
        CodecError::Unknown { what: self.what, found }
    }
}

/// Whether all bytes are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte) == 0
}

/// Joins parts of fixed lengths that make `N` bytes together.
#[inline]
pub(super) fn join<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    debug_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), N);
    let mut joined = [0; N];
    let mut rest = joined.as_mut_slice();
    for part in parts {
        // Part by part: every read makes four keys, and byte by byte they cost it a hundredth.
        let Some((here, after)) = rest.split_at_mut_checked(part.len()) else { break };
        here.copy_from_slice(part);
        rest = after;
    }
    joined
}

/// The length of a name as its one-byte prefix. Names are at most 64 bytes by construction.
pub(super) fn name_len(name: &str) -> u8 {
    u8::try_from(name.len()).unwrap_or(u8::MAX)
}
