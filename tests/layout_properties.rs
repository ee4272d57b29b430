//! What holds for all bytes and all values: no reader panics, what was written is read, and no two places share their
//! associated data.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "a test"
)]

#[path = "vectors/leaves.rs"]
mod leaves;
#[path = "vectors/layouts.rs"]
mod layouts;
#[path = "vectors/places.rs"]
mod places;

use membervault::codec::{KeyringHeader, Plaintext, RecordRow, RowStamp, keys, payload, rows};
use membervault::crypto::{ENVELOPE_OVERHEAD, Suite};
use membervault::testkit::entropy::SeededEntropy;
use places::{AnyPlace, Hex};
use proptest::collection::vec;
use proptest::prelude::*;

const LAYOUTS: [&str; 13] = [
    "vault-meta",
    "epoch",
    "head",
    "fence",
    "erasure",
    "node",
    "member",
    "page",
    "record",
    "payload",
    "keyring",
    "detail",
    "leaf",
];

/// Few values in each field, so that places often agree in some of them.
fn place() -> impl Strategy<Value = AnyPlace> {
    let id = || prop_oneof![Just(Hex([0; 16])), Just(Hex([0xff; 16])), any::<[u8; 16]>().prop_map(Hex)];
    let var = || prop_oneof![vec(0..3u8, 0..4), vec(any::<u8>(), 0..255)].prop_map(Hex);
    let number = || prop_oneof![0..3u32, any::<u32>()];
    let small = || prop_oneof![0..3u8, any::<u8>()];
    prop_oneof![
        (id(), var()).prop_map(|(vault, header)| AnyPlace::Keyring { vault, header }),
        (id(), small(), small(), number()).prop_map(|(vault, subtree, level, index)| AnyPlace::Node {
            vault,
            subtree,
            level,
            index
        }),
        (id(), number(), id()).prop_map(|(vault, shard, member)| AnyPlace::MemberRow { vault, shard, member }),
        (id(), small(), number(), small()).prop_map(|(vault, field, bucket, page)| AnyPlace::Page {
            vault,
            field,
            bucket,
            page
        }),
        (id(), id(), 0..3u16, id(), number(), 0..3u64).prop_map(
            |(vault, member, compartment, record, dek_version, version)| AnyPlace::Record {
                vault,
                member,
                compartment,
                record,
                dek_version,
                version
            }
        ),
        (id(), id()).prop_map(|(vault, member)| AnyPlace::Access { vault, member }),
        (id(), id()).prop_map(|(vault, member)| AnyPlace::Hold { vault, member }),
        (id(), var()).prop_map(|(vault, row_key)| AnyPlace::Control { vault, row_key }),
    ]
}

/// Arbitrary bytes that often begin like a layout.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let begun = (vec(0..4u8, 0..8), vec(any::<u8>(), 0..600)).prop_map(|(start, rest)| [vec![1], start, rest].concat());
    prop_oneof![vec(any::<u8>(), 0..300), begun]
}

/// What is accepted is written again as it was. Only the metadata of a record, being JSON, can be written in other ways.
fn one_way_to_write_it(layout: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    match layouts::read(layout, bytes) {
        Ok((_, again)) if layout != "record" => prop_assert_eq!(again, bytes, "{}", layout),
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_places_never_share_their_associated_data(one in place(), other in place()) {
        prop_assert_eq!(one.aad() == other.aad(), one == other);
    }

    #[test]
    fn no_reader_panics(bytes in bytes()) {
        for layout in LAYOUTS {
            one_way_to_write_it(layout, &bytes)?;
        }
        _ = RecordRow::parse(&bytes);
        _ = rows::sealed(&bytes);
        _ = KeyringHeader::parse(&bytes);
        _ = KeyringHeader::unframe(&bytes);
        _ = RowStamp::of(&bytes);
    }

    #[test]
    fn a_changed_layout_is_refused_or_says_what_it_says(at in any::<prop::sample::Index>(), pick in any::<prop::sample::Index>(), value in any::<u8>()) {
        let samples = SAMPLES.with(Clone::clone);
        let (layout, bytes) = &samples[pick.index(samples.len())];
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = value;
        one_way_to_write_it(layout, &changed)?;
    }

    #[test]
    fn no_key_reader_panics_and_keys_have_one_form(bytes in vec(any::<u8>(), 0..40), tag in prop::sample::select(b"MFXDHKIVENLT".to_vec())) {
        for key in [bytes.clone(), [&[tag], bytes.as_slice()].concat()] {
            let written = [
                keys::parse_member(&key).map(|member| keys::member(&member).to_vec()),
                keys::parse_fence(&key).map(|(member, compartment)| keys::fence(&member, compartment).to_vec()),
                keys::parse_erasure(&key).map(|erasure| keys::erasure(&erasure).to_vec()),
                keys::parse_dirty(&key).map(|(subtree, leaf)| keys::dirty(subtree, leaf).to_vec()),
                keys::parse_hold(&key).map(|member| keys::hold(&member).to_vec()),
                keys::parse_token(&key).map(|token| keys::token(&token).to_vec()),
                keys::parse_page(&key).map(|(field, bucket, page)| keys::page(field, bucket, page).to_vec()),
                keys::parse_record(&key).map(|(member, number, token)| keys::record(&member, number, &token).to_vec()),
                keys::parse_leaf(&key).map(|index| keys::leaf(index).to_vec()),
                keys::parse_tile(&key).map(|(level, tile)| keys::tile(level, tile).to_vec()),
                keys::parse_access(&key).map(|(prefix, index)| keys::access(&prefix, index).to_vec()),
            ];
            for again in written.into_iter().flatten() {
                prop_assert_eq!(again, key.clone());
            }
        }
    }

    #[test]
    fn content_survives_its_payload(raw in prop_oneof![vec(any::<u8>(), 0..3000), vec(b'a'..b'e', 0..9000)]) {
        let payload = payload::pack(&raw).unwrap();
        prop_assert!(payload.len() >= 256 && payload.len() <= payload::padded_len(raw.len()));
        let unpacked = payload::unpack(payload).unwrap();
        prop_assert_eq!(unpacked.expose(), raw.as_slice());
    }

    #[test]
    fn no_payload_makes_the_reader_panic(packed in vec(any::<u8>(), 0..400), raw_len in 0..5000u32, compression in 0..4u8) {
        let mut bytes = [&[1, compression], raw_len.to_be_bytes().as_slice(), &(packed.len() as u32).to_be_bytes(), &packed].concat();
        bytes.resize(payload::padded_len(packed.len()), 0);
        _ = payload::unpack(Plaintext::from_vec(bytes));
    }

    #[test]
    fn what_is_sealed_for_a_place_opens_there_only(one in place(), other in place(), plaintext in vec(any::<u8>(), 0..300), seed in any::<u64>(), gcm in any::<bool>()) {
        let suite = if gcm { Suite::Aes256Gcm } else { Suite::ChaCha20Poly1305 };
        let envelope = one.seal(suite, &[7; 32], &plaintext, &SeededEntropy::new(seed)).unwrap();
        prop_assert_eq!(envelope.len(), plaintext.len() + ENVELOPE_OVERHEAD);
        let opened = one.open(&[7; 32], &envelope).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
        prop_assert_eq!(other.open(&[7; 32], &envelope).is_ok(), one == other);
        prop_assert!(one.open(&[8; 32], &envelope).is_err());
    }

    #[test]
    fn no_envelope_makes_the_reader_panic(place in place(), bytes in vec(any::<u8>(), 0..200), suite in 0..4u8) {
        prop_assert!(place.open(&[7; 32], &bytes).is_err());
        prop_assert!(place.open(&[7; 32], &[b"MV1", [suite].as_slice(), &bytes].concat()).is_err());
    }
}

thread_local! {
    static SAMPLES: Vec<(&'static str, Vec<u8>)> = layouts::samples();
}
