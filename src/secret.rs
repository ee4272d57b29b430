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

/// What can be overwritten where it lies, so that no compiler leaves the writes out.
pub trait Wipe {
    /// Overwrites it.
    fn wipe(&mut self);
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        wipe_slice(self);
    }
}

impl<const N: usize, const M: usize> Wipe for [[u8; N]; M] {
    fn wipe(&mut self) {
        wipe_slice(self.as_flattened_mut());
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// A value that is wiped when dropped and can be read only through [`Secret::expose`].
///
/// The value lives on the heap so that moving the `Secret` leaves no copies behind on the stack.
pub struct Secret<T: Wipe>(Box<T>);

impl<T: Wipe> Secret<T> {
    /// Takes ownership of `value`. Prefer [`Secret::init_with`] where the value can be made in place.
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    /// The secret itself. Every caller of this word is counted.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe + Default> Secret<T> {
    /// Makes the value in place, so that no copy is left where it was built.
    pub fn init_with<E>(fill: impl FnOnce(&mut T) -> Result<(), E>) -> Result<Self, E> {
        let mut place = Box::<T>::default();
        match fill(&mut place) {
            Ok(()) => Ok(Self(place)),
            Err(error) => {
                place.wipe();
                Err(error)
            }
        }
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

/// A secret on the stack, on its way from one computation into the next: wiped when dropped.
pub struct Passing<T: Wipe>(T);

impl<T: Wipe> Passing<T> {
    /// Takes ownership of `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Wipe> Deref for Passing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> DerefMut for Passing<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Wipe> Drop for Passing<T> {
    fn drop(&mut self) {
        self.0.wipe();
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

/// Overwrites all the vector ever held.
pub fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(bytes.as_slice());
}

/// Overwrites the bytes. As one `memset` that the barrier keeps from being optimised away: the loop of `Zeroize` writes
/// byte by byte, which for a record takes a fifth of the time it takes to open it.
pub fn wipe_slice(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
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
