//! Bodies that are written.
//!
//! Most replies are written from the facade's own values or around stored bytes; the types here that are never built
//! document them in OpenAPI. The tests over HTTP hold every reply against the document.

#![allow(dead_code, reason = "most of these types only describe")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::MemberId;
use crate::vault::api;

shapes! {
    /// Metadata of a record.
    struct Meta {
        /// The purposes the record was collected for.
        #[schema(required = false, max_items = 32)]
        purposes: Vec<String>,
        /// Where it came from.
        #[schema(max_length = 128)]
        source: Option<String>,
        /// What kind of data it is.
        #[schema(max_length = 128)]
        category: Option<String>,
        /// Recipients it was disclosed to.
        #[schema(required = false, max_items = 32)]
        shared_with: Vec<String>,
        /// Purposes the member objected to.
        #[schema(required = false, max_items = 32)]
        objections: Vec<String>,
        /// Whether it feeds a decision made without a person.
        #[schema(required = false)]
        automated_decision: bool,
        /// When it is to go.
        #[schema(format = DateTime)]
        expires_at: Option<String>,
    }

    /// A field that is not shown as it is.
    struct Withheld {
        /// The field, or `*` for all fields that the policy does not name.
        field: String,
        /// `masked`, `pseudonym`, `hidden`, `undeclared`, `not_for_purpose`, `no_consent`, `no_explicit_consent`,
        /// `objected` or `automated_decision`.
        #[schema(pattern = "^(masked|pseudonym|hidden|undeclared|not_for_purpose|no_consent|no_explicit_consent|objected|automated_decision)$")]
        reason: String,
    }

    /// A member was created.
    struct Created {
        /// The new member.
        #[schema(format = "uuid")]
        id: String,
        /// The version of the profile.
        #[schema(minimum = 1)]
        version: u64,
        /// When.
        #[schema(format = DateTime)]
        created_at: String,
    }

    /// A member with its profile.
    struct Member {
        /// The member.
        #[schema(format = "uuid")]
        id: String,
        /// The version of the profile, as in `ETag`.
        #[schema(minimum = 1)]
        version: u64,
        /// When the profile was first written.
        #[schema(format = DateTime)]
        created_at: String,
        /// When the profile was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The profile, as far as this token may see it.
        profile: serde_json::Map<String, serde_json::Value>,
        /// Metadata of the profile.
        meta: Meta,
        /// Fields that are not shown as they are.
        #[schema(required = false)]
        withheld: Vec<Withheld>,
    }

    /// A record.
    struct Record {
        /// The compartment.
        compartment: String,
        /// The name.
        name: String,
        /// The version, as in `ETag`.
        #[schema(minimum = 1)]
        version: u64,
        /// When it was first written.
        #[schema(format = DateTime)]
        created_at: String,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The record, as far as this token may see it.
        data: serde_json::Map<String, serde_json::Value>,
        /// Its metadata.
        meta: Meta,
        /// Fields that are not shown as they are.
        #[schema(required = false)]
        withheld: Vec<Withheld>,
    }

    /// A record was written.
    struct Written {
        /// The new version, as in `ETag`.
        #[schema(minimum = 1)]
        version: u64,
        /// Whether it is new.
        created: bool,
        /// When.
        #[schema(format = DateTime)]
        updated_at: String,
    }

    /// Member ids.
    struct MemberList {
        /// The ids.
        items: Vec<String>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// A record in a listing.
    struct RecordEntry {
        /// The compartment.
        compartment: String,
        /// The name.
        name: String,
        /// The version.
        #[schema(minimum = 1)]
        version: u64,
        /// When it was first written.
        #[schema(format = DateTime)]
        created_at: String,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The metadata.
        meta: Meta,
    }

    /// Records of a member.
    struct RecordList {
        /// The records.
        items: Vec<RecordEntry>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// Everything held of one member.
    struct Export {
        /// The member.
        #[schema(format = "uuid")]
        id: String,
        /// When the member was created, to the minute.
        #[schema(format = DateTime)]
        created_at: String,
        /// When the export was made.
        #[schema(format = DateTime)]
        exported_at: String,
        /// Every record.
        records: Vec<Record>,
    }

    /// A backup.
    struct Backup {
        /// The backup.
        #[schema(format = "uuid")]
        id: String,
        /// How far it has come: `running`, `done` or `failed`. Only one that is done counts.
        #[schema(pattern = "^(running|done|failed)$")]
        state: String,
        /// When its checkpoint was taken.
        #[schema(format = DateTime)]
        created_at: String,
        /// Bytes of all its files; 0 while that is not known.
        bytes_total: u64,
        /// Bytes copied, or recognised as copied before.
        bytes_done: u64,
        /// Bytes copied; known of the last backup only.
        #[schema(nullable = false)]
        bytes_copied: Option<u64>,
        /// Files, once it is done.
        #[schema(nullable = false)]
        files: Option<u64>,
        /// Leaves of the ledger it holds, once it is done.
        #[schema(nullable = false)]
        ledger_size: Option<u64>,
        /// Why it failed.
        #[schema(nullable = false)]
        code: Option<String>,
    }

    /// Backups.
    struct BackupList {
        /// The backups, oldest first.
        items: Vec<Backup>,
    }

    /// Cosignatures were taken.
    struct Cosigned {
        /// Leaves of the checkpoint.
        size: u64,
        /// The names of the witnesses whose cosignatures are new.
        added: Vec<String>,
    }

    /// A mirror.
    struct Mirror {
        /// Its directory.
        directory: String,
        /// `whole`, or `away` while it cannot be written.
        #[schema(pattern = "^(whole|away)$")]
        state: String,
    }

    /// A legal hold.
    struct Hold {
        /// Why.
        reason: String,
        /// The matter it belongs to.
        #[schema(nullable = false)]
        reference: Option<String>,
        /// Since when.
        #[schema(format = DateTime)]
        set_at: String,
        /// By which token.
        set_by: String,
    }

    /// What is known of a token besides its secret.
    struct TokenInfo {
        /// The public part.
        id: String,
        /// What it may be.
        role: String,
        /// The operator's note.
        label: String,
        /// The only member it may speak of.
        #[schema(format = "uuid", nullable = false)]
        member: Option<String>,
        /// When it was created.
        #[schema(format = DateTime)]
        created_at: String,
        /// When it ends.
        #[schema(format = DateTime)]
        expires_at: String,
        /// When it was revoked.
        #[schema(format = DateTime, nullable = false)]
        revoked_at: Option<String>,
        /// Requests per second.
        #[schema(nullable = false)]
        rate_per_s: Option<u32>,
        /// Members it may touch within an hour.
        #[schema(nullable = false)]
        members_per_hour: Option<u32>,
        /// Members it may touch within a day.
        #[schema(nullable = false)]
        members_per_day: Option<u32>,
        /// Whose people or machines use it.
        #[schema(nullable = false)]
        organisation: Option<String>,
        /// The recipient what is read goes to.
        #[schema(nullable = false)]
        recipient: Option<String>,
    }

    /// A token was created.
    struct IssuedToken {
        /// The whole token, for the Authorization header. It is not shown again.
        token: String,
        /// What is known of it.
        info: TokenInfo,
    }

    /// Tokens.
    struct TokenList {
        /// The tokens.
        items: Vec<TokenInfo>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// The policy in force.
    struct Policy {
        /// SHA-256 of its text, hexadecimal.
        sha256: String,
        /// Its text.
        toml: String,
    }

    /// How the vault is.
    struct Status {
        /// The version of the program.
        version: String,
        /// The vault.
        #[schema(format = "uuid")]
        vault: String,
        /// When it was created.
        #[schema(format = DateTime)]
        created_at: String,
        /// The epoch of the key tree.
        epoch: u64,
        /// The depth of the member key tree.
        tree_depth: u8,
        /// Leaves in the ledger.
        ledger_size: u64,
        /// The root of the ledger, hexadecimal.
        ledger_root: String,
        /// SHA-256 of the policy in force, hexadecimal.
        policy_sha256: String,
        /// Bytes on disk by keyspace.
        disk_bytes: BTreeMap<String, u64>,
        /// Bytes of the write-ahead log.
        wal_bytes: u64,
        /// The mirrors of keys, index and ledger; absent where there are none.
        #[schema(nullable = false)]
        mirrors: Option<Vec<Mirror>>,
    }
}

/// The member that was found.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Found {
    /// The member.
    #[schema(value_type = String, format = "uuid")]
    pub(in crate::http) id: MemberId,
}

/// A token that was created, as it is written. [`IssuedToken`] documents it.
#[derive(Serialize)]
pub(in crate::http) struct Issued<'a> {
    pub(in crate::http) token: &'a str,
    pub(in crate::http) info: &'a api::TokenInfo,
}

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Health {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    pub(in crate::http) status: &'static str,
}
