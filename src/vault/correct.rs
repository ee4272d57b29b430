//! The member corrects its own data, as far as the data map lets it: fields that are declared `correctable`.
//!
//! What may be corrected is a question of the data, not of the role, so the policy's `record.correct` allows the act and
//! the map says of which fields. Everything else goes by a request to rectify, which staff carries out.

use serde_json::{Map, Value};

use crate::code::Code;
use crate::policy::Action;
use crate::schema::DataMap;
use crate::types::Ctx;

use super::act::Act;
use super::api::{RecordAddress, RecordPatch, Written};
use super::pipeline::Case;
use super::schema::declared;
use super::write::{check, merged, store};
use super::{Error, Vault, input};

impl Vault {
    /// Changes a record by a merge-patch that touches correctable fields only.
    ///
    /// # Errors
    /// `not_correctable` where it touches another field, and then nothing is changed; otherwise as
    /// [`Vault::patch_record`].
    pub fn correct_record<'v>(&'v self, ctx: &'v Ctx, patch: &'v RecordPatch) -> Act<'v, Written> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            let address = &patch.address;
            input::open_to_callers(&address.compartment)?;
            let opened = case.open_member(Action::RecordCorrect, &address.member, Some(&address.compartment))?;
            correctable(case.map(), address, &patch.patch)?;
            let old = case.stored_record(&opened, address)?.ok_or_else(Error::not_found)?;
            check(Some(&old), patch.expect)?;
            let data = merged(&old, &patch.patch)?;
            declared::patched(case.map(), address, &patch.patch, &data)?;
            store(&case, opened, address, Some(old), &data, None)
        })
    }
}

fn correctable(map: &DataMap, address: &RecordAddress, patch: &Map<String, Value>) -> Result<(), Error> {
    let declared = map.record_type(&address.compartment, &address.name);
    let may =
        |field: &String| declared.and_then(|declared| declared.field(field)).is_some_and(|field| field.correctable);
    if patch.keys().all(may) {
        return Ok(());
    }
    Err(Error::Invalid {
        code: Code::NotCorrectable,
        at: "/data",
        problem: "a field among these is not for the member itself to correct; open a request to rectify",
    })
}
