//! The one list of what there is. The router, the OpenAPI document, the log's route names and the golden list in
//! `tests/golden/routes.txt` all come from it.

mod consents;
mod guards;

use axum::http::{Method, StatusCode};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

pub(super) use super::route::RouteFacts;
use super::route::{Link, Mounted, Route};
use super::schema as shape;
use super::{
    backups, bundles, data_keys, erasures, holds, log, maps, members, purges, records, retention, rights, seals,
    system, tokens,
};
use crate::code::Code;

mod queries;
mod transparency;
mod views;

const MEMBER: &str = "/v1/members/{id}";
const RECORD: &str = "/v1/members/{id}/records/{compartment}/{name}";
const HOLD: &str = "/v1/members/{id}/hold";

const WAIT: &[&str] = &["wait"];
const PAGING: &[&str] = &["cursor", "limit"];
const ETAG: &[&str] = &["ETag"];
const LOCATION: &[&str] = &["Location"];
const LOCATION_ETAG: &[&str] = &["Location", "ETag"];

/// The id of what a reply speaks of, and the segments of the path that was asked for.
const ID: (&str, &str) = ("id", "$response.body#/id");
const SAME_ID: (&str, &str) = ("id", "$request.path.id");
const SAME_RECORD: &[(&str, &str)] =
    &[SAME_ID, ("compartment", "$request.path.compartment"), ("name", "$request.path.name")];

/// What can be asked about a member whose id is known.
const TO_A_MEMBER: &[Link] = &[
    ("readMember", &[ID]),
    ("patchMember", &[ID]),
    ("exportMember", &[ID]),
    ("listRecords", &[ID]),
    ("putRecord", &[ID]),
    ("setHold", &[ID]),
    ("eraseMember", &[ID]),
];
const TO_A_RECORD: &[Link] = &[
    ("readRecord", SAME_RECORD),
    ("patchRecord", SAME_RECORD),
    ("deleteRecord", SAME_RECORD),
    ("eraseCompartment", &[SAME_ID, ("compartment", "$request.path.compartment")]),
];
const TO_A_HOLD: &[Link] = &[("readHold", &[SAME_ID]), ("releaseHold", &[SAME_ID]), ("eraseMember", &[SAME_ID])];
const TO_AN_ERASURE: &[Link] = &[("readErasure", &[ID]), ("readCertificate", &[ID])];
const TO_A_BACKUP: &[Link] = &[("readBackup", &[ID])];
const TO_A_TOKEN: &[Link] = &[("revokeToken", &[("id", "$response.body#/info/id")])];
const TO_THE_FIRST: &[Link] = &[("readMember", &[("id", "$response.body#/items/0")])];

/// Refusals of what speaks of one member.
const OF_A_MEMBER: &[Code] = &[Code::NotFound, Code::Gone];
/// Refusals of what changes something.
const OF_A_CHANGE: &[Code] = &[Code::Conflict, Code::LimitReached];
/// Refusals of what sets identifiers.
const OF_IDENTIFIERS: &[Code] = &[Code::InvalidIdentifier, Code::IdentifierTaken];
/// Refusals of what needs a directory of backups.
const OF_BACKUPS: &[Code] = &[Code::NotConfigured];
/// Refusals of a listing.
const OF_A_PAGE: &[Code] = &[Code::InvalidCursor];

/// Every route, in the order of the documentation.
pub(super) fn table() -> Vec<Mounted> {
    let mut table = member_routes();
    table.extend(record_routes());
    table.extend(consents::table());
    table.extend(rights::routes());
    table.extend(bundles::routes());
    table.extend(queries::routes());
    table.extend(erasure_routes());
    table.extend(data_keys::routes());
    table.extend(log_routes());
    table.extend(maps::routes());
    table.extend(retention::routes());
    table.extend(control_routes());
    table.extend(transparency::routes());
    table.extend(guards::routes());
    table.extend(views::routes());
    table.extend(public_routes());
    table
}

/// Method and path of every route, in the order of the documentation.
pub fn list() -> Vec<(String, &'static str)> {
    table().iter().map(|route| (route.facts.method.to_string(), route.facts.template)).collect()
}

fn member_routes() -> Vec<Mounted> {
    vec![
        Route::new(Method::POST, "/v1/members", "createMember", "Create a member.")
            .idempotent()
            .body::<shape::NewMember>()
            .gives::<shape::Created>(StatusCode::CREATED, LOCATION_ETAG)
            .leads_to(TO_A_MEMBER)
            .faults(&[OF_A_CHANGE, OF_IDENTIFIERS, &[Code::ConsentNotNeeded]])
            .by(members::create),
        Route::new(Method::GET, "/v1/members", "listMembers", "List member ids, in no meaningful order.")
            .query(PAGING)
            .gives::<shape::MemberList>(StatusCode::OK, &[])
            .leads_to(TO_THE_FIRST)
            .faults(&[OF_A_PAGE])
            .by(members::list),
        Route::new(Method::POST, "/v1/members/lookup", "lookUpMember", "Find a member by an identifier.")
            .body::<shape::Lookup>()
            .gives::<shape::Found>(StatusCode::OK, &[])
            .leads_to(TO_A_MEMBER)
            .faults(&[OF_A_MEMBER, &[Code::InvalidIdentifier]])
            .by(members::look_up),
        Route::new(Method::GET, MEMBER, "readMember", "Read a member's profile, as far as this token may see it.")
            .query(&["fields"])
            .gives::<shape::Member>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER])
            .by(members::read),
        Route::new(Method::PATCH, MEMBER, "patchMember", "Change a member's profile by a merge patch (RFC 7396).")
            .conditional()
            .body::<shape::MemberPatch>()
            .gives::<shape::Written>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, OF_IDENTIFIERS])
            .by(members::patch),
        Route::new(Method::DELETE, MEMBER, "eraseMember", "Erase a member. There is no way back.")
            .query(WAIT)
            .gives::<shape::Erasure>(StatusCode::OK, LOCATION)
            .gives::<shape::Erasure>(StatusCode::ACCEPTED, LOCATION)
            .leads_to(TO_AN_ERASURE)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::LegalHold]])
            .by(members::erase),
        Route::new(Method::GET, "/v1/members/{id}/export", "exportMember", "Everything held of a member.")
            .gives::<shape::Export>(StatusCode::OK, &["Content-Disposition"])
            .faults(&[OF_A_MEMBER])
            .by(members::export),
    ]
}

fn record_routes() -> Vec<Mounted> {
    vec![
        Route::new(Method::GET, "/v1/members/{id}/records", "listRecords", "List a member's records, without content.")
            .query(PAGING)
            .gives::<shape::RecordList>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER, OF_A_PAGE])
            .by(records::list),
        Route::new(Method::GET, RECORD, "readRecord", "Read a record, as far as this token may see it.")
            .query(&["fields"])
            .gives::<shape::Record>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER])
            .by(records::read),
        Route::new(Method::PUT, RECORD, "putRecord", "Store a whole record.")
            .conditional()
            .body::<shape::RecordPut>()
            .gives::<shape::Written>(StatusCode::OK, ETAG)
            .gives::<shape::Written>(StatusCode::CREATED, LOCATION_ETAG)
            .leads_to(TO_A_RECORD)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, OF_IDENTIFIERS])
            .by(records::put),
        Route::new(Method::PATCH, RECORD, "patchRecord", "Change a record by a merge patch (RFC 7396).")
            .conditional()
            .body::<shape::RecordPatch>()
            .gives::<shape::Written>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, OF_IDENTIFIERS])
            .by(records::patch),
        Route::new(Method::DELETE, RECORD, "deleteRecord", "Delete a record. Not an erasure: see eraseCompartment.")
            .conditional()
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::LegalHold]])
            .by(records::delete),
    ]
}

fn erasure_routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::DELETE,
            "/v1/members/{id}/compartments/{compartment}",
            "eraseCompartment",
            "Erase one compartment of a member. There is no way back.",
        )
        .query(WAIT)
        .gives::<shape::Erasure>(StatusCode::OK, LOCATION)
        .gives::<shape::Erasure>(StatusCode::ACCEPTED, LOCATION)
        .leads_to(TO_AN_ERASURE)
        .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::LegalHold]])
        .by(erasures::erase_compartment),
        Route::new(Method::GET, "/v1/erasures", "listErasures", "List erasures.")
            .query(PAGING)
            .gives::<shape::ErasureList>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE])
            .by(erasures::list),
        Route::new(Method::GET, "/v1/erasures/{id}", "readErasure", "How far an erasure has come.")
            .gives::<shape::Erasure>(StatusCode::OK, &[])
            .faults(&[&[Code::NotFound]])
            .by(erasures::read),
        Route::new(Method::POST, "/v1/seals", "seal", "Destroy the keys of what was erased, now.")
            .gives::<shape::SealReport>(StatusCode::OK, &[])
            .by(seals::run),
        Route::new(
            Method::POST,
            "/v1/purges",
            "startPurge",
            "Begin to clean the files of what is sealed; it goes on after the reply.",
        )
        .gives::<shape::Purging>(StatusCode::ACCEPTED, &[])
        .by(purges::start),
        Route::new(
            Method::GET,
            "/v1/erasures/{id}/certificate",
            "readCertificate",
            "The certificate of a sealed erasure.",
        )
        .gives_text(&["Content-Disposition"])
        .faults(&[&[Code::NotFound, Code::NotSealed]])
        .by(erasures::certificate),
        Route::new(
            Method::POST,
            "/v1/keyring/rotations",
            "rotateMaster",
            "Put the keyring under the next master key of the settings, and give every key of the tree a successor.",
        )
        .gives::<shape::SealReport>(StatusCode::OK, &[])
        .faults(&[&[Code::NotConfigured, Code::Conflict]])
        .by(seals::rotate_master),
        Route::new(Method::PUT, HOLD, "setHold", "Set a legal hold: the member cannot be erased while it stands.")
            .body::<shape::NewHold>()
            .gives::<shape::Hold>(StatusCode::OK, &[])
            .leads_to(TO_A_HOLD)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(holds::set),
        Route::new(Method::GET, HOLD, "readHold", "The legal hold of a member.")
            .gives::<shape::Hold>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER])
            .by(holds::read),
        Route::new(Method::DELETE, HOLD, "releaseHold", "Release the legal hold of a member.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(holds::release),
    ]
}

fn log_routes() -> Vec<Mounted> {
    let read = |path, id, about| Route::new(Method::GET, path, id, about);
    vec![
        read("/v1/log/checkpoint", "readCheckpoint", "The newest signed checkpoint of the log (C2SP tlog-checkpoint).")
            .gives_text(&[])
            .by(log::checkpoint),
        read("/v1/log/checkpoint/cosigned", "readCosigned", "The newest checkpoint that a witness has cosigned.")
            .gives_text(&[])
            .faults(&[&[Code::NotFound]])
            .by(log::cosigned),
        read("/v1/log/tile/{path}", "readTile", "A tile of hashes, or a bundle of entries (C2SP tlog-tiles).")
            .gives_plain(StatusCode::OK, Some((binary(), "application/octet-stream")))
            .faults(&[&[Code::NotFound]])
            .by(log::tile),
        read("/v1/log/proof/{index}", "readProof", "The proof that an entry is in the log (C2SP tlog-proof).")
            .gives_text(&[])
            .faults(&[&[Code::NotFound]])
            .by(log::proof),
        Route::new(Method::POST, "/v1/log/cosignatures", "addCosignatures", "Hand in cosignatures of a checkpoint.")
            .body_text()
            .gives::<shape::Cosigned>(StatusCode::OK, &[])
            .faults(&[OF_A_CHANGE, &[Code::NotVerified]])
            .by(log::cosign),
    ]
}

fn control_routes() -> Vec<Mounted> {
    vec![
        Route::new(Method::POST, "/v1/tokens", "createToken", "Create an API token. Its secret is shown this once.")
            .body::<shape::NewToken>()
            .gives::<shape::IssuedToken>(StatusCode::CREATED, &[])
            .leads_to(TO_A_TOKEN)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(tokens::create),
        Route::new(Method::GET, "/v1/tokens", "listTokens", "List API tokens, without secrets.")
            .query(PAGING)
            .gives::<shape::TokenList>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE])
            .by(tokens::list),
        Route::new(Method::DELETE, "/v1/tokens/{id}", "revokeToken", "Revoke an API token.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[&[Code::NotFound], OF_A_CHANGE])
            .by(tokens::revoke),
        Route::new(Method::POST, "/v1/backups", "startBackup", "Begin a backup. It goes on after the reply.")
            .gives::<shape::Backup>(StatusCode::ACCEPTED, LOCATION)
            .leads_to(TO_A_BACKUP)
            .faults(&[OF_BACKUPS, &[Code::BackupRunning]])
            .by(backups::start),
        Route::new(Method::GET, "/v1/backups", "listBackups", "List backups, oldest first.")
            .gives::<shape::BackupList>(StatusCode::OK, &[])
            .faults(&[OF_BACKUPS])
            .by(backups::list),
        Route::new(Method::GET, "/v1/backups/{id}", "readBackup", "How far a backup has come.")
            .gives::<shape::Backup>(StatusCode::OK, &[])
            .faults(&[OF_BACKUPS, &[Code::NotFound]])
            .by(backups::read),
        Route::new(Method::GET, "/v1/policy", "readPolicy", "The policy in force.")
            .gives::<shape::Policy>(StatusCode::OK, &[])
            .by(system::policy),
        Route::new(Method::GET, "/v1/status", "readStatus", "How the vault is.")
            .gives::<shape::Status>(StatusCode::OK, &[])
            .by(system::status),
    ]
}

fn public_routes() -> Vec<Mounted> {
    let document = |path, id| {
        Route::new(Method::GET, path, id, "This document.")
            .public()
            .gives_plain(StatusCode::OK, Some((object(), "application/json")))
            .by(system::openapi)
    };
    vec![
        Route::new(Method::GET, "/healthz", "health", "Whether the process answers.")
            .public()
            .gives::<shape::Health>(StatusCode::OK, &[])
            .by(system::health),
        Route::new(Method::GET, "/readyz", "ready", "Whether the vault accepts work.")
            .public()
            .gives::<shape::Health>(StatusCode::OK, &[])
            .faults(&[&[Code::ShuttingDown, Code::Corrupt, Code::StorageFailed, Code::DiskFull, Code::Io]])
            .by(system::ready),
        Route::new(Method::GET, "/metrics", "metrics", "Counters in the text format of Prometheus.")
            .public()
            .gives_plain(StatusCode::OK, Some((text(), "text/plain; version=0.0.4")))
            .by(system::metrics),
        document("/openapi.json", "openapi"),
        document("/v1/openapi.json", "openapiV1"),
    ]
}

fn object() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Object).into()
}

pub(super) fn binary() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).into()
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}
