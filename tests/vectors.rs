//! The published vectors: what is right opens to what they say, what is wrong is refused for the reason they state.
//!
//! They are written by this test (`MEMBERVAULT_WRITE_VECTORS=1 cargo test --test vectors`) and checked by an independent
//! reader in Python (`tests/independent.rs`); a change of any byte here is a change of the format.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "a test"
)]

#[path = "vectors/copies.rs"]
mod copies;
#[path = "vectors/derived.rs"]
mod derived;
#[path = "vectors/envelopes.rs"]
mod envelopes;
#[path = "vectors/layouts.rs"]
mod layouts;
#[path = "vectors/leaves.rs"]
mod leaves;
#[path = "vectors/places.rs"]
mod places;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use copies::Copies;
use derived::Derived;
use envelopes::{Envelopes, PlaceVector};
use layouts::Layouts;
use membervault::backup::Manifest;
use membervault::codec::LeafKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The vectors of one file. Writes them first when asked to; refuses to when what is made now is not what was published.
fn vectors<T: Serialize + DeserializeOwned>(name: &str, make: fn() -> T) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name).with_extension("json");
    let made = serde_json::to_string_pretty(&make()).unwrap() + "\n";
    if std::env::var("MEMBERVAULT_WRITE_VECTORS").is_ok() {
        fs::write(&path, &made).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap();
    assert!(published == made, "{name}: the vault no longer writes the published bytes");
    serde_json::from_str(&published).unwrap()
}

#[test]
fn envelopes_open_or_are_refused_as_published() {
    let Envelopes { valid, invalid } = vectors("envelope", envelopes::make_envelopes);
    for vector in &valid {
        let opened = vector.place.open(&vector.key.0, &vector.envelope.0).unwrap();
        assert_eq!(opened.expose(), vector.plaintext.0);
        assert_eq!((vector.envelope.0[3], &vector.envelope.0[4..36]), (vector.suite, vector.salt.0.as_slice()));
    }
    for vector in &invalid {
        let refused = vector.place.open(&vector.key.0, &vector.envelope.0).err().unwrap();
        assert_eq!(envelopes::refusal(&refused), vector.refusal, "{}", vector.change);
    }
    // Every kind of place, under both suites; every way to refuse, for each of them.
    assert_eq!(valid.len(), 18);
    let refusals: HashSet<_> = invalid.iter().map(|vector| vector.refusal.as_str()).collect();
    assert_eq!(refusals.len(), 4);
}

#[test]
fn places_have_the_published_bytes() {
    let found: Vec<PlaceVector> = vectors("places", envelopes::make_places);
    let mut seen = HashSet::new();
    for vector in found {
        assert_eq!([&[vector.suite], vector.place.aad().as_slice()].concat(), vector.aad.0);
        assert!(seen.insert(vector.aad.0), "{:?} has the bytes of another place", vector.place);
    }
}

#[test]
fn derived_keys_are_as_published() {
    let found: Vec<Derived> = vectors("derived", derived::make);
    let mut seen = HashSet::new();
    for vector in found {
        let out = vector.out.unwrap().0;
        assert_eq!(vector.what.derive(), out);
        assert!(seen.insert(out), "two derived values are equal");
    }
}

#[test]
fn layouts_are_read_or_refused_as_published() {
    let Layouts { valid, invalid } = vectors("layouts", layouts::make);
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for vector in &valid {
        let (fields, again) = layouts::read(&vector.layout, &vector.bytes.0).unwrap();
        assert_eq!(fields, vector.fields, "{}", vector.layout);
        assert_eq!(again, vector.bytes.0, "{}", vector.layout);
    }
    for vector in &invalid {
        let error = layouts::read(&vector.layout, &vector.bytes.0).err().unwrap();
        assert_eq!(layouts::refusal(error), vector.refusal, "{}: {}", vector.layout, vector.change);
        *refused.entry(vector.layout.clone()).or_default() += 1;
    }
    for vector in &valid {
        assert!(refused[&vector.layout] >= 4, "{}", vector.layout);
    }
}

#[test]
fn mirrors_and_manifests_are_read_or_refused_as_published() {
    let Copies { mirrors, manifests } = vectors("copies", copies::make);
    for vector in &mirrors {
        assert_eq!(copies::tell(vector), vector.told, "{}", vector.what);
    }
    let told: Vec<_> = mirrors
        .iter()
        .filter_map(|vector| vector.told.as_ref())
        .map(|told| (told.torn, told.operations.len()))
        .collect();
    assert_eq!(told, [(false, 7), (true, 4), (false, 2)]);
    for vector in &manifests {
        assert_eq!(Manifest::parse(vector.text.as_bytes()).is_ok(), vector.valid, "{}", vector.what);
    }
    assert_eq!(manifests.iter().filter(|vector| vector.valid).count(), 1);
}

/// The document says what the code does: every info string and every kind of leaf is in it.
#[test]
fn the_format_document_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/FORMAT.md")).unwrap();
    let mut infos = 0;
    for file in ["derive.rs", "envelope.rs", "key.rs", "hash.rs", "kek.rs"] {
        let code = fs::read_to_string(root.join("src/crypto").join(file)).unwrap();
        for info in code.split("b\"membervault/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.contains(&format!("\"membervault/{info}\"")), "docs/FORMAT.md lacks membervault/{info}");
            infos += 1;
        }
    }
    assert_eq!(infos, 20);
    for kind in LeafKind::ALL {
        let entry = format!("{} {}", kind.number(), kind.as_str());
        assert!(document.contains(&entry), "docs/FORMAT.md lacks leaf kind {entry}");
    }
}
