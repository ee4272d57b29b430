//! Routes to records of all members by their metadata.

use axum::http::{Method, StatusCode};

use super::super::queries;
use super::super::route::{Mounted, Route};
use super::{OF_A_PAGE, PAGING, shape};
use crate::code::Code;

pub(super) fn routes() -> Vec<Mounted> {
    let post = |path, id, about| Route::new(Method::POST, path, id, about).query(PAGING);
    vec![
        post("/v1/records/query", "queryRecords", "Find records of all members by their metadata, without content.")
            .body::<shape::RecordSelection>()
            .gives::<shape::RecordsFound>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE])
            .by(queries::query),
        post("/v1/records/update", "updateRecords", "Change the metadata of records found by it, a page at a time.")
            .body::<shape::RecordsUpdate>()
            .gives::<shape::BulkDone>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE, &[Code::Conflict]])
            .by(queries::update),
        post("/v1/records/delete", "deleteRecords", "Delete records found by their metadata, a page at a time.")
            .body::<shape::RecordSelection>()
            .gives::<shape::BulkDone>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE, &[Code::Conflict]])
            .by(queries::delete),
    ]
}
