//! The container of plaintext: wiped when dropped, wiped also where it grew out of its place.

use std::io;

use crate::secret::wipe;

/// Bytes in the clear. No `Debug`, no `Clone`; read through the counted word [`Plaintext::expose`].
#[derive(Default)]
pub struct Plaintext(Vec<u8>);

impl Plaintext {
    /// An empty buffer that will not move until `capacity` bytes are in it.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Takes bytes that were made elsewhere.
    pub const fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len])
    }

    /// The bytes. Every caller of this word is counted.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be changed in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// How many bytes there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends. Where the bytes must move to a larger place, the old place is wiped.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.0.capacity().saturating_sub(self.0.len()) {
            self.move_for(bytes.len());
        }
        self.0.extend_from_slice(bytes);
    }

    #[cold]
    fn move_for(&mut self, more: usize) {
        let needed = self.0.len().saturating_add(more);
        let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
        larger.extend_from_slice(&self.0);
        wipe(&mut std::mem::replace(&mut self.0, larger));
    }

    /// Appends zeroes up to `len` bytes.
    pub fn pad_to(&mut self, len: usize) {
        const ZEROES: [u8; 256] = [0; 256];
        while self.0.len() < len {
            let missing = len.saturating_sub(self.0.len()).min(ZEROES.len());
            self.extend(ZEROES.get(..missing).unwrap_or(&ZEROES));
        }
    }

    /// Keeps the `len` bytes from `start` on, without leaving the buffer.
    pub(super) fn keep(&mut self, start: usize, len: usize) {
        self.0.truncate(start.saturating_add(len));
        let start = start.min(self.0.len());
        self.0.drain(..start);
    }

    /// The bytes, for the readers of this room.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, for the writers of this room.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The vector itself, for a compressor that fills it up to its capacity.
    pub(super) const fn vec_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl io::Write for Plaintext {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    /// In one go: what is written a token at a time need not ask each time how much was taken.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_pads_and_keeps() {
        let mut text = Plaintext::with_capacity(1);
        for round in 0..100u8 {
            text.extend(&[round; 7]);
        }
        assert_eq!(text.len(), 700);
        text.pad_to(1000);
        assert_eq!(text.expose()[699..702], [99, 0, 0]);
        assert_eq!(text.len(), 1000);
        text.keep(693, 8);
        assert_eq!(text.expose(), [99, 99, 99, 99, 99, 99, 99, 0]);
        text.keep(100, 1);
        assert!(text.is_empty());
    }
}
