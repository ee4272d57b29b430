//! Where random bytes come from. Handed in everywhere, so that tests can run the whole core under a seed.

use std::cell::RefCell;
use std::thread::LocalKey;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};

use super::CryptoError;
use crate::secret::{Passing, wipe_slice};

/// A source of random bytes for keys and salts.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` with bytes nobody can predict.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;

    /// Fills `out` with such bytes that everybody may see once they are used: salts, ids of requests. Never for keys.
    fn fill_public(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        self.fill(out)
    }
}

/// The operating system's generator, asked for a kilobyte at a time. What is public anyway is a kilobyte of ChaCha20 under
/// a fresh key of that generator, which is forgotten at once: a tenth of the time, and a read takes 48 such bytes.
///
/// Each thread has its own stores. Bytes are wiped as they are handed out, so no two threads ever hand out the same. A
/// fork would copy a store, but nothing here can fork and go on running this code: that takes `unsafe`, which is
/// forbidden, and what starts other programs (`std::process`) executes them at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

const STORE_LEN: usize = 1024;
/// Longer requests go to the operating system directly.
const STORED_MAX: usize = 128;

struct Store {
    bytes: [u8; STORE_LEN],
    /// Bytes not yet handed out: the last ones.
    left: usize,
    refill: fn(&mut [u8]) -> Result<(), CryptoError>,
}

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store::of(from_system)) };
    static PUBLIC: RefCell<Store> = const { RefCell::new(Store::of(expanded)) };
}

impl Entropy for OsEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        stored(&STORE, out)
    }

    fn fill_public(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        stored(&PUBLIC, out)
    }
}

fn stored(store: &'static LocalKey<RefCell<Store>>, out: &mut [u8]) -> Result<(), CryptoError> {
    if out.len() > STORED_MAX {
        return from_system(out);
    }
    // While a thread ends its store may be gone already.
    store.try_with(|store| store.borrow_mut().take(out)).unwrap_or_else(|_| from_system(out))
}

impl Store {
    const fn of(refill: fn(&mut [u8]) -> Result<(), CryptoError>) -> Self {
        Self { bytes: [0; STORE_LEN], left: 0, refill }
    }

    fn take(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        if self.left < out.len() {
            self.left = 0;
            (self.refill)(&mut self.bytes)?;
            self.left = STORE_LEN;
        }
        let start = STORE_LEN.saturating_sub(self.left);
        let end = start.saturating_add(out.len());
        let taken = self.bytes.get_mut(start..end).ok_or(CryptoError::Primitive)?;
        out.copy_from_slice(taken);
        wipe_slice(taken);
        self.left = STORE_LEN.saturating_sub(end);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        wipe_slice(&mut self.bytes);
    }
}

fn from_system(out: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(out).map_err(CryptoError::Entropy)
}

/// What ChaCha20 makes of a fresh key.
fn expanded(out: &mut [u8]) -> Result<(), CryptoError> {
    let mut key = Passing::new([0; 32]);
    from_system(&mut *key)?;
    out.fill(0);
    // The tag is thrown away: what is wanted is the stream that the zeroes are encrypted with.
    let tag = ChaCha20Poly1305::new((&*key).into()).encrypt_inout_detached(&Nonce::default(), &[], out.into());
    tag.map(drop).map_err(|_| CryptoError::Primitive)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_handed_out_twice() {
        let draw = || {
            let drawn = |fill: fn(&OsEntropy, &mut [u8]) -> Result<(), CryptoError>| {
                let mut bytes = [0; 32];
                fill(&OsEntropy, &mut bytes).map(|()| bytes)
            };
            let both = || [drawn(OsEntropy::fill), drawn(OsEntropy::fill_public)];
            std::iter::repeat_with(both).take(100).flatten().collect::<Result<Vec<_>, _>>().unwrap()
        };
        let threads = [draw, draw, draw].map(std::thread::spawn);
        let drawn: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).chain(draw()).collect();
        assert_eq!(drawn.len(), 800);
    }

    #[test]
    fn bytes_are_wiped_as_they_leave_the_store() {
        let mut store = Store::of(from_system);
        let mut out = [0; 100];
        for _ in 0..10 {
            store.take(&mut out).unwrap();
        }
        assert_eq!(store.left, 24);
        assert!(store.bytes[..1000].iter().all(|byte| *byte == 0) && store.bytes[1000..] != [0; 24]);
        store.take(&mut out).unwrap();
        assert_eq!(store.left, STORE_LEN - 100);
    }
}
