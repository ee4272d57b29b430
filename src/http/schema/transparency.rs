//! Schemas of what members learn about the use of their data.

#![allow(dead_code, reason = "these types only describe")]

use utoipa::ToSchema;

shapes! {
    /// What happened to a member's data.
    struct History {
        /// The acts, oldest first.
        items: Vec<HistoryEntry>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// One act on a member's data.
    struct HistoryEntry {
        /// Its leaf in the ledger, by which its evidence is found.
        leaf: u64,
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// What was done, such as `record.read`.
        what: String,
        /// In which role.
        #[schema(nullable = false)]
        role: Option<String>,
        /// By whose people or machines.
        #[schema(nullable = false)]
        organisation: Option<String>,
        /// By which token. A member is not shown those of others.
        #[schema(nullable = false)]
        token: Option<String>,
        /// For which purpose.
        #[schema(nullable = false)]
        purpose: Option<String>,
        /// To which recipient outside it went.
        #[schema(nullable = false)]
        recipient: Option<String>,
        /// In which compartment.
        #[schema(nullable = false)]
        compartment: Option<String>,
        /// On which record.
        #[schema(nullable = false)]
        record: Option<String>,
        /// The version that was read or written.
        #[schema(nullable = false)]
        version: Option<u64>,
        /// The fields that were shown as they are; absent where all there were.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// The fields of which a glimpse or a pseudonym was shown.
        #[schema(nullable = false)]
        masked: Option<Vec<String>>,
        /// Record by record, where several were shown and not all of each.
        #[schema(nullable = false)]
        records: Option<Vec<ShownPart>>,
    }

    /// What was shown of one record of several.
    struct ShownPart {
        /// The compartment.
        compartment: String,
        /// The record.
        record: String,
        /// The fields shown as they are; absent where all there were.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// The fields of which a glimpse or a pseudonym was shown.
        #[schema(nullable = false)]
        masked: Option<Vec<String>>,
    }
}
