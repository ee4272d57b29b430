//! What lived by a consent alone goes with it: the compartments of which the data map says that everything in them is used
//! by consent, and to none of whose purposes the member agrees any more.
//!
//! The withdrawal comes first and stands whatever becomes of this. Each compartment is erased by the same code as any
//! other erasure, with an erasure of its own; one that is kept, because of a legal hold say, is named with the reason.

use serde::Serialize;

use crate::code::Coded;
use crate::keyring::CompartmentKeys;
use crate::policy::Action;
use crate::schema::{DataMap, FieldEntry, LegalBasis};
use crate::tables;
use crate::types::{Actor, Compartment, Ctx, MemberId, Purpose, Role, Standing};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::Erasure;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::MemberStanding;

/// Why a compartment was kept although nothing but records that are declared should be in it.
const UNDECLARED: &str = "undeclared";

/// A compartment that lived by the consent and was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Which.
    pub compartment: Compartment,
    /// Why: the code of the refusal, or `undeclared` for a record in it that the data map does not know.
    pub reason: &'static str,
}

/// A consent was withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawal {
    /// How the member stands now.
    #[serde(flatten)]
    pub standing: MemberStanding,
    /// What was erased with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<Erasure>,
    /// What lived by it and was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
}

impl Vault {
    /// Withdraws a consent, as [`Vault::withdraw_consent`], and erases the compartments that lived by it alone: where the
    /// caller asks for it and may erase compartments, or where the data map says so of the purpose. Blocks the calling
    /// thread. Repeated after an error, it goes on.
    ///
    /// # Errors
    /// As [`Vault::withdraw_consent`]; what the storage answers. That a compartment may not be erased is no error.
    pub fn withdraw_and_shred(
        &self,
        ctx: &Ctx,
        member: &MemberId,
        purpose: &Purpose,
        asked: bool,
    ) -> Result<Withdrawal, Error> {
        let standing = self.withdraw_consent(ctx, member, purpose).wait()?;
        let mut done = Withdrawal { standing, erasures: Vec::new(), kept: Vec::new() };
        let by_rule = self.map().purpose(purpose).is_some_and(|entry| entry.shred_on_withdrawal);
        if !by_rule && !asked {
            return Ok(done);
        }
        // Where the data map says so, it is the rule that erases, not the caller, whose token the ledger names all the same.
        let rule = Ctx {
            actor: Actor { role: Role::Compliance, member: None, ..ctx.actor.clone() },
            purpose: None,
            ..ctx.clone()
        };
        let eraser = if by_rule { &rule } else { ctx };
        let plan = Act::new(self, || prepare(&Case::open(self, ctx), member, purpose)).wait()?;
        for (compartment, is_declared) in plan {
            if !is_declared {
                done.kept.push(Kept { compartment, reason: UNDECLARED });
                continue;
            }
            match self.erase(eraser, member, Some(&compartment)).wait() {
                Ok(erasure) => done.erasures.push(erasure),
                Err(Error::Denied(denial)) => done.kept.push(Kept { compartment, reason: denial.code().as_str() }),
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

/// The compartments that lived by consent to this purpose, and whether all records in each are declared.
fn prepare(case: &Case<'_>, member: &MemberId, purpose: &Purpose) -> Decision<Vec<(Compartment, bool)>> {
    let opened = case.open_member(Action::ConsentWrite, member, None)?;
    let map = case.vault.map();
    let lived = |keys: &&CompartmentKeys| {
        !keys.is_erased() && lived_by(&map, &keys.name, purpose, |other| agrees(case, &opened.body.standing, other))
    };
    let mut plan = Vec::new();
    for keys in opened.body.compartments.iter().filter(lived) {
        let range = tables::record::range_of(member, Some(keys.number));
        let records = case.records_in(&opened, member, &range)?;
        let declared = |name| map.record_type(&keys.name, name).is_some();
        plan.push((keys.name.clone(), records.iter().all(|stored| declared(&stored.record.name))));
    }
    Ok(Prepared::unlogged(plan))
}

fn agrees(case: &Case<'_>, standing: &Standing, purpose: &Purpose) -> bool {
    standing.consent(purpose, case.now).is_some()
}

/// Whether everything in a compartment is used by consent, this purpose among others, and the member agrees to none.
fn lived_by(map: &DataMap, compartment: &Compartment, purpose: &Purpose, agrees: impl Fn(&Purpose) -> bool) -> bool {
    let types: Vec<_> = map.record_types().filter(|record| record.compartment == *compartment).collect();
    let by_consent_alone = |field: &FieldEntry| {
        field.purposes.iter().all(|other| {
            let basis = map.purpose(other).map(|entry| field.basis_for(other, entry));
            basis == Some(LegalBasis::Consent) && !agrees(other)
        })
    };
    types.iter().any(|record| record.serves(purpose))
        && types.iter().all(|record| record.fields().all(by_consent_alone))
}
