//! Random bytes under a seed: the same seed gives the same bytes in the same order. Never in a shipped binary.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::crypto::{CryptoError, Entropy, sha256};

/// SHA-256 over seed, request and block numbers.
pub struct SeededEntropy {
    seed: u64,
    requests: AtomicU64,
}

impl SeededEntropy {
    /// A source that always gives the same bytes for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, requests: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        for (block, number) in out.chunks_mut(32).zip(0u64..) {
            let bytes = sha256(&[&self.seed.to_be_bytes(), &request.to_be_bytes(), &number.to_be_bytes()]);
            block.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}
