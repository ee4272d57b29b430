//! Schemas of the data map.

#![allow(dead_code, reason = "these types only describe")]

use utoipa::ToSchema;

shapes! {
    /// A data map.
    struct DataMap {
        /// SHA-256 of its text, hexadecimal.
        sha256: String,
        /// Whether writes may only name what it declares.
        strict: bool,
        /// Since when it is in force, or when it came into force.
        #[schema(format = DateTime, nullable = false)]
        since: Option<String>,
        /// Its text.
        toml: String,
        /// Those that were in force before, newest first, as far as they are kept.
        #[schema(nullable = false)]
        earlier: Option<Vec<EarlierDataMap>>,
    }

    /// A data map that was in force.
    struct EarlierDataMap {
        /// SHA-256 of its text, hexadecimal.
        sha256: String,
        /// From when on it was in force.
        #[schema(format = DateTime)]
        since: String,
    }

    /// What a reload did.
    struct DataMapChange {
        /// SHA-256 of the map in force, hexadecimal.
        sha256: String,
        /// Whether it is another than before.
        changed: bool,
    }
}
