//! Look-ups, and what the default map says.

use std::collections::BTreeSet;

use super::super::{DataMap, FieldKind, LegalBasis, RecordType, Sensitivity};
use super::{plain, record, small};
use crate::policy::Policy;
use crate::types::{Compartment, IdentifierKind, Purpose, RecordName};

fn find<'m>(map: &'m DataMap, compartment: &str, name: &str) -> Option<&'m RecordType> {
    map.record_type(&compartment.parse::<Compartment>().unwrap(), &name.parse::<RecordName>().unwrap())
}

#[test]
fn the_default_map_describes_the_profile_of_the_sample() {
    let map = DataMap::parse(DataMap::default_text()).unwrap();
    assert_eq!((map.version(), map.is_strict(), map.text()), (1, false, DataMap::default_text()));
    assert_eq!(map.digest(), DataMap::default_map().digest());
    let profile = find(&map, "core", "profile").unwrap();
    let columns = [
        "external_id",
        "email",
        "phone",
        "name",
        "birth_date",
        "locale",
        "address",
        "city",
        "postal_code",
        "country",
        "loyalty_tier",
        "joined_at",
        "preferences",
        "consents",
    ];
    let declared: BTreeSet<_> = profile.fields().map(|field| field.name.as_str()).collect();
    assert_eq!(declared, BTreeSet::from(columns));
    let email = profile.field("email").unwrap();
    assert_eq!((email.kind, email.index, email.correctable), (FieldKind::Email, Some(IdentifierKind::Email), true));
    assert_eq!(profile.field("birth_date").map(|field| field.sensitivity), Some(Sensitivity::Sensitive));
    assert!(profile.field("iban").is_none());
}

#[test]
fn the_default_map_and_the_default_policy_have_the_same_purposes() {
    let (map, policy) = (DataMap::default_map(), Policy::parse(Policy::default_text()).unwrap());
    let declared: Vec<_> = map.purposes().map(|entry| (entry.name.clone(), entry.about.clone())).collect();
    let of_policy: Vec<_> = policy.purposes().map(|(name, about)| (name.clone(), about.to_owned())).collect();
    assert_eq!(declared, of_policy);
}

#[test]
fn a_name_is_found_before_a_beginning_and_a_longer_beginning_before_a_shorter() {
    let fields = [plain("a")];
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let names = ["*", "order-*", "order-2026-*", "order-2026-7", "x", "order.*"];
    let map = names.map(|name| record("orders", name, &fields)).concat() + &record("notes", "n*", &fields);
    let map = DataMap::parse(&small(&map)).unwrap();
    let label = |compartment, name| find(&map, compartment, name).map(RecordType::label);
    for (name, expected) in [
        ("order-2026-7", "orders/order-2026-7"),
        ("order-2026-8", "orders/order-2026-*"),
        ("order-2025-8", "orders/order-*"),
        ("order-2027", "orders/order-*"),
        ("order", "orders/*"),
        ("x", "orders/x"),
        ("x1", "orders/*"),
        ("zz", "orders/*"),
        ("0", "orders/*"),
    ] {
        assert_eq!(label("orders", name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(label("notes", "note").as_deref(), Some("notes/n*"));
    assert_eq!((label("notes", "m"), label("orderz", "x"), label("core", "profile")), (None, None, None));
}

#[test]
fn a_basis_is_the_fields_own_or_the_purposes() {
    let field = "a = { type = \"text\", sensitivity = \"ordinary\", purposes = [\"service\", \"health\"], \
                 basis = { service = \"legal_obligation\" }, source = \"x\", about = \"x\" }";
    let map = DataMap::parse(&small(&record("core", "profile", &[field]))).unwrap();
    let field = find(&map, "core", "profile").unwrap().field("a").unwrap();
    let basis = |name: &str| {
        let purpose: Purpose = name.parse().unwrap();
        field.basis_for(&purpose, map.purpose(&purpose).unwrap())
    };
    assert_eq!((basis("service"), basis("health")), (LegalBasis::LegalObligation, LegalBasis::Consent));
    assert!(map.purpose(&"nonsense".parse().unwrap()).is_none());
}

#[test]
fn a_record_that_says_nothing_is_kept_as_long_as_a_purpose_needs_it() {
    let purposes = "version = 1\nstrict = true\ncontroller = \"x\"\ncontact = \"x\"\n\
        [purposes.one]\nabout = \"x\"\nbasis = \"contract\"\ndpv = \"dpv:Marketing\"\nretention = \"P1Y\"\n\
        [purposes.two]\nabout = \"x\"\nbasis = \"contract\"\ndpv = \"dpv:Marketing\"\nretention = \"P18M\"\n";
    let field = |name: &str, purpose: &str| {
        format!(
            "fields.{name} = {{ type = \"text\", sensitivity = \"ordinary\", purposes = [{purpose}], source = \"x\", about = \"x\" }}\n"
        )
    };
    let text = format!(
        "{purposes}[[records]]\ncompartment = \"core\"\nname = \"profile\"\nabout = \"x\"\n{}{}",
        field("a", "\"one\""),
        field("b", "\"one\", \"two\"")
    );
    let map = DataMap::parse(&text).unwrap();
    assert_eq!(find(&map, "core", "profile").map(|record| record.retention.to_string()).as_deref(), Some("P1Y6M"));
}
