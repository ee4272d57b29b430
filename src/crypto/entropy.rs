//! Where random bytes come from. Handed in everywhere, so that tests can run the whole core under a seed.

use std::cell::RefCell;

use zeroize::Zeroize;

use super::CryptoError;

/// A source of random bytes for keys and salts.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` with bytes nobody can predict.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;
}

/// The operating system's generator, asked for a kilobyte at a time.
///
/// Each thread has its own store. Bytes are wiped as they are handed out, so no two threads ever hand out the same. A
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
}

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store { bytes: [0; STORE_LEN], left: 0 }) };
}

impl Entropy for OsEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        if out.len() > STORED_MAX {
            return from_system(out);
        }
        // While a thread ends its store may be gone already.
        STORE.try_with(|store| store.borrow_mut().take(out)).unwrap_or_else(|_| from_system(out))
    }
}

impl Store {
    fn take(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        if self.left < out.len() {
            self.left = 0;
            from_system(&mut self.bytes)?;
            self.left = STORE_LEN;
        }
        let start = STORE_LEN.saturating_sub(self.left);
        let end = start.saturating_add(out.len());
        let taken = self.bytes.get_mut(start..end).ok_or(CryptoError::Primitive)?;
        out.copy_from_slice(taken);
        taken.zeroize();
        self.left = STORE_LEN.saturating_sub(end);
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

fn from_system(out: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(out).map_err(CryptoError::Entropy)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_handed_out_twice() {
        let draw = || {
            let salt = || {
                let mut salt = [0; 32];
                OsEntropy.fill(&mut salt).map(|()| salt)
            };
            std::iter::repeat_with(salt).take(100).collect::<Result<Vec<_>, _>>().unwrap()
        };
        let threads = [draw, draw, draw].map(std::thread::spawn);
        let salts: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).chain(draw()).collect();
        assert_eq!(salts.len(), 400);
    }

    #[test]
    fn bytes_are_wiped_as_they_leave_the_store() {
        let mut store = Store { bytes: [0; STORE_LEN], left: 0 };
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
