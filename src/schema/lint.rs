//! What a data map may say, but probably does not mean. Where it disagrees with the policy, `policy` remarks.

use super::{DataMap, LegalBasis, PurposeEntry, RecordType, Sensitivity};

/// A map with fewer fields is too small to say that a purpose uses nearly all.
const FIELDS_FEW: usize = 8;
/// A purpose that uses more than these of a hundred fields is over-broad.
const BROAD_PERCENT: usize = 90;
/// A sensitive field that serves more purposes than these serves many.
const PURPOSES_OF_SENSITIVE_MAX: usize = 3;

/// A remark on a valid data map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, counted from 1.
    pub line: usize,
    /// What is odd and what to do.
    pub text: String,
}

impl DataMap {
    /// What is odd about this map by itself, by line.
    pub fn remarks(&self) -> Vec<Remark> {
        let mut remarks: Vec<_> = self.purposes().flat_map(|purpose| of_purpose(self, purpose)).collect();
        remarks.extend(self.record_types().flat_map(of_record));
        remarks.sort_by_key(|remark| remark.line);
        remarks
    }
}

fn of_purpose(map: &DataMap, purpose: &PurposeEntry) -> Vec<Remark> {
    let name = &purpose.name;
    let mut remarks = Vec::new();
    let mut remark = |text: String| remarks.push(Remark { line: purpose.line, text });
    let fields = || map.record_types().flat_map(RecordType::fields);
    let (all, used) = (fields().count(), fields().filter(|field| field.serves(name)).count());
    if used == 0 {
        remark(format!("no field serves the purpose {name}; remove it, or say which fields it needs"));
    }
    // Counted within one record type: a purpose may well need all of a small record and nothing of the profile.
    let broad = map.record_types().find(|record| {
        let (all, used) = (record.fields().len(), record.fields().filter(|field| field.serves(name)).count());
        all >= FIELDS_FEW && used * 100 > all * BROAD_PERCENT
    });
    match (broad, &purpose.broad) {
        (Some(record), None) => remark(format!(
            "the purpose {name} uses nearly every field of {}; take away what it can do without, or say why it cannot \
             (broad = \"...\")",
            record.label()
        )),
        (None, Some(_)) if all >= FIELDS_FEW => {
            remark(format!("the purpose {name} says why it is broad, and is not; remove it (broad)"));
        }
        _ => {}
    }
    let decides = [LegalBasis::Consent, LegalBasis::Contract, LegalBasis::LegalObligation];
    if purpose.automated && !decides.contains(&purpose.basis) {
        remark(format!(
            "the purpose {name} decides without a person on the basis {}; GDPR Art. 22 asks for consent, contract or law",
            purpose.basis
        ));
    }
    if purpose.despite_restriction && purpose.basis == LegalBasis::Consent {
        remark(format!(
            "the purpose {name} goes on while a member restricts the use of its data, but rests on consent alone; \
             despite_restriction is for legal claims and the protection of others"
        ));
    }
    remarks
}

fn of_record(record: &RecordType) -> Vec<Remark> {
    let many = record
        .fields()
        .filter(|field| field.sensitivity != Sensitivity::Ordinary && field.purposes.len() > PURPOSES_OF_SENSITIVE_MAX);
    let many = many.map(|field| Remark {
        line: field.line,
        text: format!(
            "the field {} of {} is {} and serves {} purposes; let those go that can do with less",
            field.name,
            record.label(),
            field.sensitivity,
            field.purposes.len()
        ),
    });
    many.collect()
}
