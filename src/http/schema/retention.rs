//! Schemas of retention.

#![allow(dead_code, reason = "these types only describe")]

use utoipa::ToSchema;

shapes! {
    /// What is due.
    struct RetentionPlan {
        /// The time it was made for.
        #[schema(format = DateTime)]
        at: String,
        /// What is due, member by member.
        items: Vec<Due>,
        /// Members that were looked at.
        examined: u64,
        /// Members of which something could not be opened.
        unreadable: u64,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// Something whose time is over; in the report of a run, also what went because of that.
    struct Due {
        /// Whose it is.
        #[schema(format = "uuid")]
        member: String,
        /// `member` and `compartment` are erased, a `record` is deleted, `fields` are taken out of their record.
        #[schema(pattern = "^(member|compartment|record|fields)$")]
        what: String,
        /// Where it lies; absent where all of the member is to go.
        #[schema(nullable = false)]
        compartment: Option<String>,
        /// The record, where one is to go, or fields of one.
        #[schema(nullable = false)]
        record: Option<String>,
        /// The fields, where only they are to go.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// By which rule: the retention of the data map, the record's own end, or the end of the consents it lived by.
        #[schema(pattern = "^(retention|expires_at|consent_ended)$")]
        rule: String,
        /// The record type of the data map.
        #[schema(nullable = false)]
        of: Option<String>,
        /// How long it was to be kept, where that is the rule.
        #[schema(nullable = false)]
        period: Option<String>,
        /// Since when it is due.
        #[schema(format = DateTime)]
        due_at: String,
        /// Whether a legal hold keeps it.
        held: bool,
        /// Of what went by being erased: the erasure, whose certificate can be had once it is sealed.
        #[schema(format = "uuid", nullable = false)]
        erasure: Option<String>,
    }

    /// What a run did.
    struct RetentionReport {
        /// When it began.
        #[schema(format = DateTime)]
        at: String,
        /// What went.
        removed: Vec<Due>,
        /// What is due and is kept by a legal hold.
        held: Vec<Due>,
        /// Compartments that got a new data key, because something in them was deleted.
        keys_rotated: u64,
        /// Members that were looked at.
        examined: u64,
        /// Members of which something could not be opened or removed; the next run tries again.
        unreadable: u64,
        /// Where to go on; absent when all members were looked at.
        #[schema(nullable = false)]
        next: Option<String>,
    }
}
