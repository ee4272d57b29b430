//! One field of the data map, checked: here data is minimised by construction.

use toml::Spanned;

use super::parse::Reader;
use super::raw::RawField;
use super::{FieldEntry, FieldKind, LegalBasis, PurposeEntry, Retention, SchemaError, Sensitivity};
use crate::types::{FieldName, IdentifierKind};

impl Reader<'_> {
    /// `record`: how long the record is kept, where it says so itself.
    pub(super) fn field(
        &self,
        name: &Spanned<String>,
        raw: &RawField,
        purposes: &[PurposeEntry],
        record: Option<&Retention>,
    ) -> Result<FieldEntry, SchemaError> {
        let field: FieldName = self.name("field", name)?;
        if raw.purposes.is_empty() {
            let what = format!("the field {field} serves no purpose");
            return self.refuse(name, what, "name what it is needed for (purposes = [...]), or do not collect it");
        }
        let serves = self.list(&raw.purposes, |word| Ok(self.declared(word, purposes)?.name.clone()))?;
        let kind = self.keyword("type", &raw.kind, FieldKind::ALL, FieldKind::as_str)?;
        let mut entry = FieldEntry {
            line: self.line_of(name),
            kind,
            sensitivity: self.keyword("sensitivity", &raw.sensitivity, Sensitivity::ALL, Sensitivity::as_str)?,
            purposes: serves,
            basis: Vec::new(),
            retention: None,
            mask: raw.mask.as_ref().map(|mask| mask.get_ref().clone()),
            index: self.index(name, raw)?,
            source: self.prose(&format!("where the field {field} comes from"), &raw.source)?,
            correctable: raw.correctable,
            about: self.prose(&format!("what the field {field} is"), &raw.about)?,
            name: field,
        };
        for (purpose, basis) in &raw.basis {
            let declared = self.declared(purpose, purposes)?;
            if !entry.serves(&declared.name) {
                let what = format!(
                    "the field {} has a legal basis for {}, which it does not serve",
                    entry.name, declared.name
                );
                return self.refuse(purpose, what, "add the purpose to its purposes, or remove the basis");
            }
            let basis = self.keyword("legal basis", basis, LegalBasis::ALL, LegalBasis::as_str)?;
            entry.basis.push((declared.name.clone(), basis));
        }
        entry.basis.sort();
        entry.retention = self.own_retention(&entry, raw, record)?;
        self.special(&entry, purposes)?;
        Ok(entry)
    }

    /// Members are found through the profile's field of the identifier's own name.
    fn index(&self, name: &Spanned<String>, raw: &RawField) -> Result<Option<IdentifierKind>, SchemaError> {
        let Some(word) = &raw.index else { return Ok(None) };
        let kind = self.keyword("identifier", word, &IdentifierKind::ALL, IdentifierKind::as_str)?;
        if kind.field_name() != name.get_ref() {
            let what = format!("the field {} cannot be the identifier {kind}", name.get_ref());
            return self.refuse(word, what, format!("members are found through the field {}", kind.field_name()));
        }
        Ok(Some(kind))
    }

    fn own_retention(
        &self,
        entry: &FieldEntry,
        raw: &RawField,
        record: Option<&Retention>,
    ) -> Result<Option<Retention>, SchemaError> {
        let Some(word) = &raw.retention else { return Ok(None) };
        let own = Retention::For(self.period(word)?);
        if record.is_some_and(|record| record != &own && record.longer(&own) == &own) {
            let what = format!("the field {} would be kept longer than its record", entry.name);
            return self.refuse(word, what, "a field goes with its record, or before it");
        }
        Ok(Some(own))
    }

    fn special(&self, entry: &FieldEntry, purposes: &[PurposeEntry]) -> Result<(), SchemaError> {
        if entry.sensitivity != Sensitivity::Special {
            return Ok(());
        }
        let serves = purposes.iter().filter(|purpose| entry.serves(&purpose.name));
        let mut other = serves.filter(|purpose| entry.basis_for(&purpose.name, purpose) != LegalBasis::Consent);
        match other.next() {
            None => Ok(()),
            Some(purpose) => {
                let name = &purpose.name;
                let what = format!(
                    "the field {} is of a special category, but serves {name} on the basis {}",
                    entry.name,
                    entry.basis_for(name, purpose)
                );
                let advice = format!("write basis.{name} = \"consent\" (it must be explicit), or remove the purpose");
                Err(SchemaError::rule(entry.line, what, advice))
            }
        }
    }
}
