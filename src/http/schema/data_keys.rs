//! Schemas of rotations of data keys.

#![allow(dead_code, reason = "these types only describe")]

use utoipa::ToSchema;

shapes! {
    /// A compartment got a new data key, or is about to.
    struct KeyRotation {
        /// The member.
        #[schema(format = "uuid")]
        member: String,
        /// The compartment.
        compartment: String,
        /// Records that this request sealed under the new key.
        records: u64,
        /// Whether all of them are, and the old key is dropped. If not, the same request carries on.
        done: bool,
        /// When.
        #[schema(format = DateTime)]
        rotated_at: String,
    }
}
