//! Schemas of members' requests for their rights, of their tokens and corrections.

#![allow(dead_code, reason = "most of these types only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::{PATCH_TYPES, RECORD_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX};
use crate::http::extract::{RequestBody, StrictObject, Word};
use crate::types::{Compartment, IdentityMethod, MemberId, Purpose, RecordName, RecordVersion, RefusalGround, Right};

/// Bytes of a body that names many members.
const BULK_BODY_BYTES_MAX: usize = 64 * 1024;

request_bodies! {
    NewMemberToken up to SMALL_BODY_BYTES_MAX as &["application/json"],
    Correction up to RECORD_BODY_BYTES_MAX as PATCH_TYPES,
    NewRequest up to SMALL_BODY_BYTES_MAX as &["application/json"],
    NewBulkRequest up to BULK_BODY_BYTES_MAX as &["application/json"],
    RequestCheck up to SMALL_BODY_BYTES_MAX as &["application/json"],
    RequestExtend up to SMALL_BODY_BYTES_MAX as &["application/json"],
    RequestRefuse up to SMALL_BODY_BYTES_MAX as &["application/json"],
    RequestFulfil up to SMALL_BODY_BYTES_MAX as &["application/json"],
}

/// A token for one member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"minutes": 30}))]
pub(in crate::http) struct NewMemberToken {
    /// How long it lives; 15 without it.
    #[schema(minimum = 1, maximum = 1440)]
    pub(in crate::http) minutes: Option<u32>,
}

/// A correction by the member itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"data": {"phone": "+49 30 901820"}}))]
pub(in crate::http) struct Correction {
    /// The compartment of the record; `core` without it.
    #[schema(value_type = Option<String>)]
    pub(in crate::http) compartment: Option<Compartment>,
    /// The name of the record; `profile` without it.
    #[schema(value_type = Option<String>)]
    pub(in crate::http) name: Option<RecordName>,
    /// The merge patch of the record: a null removes a field.
    #[schema(value_type = Object)]
    pub(in crate::http) data: StrictObject,
}

/// A request to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "object", "purposes": ["newsletter"], "note": "I get too many of them."}))]
pub(in crate::http) struct NewRequest {
    /// What is asked for.
    #[schema(value_type = String, pattern = "^(access|rectify|erase|restrict|object|portability)$")]
    pub(in crate::http) kind: Word<Right>,
    /// The purposes objected to; for an objection only.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 32)]
    pub(in crate::http) purposes: Vec<Purpose>,
    /// What the member said. Sealed under the member's keys; it goes with the member.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) note: Option<String>,
}

/// A request of staff about many members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "erase_bulk", "members": ["6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11"], "reason": "inactive for ten years"}))]
pub(in crate::http) struct NewBulkRequest {
    /// What is asked for.
    #[schema(value_type = String, pattern = "^(erase_bulk|export_bulk)$")]
    pub(in crate::http) kind: Word<Right>,
    /// About whom.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1000)]
    pub(in crate::http) members: Vec<MemberId>,
    /// Why. It is kept when the members are gone, so nothing personal.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) reason: String,
}

/// That it was checked who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"method": "known_contact"}))]
pub(in crate::http) struct RequestCheck {
    /// How.
    #[schema(value_type = String, pattern = "^(own_token|account|known_contact|document|in_person|other)$")]
    pub(in crate::http) method: Word<IdentityMethod>,
    /// What is to be remembered of it; required where the method is `other`.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) note: Option<String>,
}

/// That the deadline moves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"months": 2, "reason": "forty letters on paper have to be read"}))]
pub(in crate::http) struct RequestExtend {
    /// By how many months.
    #[schema(minimum = 1, maximum = 2)]
    pub(in crate::http) months: u32,
    /// Why; the member is to be told within the first month.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) reason: String,
}

/// That a request is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ground": "legal_obligation", "text": "invoices are kept for ten years"}))]
pub(in crate::http) struct RequestRefuse {
    /// Why.
    #[schema(
        value_type = String,
        pattern = "^(manifestly_unfounded|excessive|identity_not_proven|legal_obligation|legal_claims|hold|other)$"
    )]
    pub(in crate::http) ground: Word<RefusalGround>,
    /// In words; required where the ground is `other`.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) text: Option<String>,
}

/// That a request is carried out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"corrected": [{"compartment": "core", "name": "profile", "version": 3}]}))]
pub(in crate::http) struct RequestFulfil {
    /// The records that were corrected; for a request to rectify only.
    #[serde(default)]
    #[schema(required = false, max_items = 32)]
    pub(in crate::http) corrected: Vec<CorrectedRecord>,
    /// What is to be remembered of it.
    #[schema(min_length = 1, max_length = 2000)]
    pub(in crate::http) note: Option<String>,
}

/// A record that was corrected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CorrectedRecord {
    /// In which compartment.
    #[schema(value_type = String)]
    pub(in crate::http) compartment: Compartment,
    /// Under which name.
    #[schema(value_type = String)]
    pub(in crate::http) name: RecordName,
    /// The version that is right.
    #[schema(value_type = u64, minimum = 1)]
    pub(in crate::http) version: RecordVersion,
}

shapes! {
    /// Who did something.
    struct By {
        /// With which token. A member is not shown those of others.
        #[schema(nullable = false)]
        token: Option<String>,
        /// In which role.
        role: String,
    }

    /// A step of a request.
    struct RequestStep {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// By whom.
        by: By,
        /// What.
        what: String,
        /// The text that was given with it; gone with the member, and left out of listings.
        #[schema(nullable = false)]
        note: Option<String>,
    }

    /// It was checked who asks.
    struct RequestIdentity {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// By whom.
        by: By,
        /// How.
        method: String,
    }

    /// The deadline was moved.
    struct RequestExtension {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// By whom.
        by: By,
        /// By how many months.
        months: u32,
    }

    /// A second person agreed.
    struct RequestApproval {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// Who.
        by: By,
    }

    /// It was refused.
    struct RequestRefusal {
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// By whom.
        by: By,
        /// Why.
        ground: String,
    }

    /// What became of one member of a request about many.
    struct MemberOutcome {
        /// Which.
        #[schema(format = "uuid")]
        member: String,
        /// What.
        #[schema(pattern = "^(erased|gone_before|held|not_found|ready)$")]
        outcome: String,
        /// The erasure.
        #[schema(format = "uuid", nullable = false)]
        erasure: Option<String>,
    }

    /// A corrected record.
    struct CorrectedVersion {
        /// In which compartment.
        compartment: String,
        /// Under which name.
        name: String,
        /// The version that is right.
        version: u64,
    }

    /// A request of a member for one of its rights, or of staff about many members.
    struct MemberRequest {
        /// The request.
        #[schema(format = "uuid")]
        id: String,
        /// What is asked for.
        kind: String,
        /// How far it has come.
        #[schema(pattern = "^(open|identity_checked|approved|fulfilled|refused|withdrawn|lapsed)$")]
        state: String,
        /// The member; absent where it is about many.
        #[schema(format = "uuid", nullable = false)]
        member: Option<String>,
        /// How many members it is about.
        members: u64,
        /// When it was opened.
        #[schema(format = DateTime)]
        opened_at: String,
        /// By whom.
        opened_by: By,
        /// Until when it is to be answered.
        #[schema(format = DateTime)]
        deadline: String,
        /// Whether that is past, and nothing was answered.
        overdue: bool,
        /// The check that the member asks.
        #[schema(nullable = false)]
        identity: Option<RequestIdentity>,
        /// The extension of the deadline.
        #[schema(nullable = false)]
        extension: Option<RequestExtension>,
        /// The approval of a second person.
        #[schema(nullable = false)]
        approval: Option<RequestApproval>,
        /// The refusal.
        #[schema(nullable = false)]
        refusal: Option<RequestRefusal>,
        /// The erasure that fulfilled it; its certificate goes by this id.
        #[schema(format = "uuid", nullable = false)]
        erasure: Option<String>,
        /// Until when its bundle can be fetched.
        #[schema(format = DateTime, nullable = false)]
        bundle_until: Option<String>,
        /// The purposes objected to; in listings, and once the member is erased, left out.
        #[schema(required = false)]
        purposes: Vec<String>,
        /// The records that were corrected; likewise.
        #[schema(required = false)]
        corrected: Vec<CorrectedVersion>,
        /// Why staff asks about many members.
        #[schema(nullable = false)]
        reason: Option<String>,
        /// What became of each member, of those dealt with; in listings left out.
        #[schema(required = false)]
        outcomes: Vec<MemberOutcome>,
        /// What was done, oldest first.
        steps: Vec<RequestStep>,
    }

    /// Requests.
    struct MemberRequestList {
        /// The requests.
        items: Vec<MemberRequest>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }
}
