//! The one container for secret bytes: wiped on drop, never printed, exposed by one word.
//!
//! `Secret` has no `Debug`, `Display`, `Clone`, `PartialEq` or serde implementation, so a key cannot reach a log, an
//! error text or a comparison that leaks timing. `tests/architecture.rs` counts the calls of [`Secret::expose`].
//!
//! ```compile_fail
//! let key = membervault::secret::Secret::new([0u8; 32]);
//! println!("{key:?}"); // a Secret has no Debug
//! ```

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
