//! The steps of a seal and their order: one constant that the code iterates and the model checks.
//!
//! The order is not a matter of taste. `tests/seal_model.rs` walks every state of a small world under [`Step::ORDER`],
//! with crashes anywhere, and finds no state in which live data is lost or an erasure that was certified can be undone.
//! For the neighbouring orders it finds one. Whoever changes the order changes what is proved.

/// One step of a seal. Each is durable when it is over, and each can be the last before a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Draw a fresh root, and fresh keys for every leaf and node on a dirty path; write the keyring with both roots,
    /// the present and the next.
    ///
    /// After it: whichever of the two trees the database holds, the keyring opens it. The keys drawn here are good for
    /// this attempt alone: an aborted attempt may have left them on the disk, so the next draws all of them anew.
    Prepare,
    /// One synced batch: what survives on dirty leaves wrapped anew, their nodes up to the root, the new tree epoch.
    ///
    /// After it: the database opens under the next root. Nothing that was erased is below that root. Nothing is gone
    /// yet: the keyring still holds the old root, and old files open with it.
    Commit,
    /// Read back everything the batch rewrote, from the engine, and open it under the next root.
    ///
    /// After it: dropping the old root cannot lose a live row, as far as this disk tells the truth.
    Verify,
    /// Write the redo capsule: the batch again, ciphertext only, in a file of its own, synced.
    ///
    /// After it: if the disk loses the batch that it acknowledged, the new tree can be made again without the old root.
    Capsule,
    /// Write the keyring with the next root alone, here and at every registered holder.
    ///
    /// After it: where a holder has acknowledged, the old root no longer exists, and with it every path to what was
    /// erased. A holder that is away keeps the erasures of this round from being certified.
    Drop,
    /// Wipe the replaced keys from this process's memory.
    ///
    /// After it: no reader starts from an old key; the last one that held one has let go of it.
    Wipe,
    /// Log the seal, and set the erasures it covers to `sealed`, in one synced commit, once every holder has dropped.
    ///
    /// After it: certificates may say so. This is the only step that promises something to others, so it is the last.
    Certify,
}

impl Step {
    /// All steps, in the only order in which they may be taken.
    pub const ORDER: [Self; 7] =
        [Self::Prepare, Self::Commit, Self::Verify, Self::Capsule, Self::Drop, Self::Wipe, Self::Certify];

    /// The word for it, in a report, a log line or a crash point.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Commit => "commit",
            Self::Verify => "verify",
            Self::Capsule => "capsule",
            Self::Drop => "drop",
            Self::Wipe => "wipe",
            Self::Certify => "certify",
        }
    }

    /// The step of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ORDER.into_iter().find(|step| step.name() == name)
    }
}
