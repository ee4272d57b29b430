//! Consents a member comes with: given where it is created, or found in the profile that another system handed over.

use serde_json::{Map, Value};

use crate::keyring::MemberBody;
use crate::ledger::Change;
use crate::schema::DataMap;
use crate::types::standing::Consent;
use crate::types::{Compartment, MemberId, Purpose, RecordMeta, Standing};

use super::super::api::RecordAddress;
use super::super::dossier;
use super::super::pipeline::Case;
use super::super::records::NewRecord;
use super::super::{Error, Vault};
use super::give;
use super::standing::{declared, too_many_purposes};
use super::{HistoryEntry, NewConsent, history, posting};

/// The field of a profile in which other systems hand consents over.
const FIELD: &str = "consents";

impl Vault {
    /// Takes the consents of another system out of a profile: of its field `consents`, an object of yes and no by purpose,
    /// those that are about a purpose members can agree to here. What they agreed to is handed back; a no needs no record,
    /// since what is absent is not agreed to. What is about anything else stays in the profile, as data.
    pub fn take_out_consents(&self, profile: &mut Map<String, Value>) -> Vec<Purpose> {
        let policy = self.policy();
        take_out(&self.map(), |purpose| policy.declares(purpose), profile)
    }

    /// What [`Vault::take_out_consents`] would take out where the policy declares the purposes of this data map.
    pub fn would_take_out_consents(map: &DataMap, profile: &mut Map<String, Value>) -> Vec<Purpose> {
        take_out(map, |_| true, profile)
    }
}

fn take_out(map: &DataMap, declares: impl Fn(&Purpose) -> bool, profile: &mut Map<String, Value>) -> Vec<Purpose> {
    let Some(Value::Object(consents)) = profile.get_mut(FIELD) else { return Vec::new() };
    let mut agreed = Vec::new();
    consents.retain(|name, value| match (name.parse::<Purpose>(), value) {
        (Ok(purpose), Value::Bool(yes)) if declares(&purpose) && give::needed(map, &purpose).is_ok() => {
            if *yes {
                agreed.push(purpose);
            }
            false
        }
        _ => true,
    });
    if consents.is_empty() {
        profile.remove(FIELD);
    }
    agreed
}

/// The entries of consents given where a member is created.
pub(in crate::vault) fn entries(
    case: &Case<'_>,
    consents: &[(Purpose, NewConsent)],
) -> Result<Vec<HistoryEntry>, Error> {
    let entry = |(at, (purpose, new)): (usize, &(Purpose, NewConsent))| {
        if consents.iter().take(at).any(|(earlier, _)| earlier == purpose) {
            return Err(Error::invalid("/consents", "each purpose is named once"));
        }
        declared(case, purpose)?;
        give::needed(&case.vault.map(), purpose)?;
        give::entry(case, purpose, new)
    };
    consents.iter().enumerate().map(entry).collect()
}

/// Puts the consents of a new member into the change that creates it, and its standing into `body`, whose row is written
/// after this.
pub(in crate::vault) fn put(
    case: &Case<'_>,
    change: &mut Change,
    member: &MemberId,
    body: &mut MemberBody,
    entries: &[HistoryEntry],
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let vault = case.vault;
    let dossier = Compartment::dossier();
    vault.keyring().add_compartment(body, &dossier, vault.entropy())?;
    for (number, entry) in (1..).zip(entries) {
        let consent = Consent { explicit: entry.explicit, until: history::until(entry.expires_at) };
        if !entry.purposes.iter().all(|purpose| body.standing.set_consent(purpose, Some(consent))) {
            return Err(too_many_purposes());
        }
        let name = dossier::entry_name(history::SERIES, number)?;
        let address = RecordAddress { member: *member, compartment: dossier.clone(), name };
        let (json, meta) = (dossier::text(entry)?, RecordMeta::default());
        let record = NewRecord::first(&address, case.now, &meta, json.expose());
        vault.put_first_row(change, body, &record)?;
    }
    posting::follow(change, member, &Standing::default(), &body.standing);
    Ok(())
}
