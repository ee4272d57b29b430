//! Envelope and place vectors: what they are, how they are made.

use membervault::crypto::{CryptoError, Entropy, Suite};
use membervault::testkit::entropy::SeededEntropy;
use serde::{Deserialize, Serialize};

use super::places::{AnyPlace, Bytes, Hex};

#[derive(Serialize, Deserialize)]
pub struct Envelopes {
    pub valid: Vec<Valid>,
    pub invalid: Vec<Invalid>,
}

#[derive(Serialize, Deserialize)]
pub struct Valid {
    pub suite: u8,
    pub key: Hex<[u8; 32]>,
    pub place: AnyPlace,
    pub salt: Hex<[u8; 32]>,
    pub plaintext: Bytes,
    pub envelope: Bytes,
}

#[derive(Serialize, Deserialize)]
pub struct Invalid {
    /// What was done to a valid envelope.
    pub change: String,
    /// `not-an-envelope`, `unknown-suite`, `wrong-key-or-place` or `damaged`.
    pub refusal: String,
    pub key: Hex<[u8; 32]>,
    pub place: AnyPlace,
    pub envelope: Bytes,
}

#[derive(Serialize, Deserialize)]
pub struct PlaceVector {
    pub suite: u8,
    pub place: AnyPlace,
    pub aad: Bytes,
}

pub const SUITES: [Suite; 2] = [Suite::ChaCha20Poly1305, Suite::Aes256Gcm];

/// The name of a refusal in the vectors.
pub fn refusal(error: &CryptoError) -> &'static str {
    match error {
        CryptoError::NotAnEnvelope => "not-an-envelope",
        CryptoError::UnknownSuite(_) => "unknown-suite",
        CryptoError::WrongKeyOrPlace => "wrong-key-or-place",
        CryptoError::Damaged => "damaged",
        _ => "other",
    }
}

fn draw<const N: usize>(entropy: &dyn Entropy) -> Hex<[u8; N]> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes).unwrap();
    Hex(bytes)
}

/// One place of every kind, and neighbours that differ from it in one field.
fn places(entropy: &dyn Entropy) -> Vec<Vec<AnyPlace>> {
    use AnyPlace as A;
    let [vault, other_vault, member, other_member, record, other_record] = [(); 6].map(|()| draw::<16>(entropy));
    let keyring =
        |vault: &Hex<[u8; 16]>, header: &[u8]| A::Keyring { vault: vault.clone(), header: Hex(header.to_vec()) };
    let node = |subtree, level, index| A::Node { vault: vault.clone(), subtree, level, index };
    let row = |shard, member: &Hex<[u8; 16]>| A::MemberRow { vault: vault.clone(), shard, member: member.clone() };
    let page = |field, bucket, page| A::Page { vault: vault.clone(), field, bucket, page };
    let record_at = |member: &Hex<[u8; 16]>, compartment, record: &Hex<[u8; 16]>, dek_version, version| {
        let (vault, member, record) = (vault.clone(), member.clone(), record.clone());
        A::Record { vault, member, compartment, record, dek_version, version }
    };
    let access = |member: &Hex<[u8; 16]>| A::Access { vault: vault.clone(), member: member.clone() };
    let hold = |member: &Hex<[u8; 16]>| A::Hold { vault: vault.clone(), member: member.clone() };
    let request = |member: &Hex<[u8; 16]>, request: &Hex<[u8; 16]>| A::Request {
        vault: vault.clone(),
        member: member.clone(),
        request: request.clone(),
    };
    let control = |key: &[u8]| A::Control { vault: vault.clone(), row_key: Hex(key.to_vec()) };
    vec![
        vec![
            keyring(&vault, b"header"),
            keyring(&vault, b"heade"),
            keyring(&other_vault, b"header"),
            keyring(&vault, &[7; 255]),
        ],
        vec![node(0xff, 0, 0), node(0, 0, 0), node(0, 1, 0), node(0, 1, 255), node(1, 1, 255), node(0, 2, u32::MAX)],
        vec![row(0xabcd, &member), row(0xabce, &member), row(0xabcd, &other_member)],
        vec![page(1, 7, 0), page(2, 7, 0), page(1, 8, 0), page(1, 7, 1), page(3, u32::MAX, 255)],
        vec![
            record_at(&member, 0, &record, 1, 1),
            record_at(&other_member, 0, &record, 1, 1),
            record_at(&member, 1, &record, 1, 1),
            record_at(&member, 0, &other_record, 1, 1),
            record_at(&member, 0, &record, 2, 1),
            record_at(&member, 0, &record, 1, 2),
            record_at(&member, u16::MAX, &record, u32::MAX, u64::MAX),
        ],
        vec![access(&member), hold(&member), access(&other_member)],
        vec![hold(&member), access(&member), hold(&other_member)],
        vec![control(b"K12345678"), control(b"K1234567"), control(b""), control(&[7; 255])],
        vec![
            request(&member, &record),
            hold(&member),
            request(&other_member, &record),
            request(&member, &other_record),
        ],
    ]
}

pub fn make_places() -> Vec<PlaceVector> {
    let mut made: Vec<PlaceVector> = Vec::new();
    for place in places(&SeededEntropy::new(1)).into_iter().flatten() {
        if made.iter().any(|vector| vector.place == place) {
            continue;
        }
        for suite in SUITES {
            let aad = Hex([&[suite.number()], place.aad().as_slice()].concat());
            made.push(PlaceVector { suite: suite.number(), place: place.clone(), aad });
        }
    }
    made
}

pub fn make_envelopes() -> Envelopes {
    let entropy = SeededEntropy::new(2);
    let mut made = Envelopes { valid: Vec::new(), invalid: Vec::new() };
    for suite in SUITES {
        for (kind, places) in places(&SeededEntropy::new(1)).into_iter().enumerate() {
            let [place, elsewhere @ ..] = places.as_slice() else { unreachable!() };
            let (key, other_key) = (draw::<32>(&entropy), draw::<32>(&entropy));
            // Of several lengths: none, less than a block of either cipher, several blocks.
            let plaintext: Vec<u8> = (0..=255).cycle().take([0, 1, 16, 17, 64, 65, 200, 300, 31][kind]).collect();
            let envelope = place.seal(suite, &key.0, &plaintext, &entropy).unwrap();
            let mut refused = |change: &str, refusal: &str, key: &Hex<[u8; 32]>, place: &AnyPlace, envelope: &[u8]| {
                let (change, refusal, envelope) = (change.to_owned(), refusal.to_owned(), Hex(envelope.to_vec()));
                made.invalid.push(Invalid { change, refusal, key: key.clone(), place: place.clone(), envelope });
            };
            for other in elsewhere {
                refused("in another place", "wrong-key-or-place", &key, other, &envelope);
            }
            refused("under another key", "wrong-key-or-place", &other_key, place, &envelope);
            for (change, refusal, envelope) in changes(&envelope) {
                refused(change, refusal, &key, place, &envelope);
            }
            let salt = Hex(envelope[4..36].try_into().unwrap());
            let (plaintext, envelope) = (Hex(plaintext), Hex(envelope));
            made.valid.push(Valid { suite: suite.number(), key, place: place.clone(), salt, plaintext, envelope });
        }
    }
    made
}

/// What can be done to an envelope, and how it is refused.
fn changes(envelope: &[u8]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let flipped = |at: usize, bits: u8| {
        let mut changed = envelope.to_vec();
        changed[at] ^= bits;
        changed
    };
    let last = envelope.len() - 1;
    let mut all = vec![
        ("empty", "not-an-envelope", Vec::new()),
        ("only the magic", "not-an-envelope", envelope[..3].to_vec()),
        ("cut within the salt", "not-an-envelope", envelope[..20].to_vec()),
        ("cut within the commitment", "not-an-envelope", envelope[..67].to_vec()),
        ("cut within the shortest tag", "not-an-envelope", envelope[..83].to_vec()),
        ("another magic", "not-an-envelope", flipped(2, 3)),
        ("suite 0", "unknown-suite", flipped(3, envelope[3])),
        ("the other suite", "wrong-key-or-place", flipped(3, 3)),
        ("a flipped bit in the salt", "wrong-key-or-place", flipped(4, 1)),
        ("a flipped bit in the commitment", "wrong-key-or-place", flipped(67, 0x80)),
        ("a flipped bit in the tag", "damaged", flipped(last, 1)),
        ("one byte more", "damaged", [envelope, &[0]].concat()),
    ];
    if envelope.len() > 84 {
        all.push(("a flipped bit in the ciphertext", "damaged", flipped(68, 1)));
        all.push(("one byte less", "damaged", envelope[..last].to_vec()));
    }
    all
}
