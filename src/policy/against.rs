//! The policy beside the data map: whether they speak of the same purposes, and where they disagree about fields.

use super::{Action, Facts, Mask, Policy, Request, Treatment, View, decide};
use crate::schema::{DataMap, FieldEntry, RecordType, Remark, SchemaError};
use crate::types::{Actor, Purpose, Role};

impl Policy {
    /// Whether the vault can work under this policy and this map together: a purpose that the map does not know has no
    /// legal basis, and a mask the policy does not know shows nothing.
    ///
    /// # Errors
    /// `invalid_schema`: what is missing where, and what to do.
    pub fn fits(&self, map: &DataMap) -> Result<(), SchemaError> {
        if let Some((purpose, _)) = self.purposes().find(|(purpose, _)| map.purpose(purpose).is_none()) {
            let what = format!("the policy has the purpose \"{purpose}\", which the data map does not declare");
            let advice =
                format!("declare it as [purposes.{purpose}] with its legal basis, or take it out of the policy");
            return Err(SchemaError::Rule { line: 1, what, advice });
        }
        for (record, field) in fields(map) {
            if let Some(mask) = &field.mask
                && !Mask::ALL.iter().any(|known| known.as_str() == mask)
            {
                let known: Vec<_> = Mask::ALL.iter().map(|known| known.as_str()).collect();
                let what =
                    format!("the field {} of {} has the mask {mask:?}, and there is none", field.name, record.label());
                let advice = format!("use one of {}", known.join(", "));
                return Err(SchemaError::Rule { line: field.line, what, advice });
            }
        }
        Ok(())
    }

    /// Where this policy and the map do not contradict each other, but probably do not mean the same. Lines are those of
    /// the map.
    pub fn remarks_on(&self, map: &DataMap) -> Vec<Remark> {
        let stated = |purpose: &Purpose| self.purposes().any(|(known, _)| known == purpose);
        let unknown = map.purposes().filter(|entry| !stated(&entry.name));
        let mut remarks: Vec<_> = unknown
            .map(|entry| {
                let what = format!("the policy does not have the purpose {}: nobody can state it", entry.name);
                Remark { line: entry.line, text: format!("{what}; add it there, or remove it here") }
            })
            .collect();
        for (record, field) in fields(map) {
            if !field.purposes.iter().any(|purpose| self.shows(record, field, purpose)) {
                let (name, label) = (&field.name, record.label());
                let what = format!("nobody may see the field {name} of {label} for a purpose it serves");
                remarks.push(Remark {
                    line: field.line,
                    text: format!("{what}; do not collect it, or show it to somebody"),
                });
            }
            for purpose in map.purposes().filter(|entry| !field.serves(&entry.name)) {
                remarks.extend(self.names(record, field, &purpose.name).map(|role| Remark {
                    line: field.line,
                    text: format!(
                        "the policy lets {role} see the field {} of {} for {}, which it does not serve; it is withheld. \
                         Hide it there, or add the purpose here and tell the members",
                        field.name,
                        record.label(),
                        purpose.name
                    ),
                }));
            }
        }
        remarks.sort_by_key(|remark| remark.line);
        remarks
    }

    /// The roles that may see fields of the map's records for a purpose.
    pub fn roles_for(&self, map: &DataMap, purpose: &Purpose) -> Vec<Role> {
        let sees = |role: &Role| {
            map.record_types().any(|record| {
                let served = |field: &FieldEntry| field.serves(purpose);
                self.seen(*role, record, purpose).is_some_and(|view| {
                    record.fields().filter(|field| served(field)).any(|field| is_shown(&view, field))
                })
            })
        };
        Role::ALL.into_iter().filter(sees).collect()
    }

    fn shows(&self, record: &RecordType, field: &FieldEntry, purpose: &Purpose) -> bool {
        Role::ALL.into_iter().any(|role| self.seen(role, record, purpose).is_some_and(|view| is_shown(&view, field)))
    }

    /// A role that sees a field for a purpose because a rule names it, and not as one of all.
    fn names(&self, record: &RecordType, field: &FieldEntry, purpose: &Purpose) -> Option<Role> {
        Role::ALL.into_iter().find(|role| {
            self.seen(*role, record, purpose)
                .is_some_and(|view| is_shown(&view, field) && view.treatment(field.name.as_str()) != view.of_others())
        })
    }

    fn seen(&self, role: Role, record: &RecordType, purpose: &Purpose) -> Option<View> {
        let request = Request {
            actor: &Actor::local(role),
            action: Action::RecordRead,
            purpose: Some(purpose),
            member: None,
            compartment: Some(&record.compartment),
        };
        let permit = decide(self, &request, &Facts::NONE).ok()?;
        permit.view(&record.compartment).cloned()
    }
}

fn fields(map: &DataMap) -> impl Iterator<Item = (&RecordType, &FieldEntry)> {
    map.record_types().flat_map(|record| record.fields().map(move |field| (record, field)))
}

fn is_shown(view: &View, field: &FieldEntry) -> bool {
    view.treatment(field.name.as_str()) != Treatment::Hidden
}
