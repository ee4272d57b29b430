//! Redo capsules in every mirror too, so that a seal that a disk loses can be redone though its capsule is lost with it.

use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::capsules::{Capsules, DirectoryCapsules};

/// Capsules in a directory of their own, copied to mirrors, and looked for in other places where they are missing.
pub struct MirroredCapsules {
    own: DirectoryCapsules,
    mirrors: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl MirroredCapsules {
    /// Capsules in this directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { own: DirectoryCapsules::at(directory), mirrors: Vec::new(), others: Vec::new() }
    }

    /// Copied to these mirrors too.
    #[must_use]
    pub fn copied_to(mut self, mirrors: impl IntoIterator<Item = PathBuf>) -> Self {
        self.mirrors.extend(mirrors);
        self
    }

    /// Looked for here too, and never written.
    #[must_use]
    pub fn or_from(mut self, others: impl IntoIterator<Item = PathBuf>) -> Self {
        self.others.extend(others);
        self
    }
}

impl Capsules for MirroredCapsules {
    fn keep(&self, epoch: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.own.keep(epoch, bytes)?;
        // A mirror that is away is told of by the engine; its directory must not be made in its place.
        for mirror in self.mirrors.iter().filter(|mirror| mirror.is_dir()) {
            if let Err(error) = copied(mirror).keep(epoch, bytes) {
                tracing::warn!(directory = %mirror.display(), %error, "a redo capsule was not copied to a mirror");
            }
        }
        Ok(())
    }

    fn find(&self, epoch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = self.own.find(epoch)?;
        for directory in self.mirrors.iter().chain(&self.others) {
            if found.is_some() {
                break;
            }
            found = copied(directory).find(epoch)?;
        }
        Ok(found)
    }
}

fn copied(directory: &Path) -> DirectoryCapsules {
    DirectoryCapsules::at(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capsule_that_is_lost_is_found_in_a_mirror() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::create_dir(path("mirror")).unwrap();
        let capsules = MirroredCapsules::at(path("own")).copied_to([path("mirror"), path("away")]);
        capsules.keep(7, b"seven").unwrap();
        assert!(!path("away").exists());
        std::fs::remove_dir_all(path("own")).unwrap();
        assert_eq!(capsules.find(7).unwrap().as_deref(), Some(b"seven".as_slice()));
        assert_eq!(capsules.find(8).unwrap(), None);
        let other = MirroredCapsules::at(path("elsewhere")).or_from([path("none"), path("mirror")]);
        assert_eq!(other.find(7).unwrap().as_deref(), Some(b"seven".as_slice()));
    }
}
