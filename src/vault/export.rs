//! Take out all that is held of one member, as far as this caller may see it.

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::types::{Ctx, MemberId};

use super::act::{Act, Decision, Prepared};
use super::api::{Export, RecordView};
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::{Error, Vault, consent, read};

impl Vault {
    /// Exports one member.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn export_member<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Export> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId) -> Decision<Export> {
    let opened = case.open_member(Action::MemberExport, member, None)?;
    let records = everything(case, &opened, member)?;
    let detail = AccessDetail::of_member(case.ctx, case.now).showing_all_of(&records);
    let mut change = case.vault.access(case.ctx, Event::MemberExport, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    let export = Export {
        id: *member,
        created_at: Timestamp::from_minutes(opened.body.created),
        exported_at: case.now,
        records,
    };
    Ok(Prepared::logged(export, change))
}

/// Every record of an opened member, as far as the permit reaches.
pub(crate) fn everything(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Vec<RecordView>, Error> {
    let mut records = Vec::new();
    let brought = consent::imported_first(case, opened, member)?;
    for stored in brought.into_iter().chain(case.all_records(opened, member)?) {
        if opened.permit.reaches(&stored.record.compartment) {
            records.push(read::view(case, opened, stored, None)?);
        }
    }
    Ok(records)
}
