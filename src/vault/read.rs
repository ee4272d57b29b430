//! Read one record, as far as this caller may see it.
//!
//! The hot path of the product: two point reads, two opens (the shard key is cached), one leaf.

use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, FieldName, Purpose};

use super::act::{Act, Decision, Prepared};
use super::api::{JsonObject, RecordAddress, RecordQuery, RecordView};
use super::evidence::{AccessDetail, Shown};
use super::pipeline::{Case, Opened};
use super::records::Stored;
use super::{Error, Vault, consent};

impl Vault {
    /// Reads one record.
    ///
    /// # Errors
    /// `not_found` for an absent member, compartment or record; `gone` for an erased one; a denial of the policy.
    pub fn read_record<'v>(&'v self, ctx: &'v Ctx, query: &'v RecordQuery) -> Act<'v, RecordView> {
        Act::new(self, move || prepare(&Case::open(self, ctx), query))
    }
}

fn prepare(case: &Case<'_>, query: &RecordQuery) -> Decision<RecordView> {
    let address = &query.address;
    let opened = case.open_member(Action::RecordRead, &address.member, Some(&address.compartment))?;
    let stored = case.stored_record(&opened, address)?.ok_or_else(Error::not_found)?;
    let fields = query.fields.as_deref();
    let view = view(case, &opened, stored, fields)?;
    let detail = AccessDetail::of_record(case.ctx, case.now, address, view.version).showing(&view.shown);
    let mut change = case.vault.access(case.ctx, Event::RecordRead, &address.member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    Ok(Prepared::logged(view, change))
}

impl Case<'_> {
    /// Opens one record of an opened member. `None` if it does not exist. The one that an import brought has no row.
    pub(crate) fn stored_record(&self, opened: &Opened, address: &RecordAddress) -> Result<Option<Stored>, Error> {
        let brought = || consent::imported_record(self, opened, address);
        let Some(keys) = opened.compartment(&address.compartment)? else { return brought() };
        let token = opened.body.mk.record_token(&address.compartment, &address.name);
        let key = tables::record::key(&address.member, keys.number, &token);
        let Some(row) = tables::record::row(self.vault.engine(), &key)? else { return brought() };
        let stored = self.vault.open_record(&address.member, keys, &token, &row);
        self.vault.or_moved(opened, &address.member, stored).map(Some)
    }
}

/// Applies the permit's treatment of each field, to what data map and member let through.
pub(crate) fn view(
    case: &Case<'_>,
    opened: &Opened,
    stored: Stored,
    fields: Option<&[FieldName]>,
) -> Result<RecordView, Error> {
    let Stored { version, record, .. } = &stored;
    let (version, created_at, updated_at) = (*version, record.created, record.updated);
    let Some(view) = opened.permit.view(&record.compartment) else { return Err(Error::not_found()) };
    let screen = case.screen(opened, &record.compartment, &record.name, &record.meta);
    if fields.is_none() && view.is_all_clear() && screen.is_open() {
        // The caller sees everything: the stored bytes are the answer.
        let (compartment, name, meta, json) = stored.record.into_parts();
        let (data, withheld, shown) = (JsonObject::stored(json), Vec::new(), Shown::All);
        return Ok(RecordView { compartment, name, version, created_at, updated_at, data, meta, withheld, shown });
    }
    let unstated = Purpose::unstated();
    let purpose = case.ctx.purpose.as_ref().unwrap_or(&unstated);
    let projection = view.project(stored.object()?, fields, &screen, || {
        opened.body.mk.pseudonym(purpose, case.ctx.actor.recipient.as_ref())
    });
    let shown = Shown::of(&projection.object, &projection.withheld, fields);
    let (data, withheld) = (JsonObject::made(&projection.object)?, projection.withheld);
    let (compartment, name, meta, _json) = stored.record.into_parts();
    Ok(RecordView { compartment, name, version, created_at, updated_at, data, meta, withheld, shown })
}
