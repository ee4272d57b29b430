//! What changed between two data maps, in words, and what follows from it.

use std::fmt::Display;

use serde::Serialize;

use super::{DataMap, FieldEntry, LegalBasis, PurposeEntry, RecordType, Retention, Sensitivity};

/// One change and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What is different.
    pub what: String,
    /// What that means, and what is to be done.
    pub means: &'static str,
}

const TELL: &str = "members are to be told before it is used so (GDPR Art. 13(3))";
const ASK: &str = "members are to be asked: only those whose consent says so are used for it";
const LESS: &str = "less than before; nothing is to be done";
const STAYS: &str = "old records keep it, and in strict mode only the member still sees it; delete it record by record \
                     with a patch that sets it to null, or erase the compartment";
const WORDS: &str = "the notice to members may have to say so too";

/// What is different in `new`, in the order of the map.
pub fn diff(old: &DataMap, new: &DataMap) -> Vec<Change> {
    let mut found = Found(Vec::new());
    if old.controller() != new.controller() {
        found.add("who answers for the data, or how it is reached, is said differently", TELL);
    }
    match (old.is_strict(), new.is_strict()) {
        (false, true) => found.add(
            "the map becomes strict",
            "what it does not declare can no longer be written, and is shown to the member alone",
        ),
        (true, false) => found.add("the map is no longer strict", "fields nobody declared can be written again"),
        _ => {}
    }
    for before in old.purposes().filter(|before| new.purpose(&before.name).is_none()) {
        found.add(format!("the purpose {} is gone", before.name), "nobody can state it any more; its consents lapse");
    }
    for after in new.purposes() {
        match old.purpose(&after.name) {
            None if after.basis == LegalBasis::Consent => {
                found.add(format!("the purpose {} is new, by consent", after.name), ASK)
            }
            None => found.add(format!("the purpose {} is new, by {}", after.name, after.basis), TELL),
            Some(before) => found.purpose(before, after),
        }
    }
    let of = |map: &DataMap, record: &RecordType| {
        map.record_types()
            .find(|one| (&one.compartment, &one.pattern) == (&record.compartment, &record.pattern))
            .cloned()
    };
    for before in old.record_types().filter(|before| of(new, before).is_none()) {
        let means = "old records stay where they are, under a wider type if one fits; nothing of them goes by itself any \
                     more, so erase the compartment, or delete them";
        found.add(format!("the records {} are no longer declared", before.label()), means);
    }
    for after in new.record_types() {
        match of(old, after) {
            None => {
                found.add(format!("the records {} are new, with {} fields", after.label(), after.fields().len()), TELL)
            }
            Some(before) => found.record(&before, after, new),
        }
    }
    found.0
}

struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, what: impl Into<String>, means: &'static str) {
        self.0.push(Change { what: what.into(), means });
    }

    /// Adds a change of a word, if it is one.
    fn word(&mut self, subject: &str, before: impl Display, after: impl Display, means: &'static str) {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after {
            self.add(format!("{subject}: {before} becomes {after}"), means);
        }
    }

    fn purpose(&mut self, before: &PurposeEntry, after: &PurposeEntry) {
        let of = |what: &str| format!("the purpose {}, {what}", after.name);
        let basis = match after.basis {
            LegalBasis::Consent => ASK,
            _ => "members are to be told; consents to it no longer matter, objections may (GDPR Art. 21)",
        };
        self.word(&of("legal basis"), before.basis, after.basis, basis);
        self.word(&of("term of the vocabulary"), &before.dpv, &after.dpv, WORDS);
        if before.about != after.about {
            self.add(
                of("what it is for is said differently"),
                "if it is more than before, it is a new purpose: use another name",
            );
        }
        if before.automated != after.automated {
            let (what, means) = match after.automated {
                true => ("it decides without a person", "members may refuse it, and are to be told (GDPR Art. 22)"),
                false => ("it no longer decides without a person", LESS),
            };
            self.add(of(what), means);
        }
        if before.shred_on_withdrawal != after.shred_on_withdrawal {
            let (what, means) = match after.shred_on_withdrawal {
                true => ("what lived by consent to it is erased when that is withdrawn", LESS),
                false => (
                    "what lived by consent to it stays until the next run of retention when that is withdrawn",
                    "see that retention is run",
                ),
            };
            self.add(of(what), means);
        }
        if before.despite_restriction != after.despite_restriction {
            let (what, means) = match after.despite_restriction {
                true => {
                    ("it goes on while a member restricts the use of its data", "say on which ground (GDPR Art. 18(2))")
                }
                false => ("it stops while a member restricts the use of its data", LESS),
            };
            self.add(of(what), means);
        }
        for gone in before.recipients.iter().filter(|one| !after.recipients.contains(one)) {
            self.add(of(&format!("{gone} no longer receives data")), "have it delete or give back what it has");
        }
        for new in after.recipients.iter().filter(|one| !before.recipients.contains(one)) {
            self.add(
                of(&format!("{new} may receive data")),
                "members are to be told, and it needs an agreement (GDPR Art. 28)",
            );
        }
    }

    fn record(&mut self, before: &RecordType, after: &RecordType, new: &DataMap) {
        let label = after.label();
        let records = format!("the records {label}");
        self.retention(&records, Some(&before.retention), Some(&after.retention));
        self.word(
            &format!("{records}, start of their retention"),
            before.start,
            after.start,
            "records may be due at another time: look at the retention plan",
        );
        for gone in before.fields().filter(|field| after.field(field.name.as_str()).is_none()) {
            self.add(format!("the field {} of {label} is no longer declared", gone.name), STAYS);
        }
        for field in after.fields() {
            match before.field(field.name.as_str()) {
                None => {
                    let consent = |purpose: &&PurposeEntry| {
                        field.serves(&purpose.name) && field.basis_for(&purpose.name, purpose) == LegalBasis::Consent
                    };
                    let means = if new.purposes().any(|purpose| consent(&purpose)) { ASK } else { TELL };
                    let serves: Vec<_> = field.purposes.iter().map(ToString::to_string).collect();
                    self.add(format!("the field {} of {label} is new, for {}", field.name, serves.join(", ")), means);
                }
                Some(before) => self.field(&label, before, field, new),
            }
        }
    }

    fn field(&mut self, label: &str, before: &FieldEntry, after: &FieldEntry, new: &DataMap) {
        let subject = format!("the field {} of {label}", after.name);
        self.word(
            &format!("{subject}, type"),
            before.kind,
            after.kind,
            "old values stay as they are; the next write must be of the new type",
        );
        let more = match after.sensitivity {
            Sensitivity::Special => "a special category: only explicit consent opens it; look at who may see it",
            _ => "look at who may see it",
        };
        self.word(&format!("{subject}, sensitivity"), before.sensitivity, after.sensitivity, more);
        for gone in before.purposes.iter().filter(|purpose| !after.serves(purpose)) {
            self.add(format!("{subject} no longer serves {gone}"), LESS);
        }
        for purpose in after.purposes.iter().filter(|purpose| !before.serves(purpose)) {
            let basis = new.purpose(purpose).map(|entry| after.basis_for(purpose, entry));
            let means = if basis == Some(LegalBasis::Consent) { ASK } else { TELL };
            self.add(format!("{subject} serves {purpose} too"), means);
        }
        if before.basis != after.basis {
            self.add(
                format!("{subject}: its own legal bases are others"),
                "members are to be told, and asked where it is consent",
            );
        }
        self.retention(&subject, before.retention.as_ref(), after.retention.as_ref());
        self.word(&format!("{subject}, source"), &before.source, &after.source, WORDS);
        if before.index != after.index {
            self.add(format!("{subject}: members are found by it, or no longer"), WORDS);
        }
        if before.mask != after.mask {
            self.add(format!("{subject}: it is masked in another way"), "look at what those see who see it masked");
        }
        if before.correctable != after.correctable {
            let means = if after.correctable {
                "members may correct it themselves"
            } else {
                "members have to ask for a correction"
            };
            self.add(format!("{subject}: who corrects it is said differently"), means);
        }
    }

    fn retention(&mut self, subject: &str, before: Option<&Retention>, after: Option<&Retention>) {
        if before == after {
            return;
        }
        let text = |retention: Option<&Retention>| retention.map_or("as its record".to_owned(), ToString::to_string);
        let longer = match (before, after) {
            (Some(before), Some(after)) => before.longer(after) == after,
            (before, _) => before.is_some(),
        };
        let means = if longer {
            "kept longer than members were told: tell them, with the reason"
        } else {
            "more may be due at once: look at the retention plan before the next run"
        };
        self.add(format!("{subject}, retention: {} becomes {}", text(before), text(after)), means);
    }
}
