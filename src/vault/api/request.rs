//! What is said of a member's requests for its rights.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{
    Compartment, ErasureId, IdentityMethod, MemberId, Purpose, RecordName, RecordVersion, RefusalGround, RequestCaseId,
    Right, RightState, RightStep, Role, TokenId,
};

/// A request to be opened for one member.
pub struct NewRequest {
    /// What is asked for.
    pub kind: Right,
    /// The purposes objected to; for an objection only, and then at least one.
    pub purposes: Vec<Purpose>,
    /// What the member said.
    pub note: Option<String>,
}

/// A request of staff about many members.
pub struct NewBulkRequest {
    /// What is asked for: [`Right::EraseBulk`] or [`Right::ExportBulk`].
    pub kind: Right,
    /// About whom.
    pub members: Vec<MemberId>,
    /// Why. It outlives the members, so nothing personal.
    pub reason: String,
}

/// Which requests to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueueQuery {
    /// Those in this state; `None` for all about which something is to be done.
    pub state: Option<RightState>,
    /// Those of this kind.
    pub kind: Option<Right>,
    /// Those due before this moment.
    pub due_before: Option<Timestamp>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// With which token. A member is not shown those of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// In which role.
    pub role: Role,
}

/// The deadline was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestExtension {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// By how many months.
    pub months: u32,
}

/// It was checked that the member asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestIdentity {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// How.
    pub method: IdentityMethod,
}

/// A second person agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestApproval {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: By,
}

/// It was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRefusal {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// Why.
    pub ground: RefusalGround,
}

/// A record that was corrected, as staff states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrected {
    /// In which compartment.
    pub compartment: Compartment,
    /// Under which name.
    pub name: RecordName,
    /// The version that is right.
    pub version: RecordVersion,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestStep {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// What.
    pub what: RightStep,
    /// The text that was given with it; gone with the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of one member of a request about many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// It was erased for this request.
    Erased,
    /// It was erased before, by somebody else.
    GoneBefore,
    /// A legal hold stands.
    Held,
    /// There is no such member.
    NotFound,
    /// Its bundle can be fetched.
    Ready,
}

/// What became of one member of a request about many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberOutcome {
    /// Which.
    pub member: MemberId,
    /// What.
    pub outcome: OutcomeKind,
    /// The erasure; its certificate goes by this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
}

/// A request of a member for one of its rights, or of staff about many members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The request.
    pub id: RequestCaseId,
    /// What is asked for.
    pub kind: Right,
    /// How far it has come.
    pub state: RightState,
    /// The member; absent where it is about many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// How many members it is about.
    pub members: usize,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By whom.
    pub opened_by: By,
    /// Until when it is to be answered.
    pub deadline: Timestamp,
    /// Whether that is past, and nothing was answered.
    pub overdue: bool,
    /// The check that the member asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<RequestIdentity>,
    /// The extension of the deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<RequestExtension>,
    /// The approval of a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<RequestApproval>,
    /// The refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RequestRefusal>,
    /// The erasure that fulfilled it; its certificate goes by this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
    /// Until when its bundle can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_until: Option<Timestamp>,
    /// The purposes objected to; in listings, and once the member is erased, left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// The records that were corrected; likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrected: Vec<Corrected>,
    /// Why staff asks about many members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What became of each member, of those dealt with; in listings left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<MemberOutcome>,
    /// What was done, oldest first.
    pub steps: Vec<RequestStep>,
}
