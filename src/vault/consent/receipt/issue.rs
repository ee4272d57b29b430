//! Writing a receipt: the history and the data map of one consent, under the signature of the log.

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::schema::{DataMap, LegalBasis, Sensitivity};
use crate::tlog::sign_note;
use crate::types::{Compartment, Ctx, MemberId, Purpose, RequestId};

use super::super::super::act::{Act, Decision, Prepared};
use super::super::super::evidence::AccessDetail;
use super::super::super::pipeline::{Case, Opened};
use super::super::super::{Error, Vault};
use super::super::{Happening, HistoryEntry, Notice, history};
use super::{
    CONTEXT, ConsentEvent, ConsentRecord, Duration, Party, Process, PurposeTerm, RECEIPT_SCHEMA, RECORD_SCHEMA,
    Receipt, ShownNotice, Term,
};

impl Vault {
    /// The receipt of a consent: of entry `number` of the history, or of the newest one about this purpose. A signed note.
    ///
    /// # Errors
    /// `not_found` also where the member never agreed to this purpose, or the entry is about something else; `gone`; a
    /// denial of the policy.
    pub fn consent_receipt<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        purpose: &'v Purpose,
        number: Option<u32>,
    ) -> Act<'v, String> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, purpose, number))
    }
}

/// An entry with its number.
type Numbered = (u32, HistoryEntry);

fn prepare(case: &Case<'_>, member: &MemberId, purpose: &Purpose, number: Option<u32>) -> Decision<String> {
    let opened = case.open_member(Action::ConsentRead, member, None)?;
    let about = |(_, entry): &Numbered| {
        matches!(entry.event, Happening::Given | Happening::Withdrawn) && entry.purposes.contains(purpose)
    };
    let mut history: Vec<Numbered> = (1..).zip(history::read(case, &opened, member)?).filter(about).collect();
    history.retain(|(at, _)| number.is_none_or(|number| *at <= number));
    let newest = history.pop().filter(|(at, _)| number.is_none_or(|number| *at == number));
    let newest = newest.ok_or_else(Error::not_found)?;
    let given = history.pop().filter(|(_, entry)| entry.event == Happening::Given);
    // A consent given anew stands alone; a withdrawal tells what it withdrew.
    let events = match newest.1.event {
        Happening::Withdrawn => given.into_iter().chain([newest]).collect(),
        _ => vec![newest],
    };
    let text = receipt(case, &opened, purpose, &events)?;
    let dossier = Compartment::dossier();
    let detail = AccessDetail { compartment: Some(dossier.as_str()), ..AccessDetail::of_member(case.ctx, case.now) };
    let mut change = case.vault.access(case.ctx, Event::RecordRead, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(text, change))
}

fn receipt(case: &Case<'_>, opened: &Opened, purpose: &Purpose, events: &[Numbered]) -> Result<String, Error> {
    let vault = case.vault;
    let map = vault.map();
    let (origin, key) = (vault.log_verifier().name(), vault.keyring().log_key());
    let (first, given) = events.first().ok_or(Error::Internal("a receipt is about an event"))?;
    let (record, subject) = opened.body.mk.consent_ids(purpose, *first);
    let receipt = Receipt {
        context: CONTEXT.iter().map(|(prefix, iri)| ((*prefix).to_owned(), (*iri).to_owned())).collect(),
        id: urn(vault.random()?),
        kind: "dpv:ConsentReceipt".to_owned(),
        schema: RECEIPT_SCHEMA.to_owned(),
        created: case.now,
        vault: *vault.id(),
        log: origin.to_string(),
        software: format!("membervault {}", env!("CARGO_PKG_VERSION")),
        record: ConsentRecord {
            id: urn(record),
            kind: "dpv:ConsentRecord".to_owned(),
            schema: RECORD_SCHEMA.to_owned(),
            subject: urn(subject),
            controller: Party {
                kind: "dpv:DataController".to_owned(),
                name: map.controller().name.clone(),
                contact: map.controller().contact.clone(),
            },
            process: process(&map, purpose, given.explicit),
            notice: shown(given.notice.as_ref()),
            events: events.iter().map(|(number, entry)| event(*number, entry)).collect(),
            rights: vec!["eu-gdpr:A7-3".to_owned()],
        },
    };
    let text = serde_json::to_string_pretty(&receipt).map_err(|_| Error::Internal("a receipt is serialisable"))?;
    Ok(sign_note(&(text + "\n"), origin, key))
}

/// An id without a meaning.
fn urn(bytes: [u8; 16]) -> String {
    format!("urn:uuid:{}", RequestId::from_random(bytes))
}

/// What the data map says of the purpose: with which data, how long, to whom.
fn process(map: &DataMap, purpose: &Purpose, explicit: bool) -> Process {
    let entry = map.purpose(purpose);
    let (mut data, mut storage, mut special) = (Vec::new(), Vec::new(), false);
    for record in map.record_types().filter(|record| record.serves(purpose)) {
        let by_consent = |basis| basis == Some(LegalBasis::Consent);
        let mut fields = record.fields().filter(|field| field.serves(purpose)).peekable();
        if fields.peek().is_some() {
            let value = record.retention.to_string();
            storage.push(Duration { kind: "dpv:StorageDuration".to_owned(), of: Some(record.label()), value });
        }
        for field in fields.filter(|field| by_consent(entry.map(|entry| field.basis_for(purpose, entry)))) {
            special |= field.sensitivity == Sensitivity::Special;
            data.push(Term {
                kind: "dpv:PersonalData".to_owned(),
                name: format!("{}.{}", record.label(), field.name),
                about: field.about.clone(),
            });
        }
    }
    let mut basis = vec!["eu-gdpr:A6-1-a".to_owned()];
    if special && explicit {
        basis.push("eu-gdpr:A9-2-a".to_owned());
    }
    Process {
        kind: "dpv:Process".to_owned(),
        purpose: PurposeTerm {
            kind: entry.map_or("dpv:Purpose", |entry| entry.dpv.as_str()).to_owned(),
            name: purpose.clone(),
            about: entry.map(|entry| entry.about.clone()).unwrap_or_default(),
        },
        basis,
        data,
        recipients: entry.iter().flat_map(|entry| &entry.recipients).map(ToString::to_string).collect(),
        storage,
    }
}

fn shown(notice: Option<&Notice>) -> ShownNotice {
    ShownNotice {
        kind: "dpv:ConsentNotice".to_owned(),
        version: notice.map_or("unknown", |notice| notice.version.as_str()).to_owned(),
        language: notice.and_then(|notice| notice.language.clone()),
        sha256: notice.and_then(|notice| notice.sha256.clone()),
    }
}

fn event(number: u32, entry: &HistoryEntry) -> ConsentEvent {
    let given = entry.event == Happening::Given;
    let state = if given { "dpv:ConsentGiven" } else { "dpv:ConsentWithdrawn" };
    let consent = if entry.explicit { "dpv:ExplicitlyExpressedConsent" } else { "dpv:ExpressedConsent" };
    let kinds = if given { vec![state, consent] } else { vec![state] };
    // The minute from which on it no longer counts.
    let until = history::until(entry.expires_at).map(|minute| Timestamp::from_minutes(minute).to_string());
    let (duration, value) = match until {
        Some(time) => ("dpv:UntilTimeDuration", time),
        None if given => ("dpv:UntilEventDuration", "the consent is withdrawn".to_owned()),
        None => ("dpv:UntilEventDuration", "the consent is given anew".to_owned()),
    };
    ConsentEvent {
        kinds: kinds.into_iter().map(str::to_owned).collect(),
        entry: number,
        at: entry.at,
        duration: Duration { kind: duration.to_owned(), of: None, value },
        by: "dpv:DataSubject".to_owned(),
        method: entry.method.map(|method| method.as_str().to_owned()),
        place: entry.place.clone(),
    }
}
