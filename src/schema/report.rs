//! The record of processing activities (GDPR Art. 30), made from the data map: as data, and as a page for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::{DPV_NAMESPACE, DPV_VERSION, DataMap, FieldEntry, PurposeEntry, RecordType, Retention};
use crate::types::Purpose;

/// What protects the data: true of every vault, whatever it is told to keep.
const MEASURES: &[&str] = &[
    "Each member's data is encrypted under keys of that member alone; each compartment has a key of its own",
    "Keys lie in a tree whose root is outside the database and its backups, under a passphrase (Argon2id) or a key file",
    "Access is denied unless a rule allows it, by role, compartment, purpose and field; consents are weighed at decryption",
    "Every access is an entry of an append-only log (Merkle tree) with its purpose, and names nobody",
    "Erasure destroys keys: backups stay as they are and no longer open; a certificate can be verified offline",
    "A restore brings back nobody who was erased since",
    "Identifiers are found through a sealed index only; neither logs nor addresses hold personal data",
];

/// The record of processing activities.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the prefix `dpv:` stands for.
    #[serde(rename = "@context")]
    pub context: Context,
    /// The version of the vocabulary.
    pub dpv_version: &'static str,
    /// The SHA-256 of the data map it is made from.
    pub data_map_sha256: String,
    /// Who answers for the data.
    pub controller: String,
    /// How it is reached.
    pub contact: String,
    /// The data-protection officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_protection_officer: Option<String>,
    /// Whose data it is.
    pub data_subjects: &'static str,
    /// The activities, one a purpose.
    pub activities: Vec<Activity>,
    /// What is kept, and for how long.
    pub records: Vec<Kept>,
    /// Where data goes beyond the reach of the GDPR.
    pub transfers: &'static str,
    /// What protects the data.
    pub security_measures: &'static [&'static str],
}

/// The vocabulary.
#[derive(Debug, Serialize)]
pub struct Context {
    /// Its address.
    pub dpv: &'static str,
}

/// Data used for one purpose.
#[derive(Debug, Serialize)]
pub struct Activity {
    /// The purpose.
    pub purpose: String,
    /// What it is for.
    pub about: String,
    /// Its term of the vocabulary.
    pub dpv: String,
    /// On which ground.
    pub legal_basis: &'static str,
    /// That ground in the GDPR.
    pub article: &'static str,
    /// Its term of the vocabulary.
    pub legal_basis_dpv: &'static str,
    /// Whether it decides about members without a person.
    pub automated_decision: bool,
    /// Whether it goes on while a member restricts the use of its data.
    pub despite_restriction: bool,
    /// Who inside may see data for it, by role.
    pub roles: Vec<String>,
    /// Who outside may receive data for it.
    pub recipients: Vec<String>,
    /// Why it needs nearly every field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broad: Option<String>,
    /// The data it uses.
    pub data: Vec<Datum>,
}

/// A field, as a purpose uses it.
#[derive(Debug, Serialize)]
pub struct Datum {
    /// The records it is of.
    pub records: String,
    /// Its name.
    pub field: String,
    /// What it is.
    pub about: String,
    /// Its category, as a term of the vocabulary.
    pub category_dpv: &'static str,
    /// Where it comes from.
    pub source: String,
    /// The ground, where it is not the purpose's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<&'static str>,
}

/// A kind of record and its end.
#[derive(Debug, Serialize)]
pub struct Kept {
    /// Which.
    pub records: String,
    /// What they are.
    pub about: String,
    /// How long they are kept: a period of ISO 8601, or `until_erased`.
    pub retention: String,
    /// From when on that counts.
    pub start: &'static str,
    /// Why they do not end by themselves, where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields that go earlier, each with its period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<(String, String)>,
}

/// The record of processing activities under this map. `roles`: who may see data for a purpose, by the policy.
pub fn report(map: &DataMap, roles: impl Fn(&Purpose) -> Vec<String>) -> Report {
    let controller = map.controller();
    Report {
        context: Context { dpv: DPV_NAMESPACE },
        dpv_version: DPV_VERSION,
        data_map_sha256: data_encoding::HEXLOWER.encode(&map.digest()),
        controller: controller.name.clone(),
        contact: controller.contact.clone(),
        data_protection_officer: controller.officer.clone(),
        data_subjects: "members",
        activities: map.purposes().map(|purpose| activity(map, purpose, roles(&purpose.name))).collect(),
        records: map.record_types().map(kept).collect(),
        transfers: "The vault sends nothing by itself. Where a recipient is, and what a transfer to it rests on, stands in \
                    the register of recipients.",
        security_measures: MEASURES,
    }
}

fn activity(map: &DataMap, purpose: &PurposeEntry, roles: Vec<String>) -> Activity {
    let fields = map.record_types().flat_map(|record| record.fields().map(move |field| (record, field)));
    Activity {
        purpose: purpose.name.to_string(),
        about: purpose.about.clone(),
        dpv: purpose.dpv.clone(),
        legal_basis: purpose.basis.as_str(),
        article: purpose.basis.article(),
        legal_basis_dpv: purpose.basis.dpv(),
        automated_decision: purpose.automated,
        despite_restriction: purpose.despite_restriction,
        roles,
        recipients: purpose.recipients.iter().map(ToString::to_string).collect(),
        broad: purpose.broad.clone(),
        data: fields
            .filter(|(_, field)| field.serves(&purpose.name))
            .map(|(of, field)| datum(of, field, purpose))
            .collect(),
    }
}

fn datum(record: &RecordType, field: &FieldEntry, purpose: &PurposeEntry) -> Datum {
    let basis = field.basis_for(&purpose.name, purpose);
    Datum {
        records: record.label(),
        field: field.name.to_string(),
        about: field.about.clone(),
        category_dpv: field.sensitivity.dpv(),
        source: field.source.clone(),
        legal_basis: (basis != purpose.basis).then(|| basis.as_str()),
    }
}

fn kept(record: &RecordType) -> Kept {
    let reason = match &record.retention {
        Retention::UntilErased(reason) => Some(reason.clone()),
        Retention::For(_) => None,
    };
    let earlier =
        record.fields().filter_map(|field| Some((field.name.to_string(), field.retention.as_ref()?.to_string())));
    Kept {
        records: record.label(),
        about: record.about.clone(),
        retention: record.retention.to_string(),
        start: record.start.as_str(),
        reason,
        earlier: earlier.collect(),
    }
}

impl Report {
    /// The report as a page (Markdown).
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "# Record of processing activities\n")?;
        writeln!(page, "GDPR Art. 30(1). Made from the data map with the SHA-256 `{}`.\n", self.data_map_sha256)?;
        writeln!(page, "* Controller: {}\n* Contact: {}", line(&self.controller), line(&self.contact))?;
        if let Some(officer) = &self.data_protection_officer {
            writeln!(page, "* Data-protection officer: {}", line(officer))?;
        }
        writeln!(page, "* Whose data: {}\n", self.data_subjects)?;
        for activity in &self.activities {
            activity.write(page)?;
        }
        writeln!(
            page,
            "## How long it is kept\n\n| records | what they are | kept | from | why, or what goes earlier |\n|---|---|---|---|---|"
        )?;
        for kept in &self.records {
            let earlier: Vec<_> = kept.earlier.iter().map(|(field, period)| format!("{field} {period}")).collect();
            let why = kept.reason.as_deref().map_or(earlier.join(", "), line);
            let Kept { records, about, retention, start, .. } = kept;
            writeln!(page, "| {records} | {} | {retention} | {start} | {why} |", line(about))?;
        }
        writeln!(page, "\n## Transfers to third countries\n\n{}\n\n## Security measures\n", self.transfers)?;
        self.security_measures.iter().try_for_each(|measure| writeln!(page, "* {measure}."))?;
        writeln!(page, "\nTerms: W3C Data Privacy Vocabulary {DPV_VERSION}, <{DPV_NAMESPACE}>.")
    }
}

impl Activity {
    fn write(&self, page: &mut String) -> std::fmt::Result {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        writeln!(page, "## {}\n\n{} (`{}`).\n", self.purpose, line(&self.about), self.dpv)?;
        writeln!(page, "* Legal basis: {} (GDPR {}, `{}`)", self.legal_basis, self.article, self.legal_basis_dpv)?;
        writeln!(page, "* Who sees data for it: {}\n* Recipients: {}", list(&self.roles), list(&self.recipients))?;
        if self.automated_decision {
            writeln!(page, "* Decides about members without a person (GDPR Art. 22)")?;
        }
        if self.despite_restriction {
            writeln!(page, "* Goes on while a member restricts the use of its data (GDPR Art. 18(2))")?;
        }
        if let Some(broad) = &self.broad {
            writeln!(page, "* Why it needs nearly everything: {}", line(broad))?;
        }
        let categories: BTreeSet<_> = self.data.iter().map(|datum| datum.category_dpv).collect();
        writeln!(page, "* Categories of data: {}\n", categories.into_iter().collect::<Vec<_>>().join(", "))?;
        writeln!(page, "| field | of | what it is | category | source |\n|---|---|---|---|---|")?;
        for Datum { records, field, about, category_dpv, source, legal_basis } in &self.data {
            let basis = legal_basis.map(|basis| format!(" (by {basis})")).unwrap_or_default();
            writeln!(page, "| {field}{basis} | {records} | {} | {category_dpv} | {} |", line(about), line(source))?;
        }
        writeln!(page)
    }
}

/// Text of the map as one cell of a table.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
