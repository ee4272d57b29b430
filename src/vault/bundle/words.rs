//! The words in which a bundle speaks to the member: plain, and about the member.

use crate::types::{Right, RightState, Role};

/// What somebody in this role is.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Crm => "the customer system",
        Role::Support => "support",
        Role::Marketing => "marketing",
        Role::Analyst => "analysis",
        Role::Ops => "operations",
        Role::Compliance => "data protection",
        Role::Member => "yourself",
        Role::Admin => "administration",
    }
}

/// What was done, by the name of the ledger's entry; the name itself for what has no words yet.
pub(super) fn what(name: &'static str) -> &'static str {
    match name {
        "member.create" => "your record was created",
        "record.write" => "data was stored or changed",
        "record.delete" => "a record was deleted",
        "record.read" | "audience.read" => "data was read",
        "record.list" => "the list of your records was read",
        "record.query" => "your records were found by their labels",
        "segment.read" => "you were counted or listed under a pseudonym",
        "member.lookup" => "you were looked up",
        "member.export" => "all your data was taken out",
        "hold.set" => "a legal hold was set",
        "hold.release" => "a legal hold was released",
        "consent.change" => "a consent or preference changed",
        "standing.change" => "an objection, restriction or refusal changed",
        "share.create" => "a link for a recipient was made",
        "share.open" => "a recipient read by a link",
        "share.revoke" => "a link for a recipient was ended",
        "request.step" => "a request of yours was worked on",
        "disclosure" => "it was recorded that data was given away",
        "history.read" => "this history was read",
        "token.create" => "a token for your own centre was issued",
        "dek.rotate" => "the key of your data was renewed",
        other => other,
    }
}

/// What is asked for.
pub(super) const fn right(right: Right) -> &'static str {
    match right {
        Right::Access => "to see what is held",
        Right::Rectify => "to have it corrected",
        Right::Erase | Right::EraseBulk => "to be forgotten",
        Right::Restrict => "to restrict its use",
        Right::Object => "to object to its use",
        Right::Portability | Right::ExportBulk => "to take it away",
    }
}

/// How far a request has come.
pub(super) const fn state(state: RightState) -> &'static str {
    match state {
        RightState::Open => "open",
        RightState::IdentityChecked => "open; it is known that you ask",
        RightState::Approved => "approved, to be carried out",
        RightState::Fulfilled => "done",
        RightState::Refused => "refused",
        RightState::Withdrawn => "taken back",
        RightState::Lapsed => "closed",
    }
}
