//! The one container for secret bytes: wiped on drop, never printed, exposed by one word.
//!
//! `Secret` has no `Debug`, `Display`, `Clone`, `PartialEq` or serde implementation, so a key cannot reach a log, an
//! error text or a comparison that leaks timing. `tests/architecture.rs` counts the calls of [`Secret::expose`].
//!
//! ```compile_fail
//! let key = membervault::secret::Secret::new([0u8; 32]);
//! println!("{key:?}"); // a Secret has no Debug
//! ```

use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// A value that is wiped when dropped and can be read only through [`Secret::expose`].
///
/// The value lives on the heap so that moving the `Secret` leaves no copies behind on the stack.
pub struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of `value`. Prefer [`Secret::init_with`] where the value can be made in place.
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    /// The secret itself. Every caller of this word is counted.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + Default> Secret<T> {
    /// Makes the value in place, so that no copy is left where it was built.
    pub fn init_with<E>(fill: impl FnOnce(&mut T) -> Result<(), E>) -> Result<Self, E> {
        let mut place = Box::<T>::default();
        match fill(&mut place) {
            Ok(()) => Ok(Self(place)),
            Err(error) => {
                place.zeroize();
                Err(error)
            }
        }
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A vector that is wiped when dropped, for bytes that are about to leave anyway: it can be read like any other.
///
/// What it outgrew is not wiped, so it is made with room for all that it will hold.
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// Room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites all the vector ever held. As one `memset` that the barrier keeps from being optimised away: the loop of
/// `Zeroize` writes byte by byte, which for a record takes a fifth of the time it takes to open it.
pub fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(bytes.as_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_reaches_the_spare_room() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[7; 64]);
        bytes.truncate(3);
        let place = bytes.as_ptr();
        wipe(&mut bytes);
        assert_eq!((bytes.as_ptr(), bytes.as_slice()), (place, [0; 64].as_slice()));
    }
}
