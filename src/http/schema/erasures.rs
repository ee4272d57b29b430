//! Schemas of erasures and seals.

#![allow(dead_code, reason = "these types only describe")]

use utoipa::ToSchema;

shapes! {
    /// An erasure.
    struct Erasure {
        /// The erasure.
        #[schema(format = "uuid")]
        id: String,
        /// The member.
        #[schema(format = "uuid")]
        member: String,
        /// `member`, or `compartment` if only one was erased.
        #[schema(pattern = "^(member|compartment)$")]
        scope: String,
        /// How far it has come: `fenced`, `sealed` or `purged`.
        #[schema(pattern = "^(fenced|sealed|purged)$")]
        stage: String,
        /// When it was asked for.
        #[schema(format = DateTime)]
        requested_at: String,
        /// When the fence was durable.
        #[schema(format = DateTime)]
        fenced_at: String,
        /// The index of its leaf in the ledger.
        leaf: u64,
        /// The seal, once there is one.
        #[schema(nullable = false)]
        sealed: Option<Sealed>,
        /// When the live files were found clean of it.
        #[schema(format = DateTime, nullable = false)]
        purged_at: Option<String>,
        /// The recipients that were given data, by name in the register: they are to be told (GDPR Art. 19).
        #[schema(nullable = false)]
        notify: Option<Vec<String>>,
    }

    /// Erasures.
    struct ErasureList {
        /// The erasures.
        items: Vec<Erasure>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// The keys of an erasure are gone.
    struct Sealed {
        /// Since when.
        #[schema(format = DateTime)]
        at: String,
        /// The epoch of the only root of the key tree that was left.
        epoch: u64,
        /// The index of the seal's leaf in the ledger.
        leaf: u64,
    }

    /// What a seal did.
    struct SealReport {
        /// The epoch of the key tree afterwards.
        epoch: u64,
        /// New roots.
        rounds: u32,
        /// Leaves of the key tree that got new keys.
        leaves: u64,
        /// Rows that were wrapped anew.
        rows: u64,
        /// Erasures that are sealed since.
        sealed: u64,
        /// The longest time, in microseconds, that writers had to wait for a round.
        longest_pause_us: u64,
        /// Holders of the keyring that have not dropped the old root; erasures wait for them.
        waiting_for: Vec<String>,
    }

    /// A purge that was begun.
    struct Purging {
        /// Whether one is under way.
        running: bool,
        /// How the last one ended, since the vault was opened.
        #[schema(nullable = false)]
        last: Option<PurgeReport>,
    }

    /// What a purge did.
    struct PurgeReport {
        /// Sealed erasures that were looked for.
        erasures: u64,
        /// Those of which nothing was found: they are purged.
        purged: u64,
        /// Those of which something was found, or for which the search came to no end: they stay sealed.
        found: u64,
        /// In which files, the first few.
        found_in: Vec<String>,
        /// Files read, each as often as it was.
        files: u64,
        /// Bytes read.
        bytes: u64,
        /// Ranges that were cleaned.
        ranges: u64,
        /// Milliseconds of cleaning.
        cleaning_ms: u64,
        /// Milliseconds of searching.
        searching_ms: u64,
    }
}
