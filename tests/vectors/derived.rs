//! Vectors of derived keys and tokens.

use membervault::codec::KeyBytes;
use membervault::crypto::{Key, PassphraseParams, kek_from_passphrase};
use membervault::types::place::{Bucket, Control, Data, Kek, KeyKind, Member, Node, Note, Shard, VaultRoot};
use membervault::types::{Compartment, Purpose, RecipientName, RecordName, TokenId};
use serde::{Deserialize, Serialize};

use super::places::{Bytes, Hex};

#[derive(Serialize, Deserialize)]
pub struct Derived {
    #[serde(flatten)]
    pub what: What,
    #[serde(default)]
    pub out: Option<Bytes>,
}

type KeyHex = Hex<[u8; 32]>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    NoteKey { key: KeyHex },
    AccessPrefix { key: KeyHex },
    RecordToken { key: KeyHex, compartment: Compartment, name: RecordName },
    ErasureTag { key: KeyHex, compartment: Option<u16> },
    Pseudonym { key: KeyHex, purpose: Purpose, recipient: Option<RecipientName> },
    LeafRef { key: KeyHex, detail: Hex<[u8; 32]> },
    RequestMac { key: KeyHex, content: Hex<[u8; 32]> },
    ControlKey { key: KeyHex },
    EventsPrefix { key: KeyHex },
    LogKey { key: KeyHex },
    IndexPlace { key: KeyHex, field: u8, normalised: String, buckets: u32 },
    CursorMac { key: KeyHex, listing: u8, cursor: String },
    IdempotencyToken { key: KeyHex, actor: Hex<[u8; 8]>, text: String },
    PostingToken { key: KeyHex, field: u8, value: String },
    Commitment { key: KeyHex, kind: String },
    Kek { passphrase: String, m_kib: u32, t: u32, p: u32, salt: Hex<[u8; 16]> },
}

impl What {
    /// What the vault makes of it.
    pub fn derive(&self) -> Vec<u8> {
        match self {
            Self::NoteKey { key } => member(key).notes().note.expose_key_bytes().to_vec(),
            Self::AccessPrefix { key } => member(key).notes().access_prefix.to_vec(),
            Self::RecordToken { key, compartment, name } => member(key).record_token(compartment, name).to_vec(),
            Self::ErasureTag { key, compartment } => member(key).erasure_tag(*compartment).to_vec(),
            Self::Pseudonym { key, purpose, recipient } => member(key).pseudonym(purpose, recipient.as_ref()).to_vec(),
            Self::LeafRef { key, detail } => Key::<Note>::from_key_bytes(&key.0).leaf_ref(&detail.0).to_vec(),
            Self::RequestMac { key, content } => Key::<Note>::from_key_bytes(&key.0).request_mac(&content.0).to_vec(),
            Self::ControlKey { key } => root(key).control().expose_key_bytes().to_vec(),
            Self::EventsPrefix { key } => root(key).events_prefix().to_vec(),
            Self::LogKey { key } => root(key).log_key().public().as_bytes().to_vec(),
            Self::IndexPlace { key, field, normalised, buckets } => {
                let place = root(key).index(*field).place(normalised.as_bytes(), *buckets);
                [place.bucket.to_be_bytes().as_slice(), &place.token].concat()
            }
            Self::CursorMac { key, listing, cursor } => root(key).cursor().mac(*listing, cursor.as_bytes()).to_vec(),
            Self::IdempotencyToken { key, actor, text } => {
                root(key).idempotency().token(&TokenId::from_bytes(actor.0), text.as_bytes()).to_vec()
            }
            Self::PostingToken { key, field, value } => root(key).posting().token(*field, value.as_bytes()).to_vec(),
            Self::Commitment { key, kind } => commitment(key, kind).to_vec(),
            Self::Kek { passphrase, m_kib, t, p, salt } => {
                let params = PassphraseParams::new(*m_kib, *t, *p, salt.0).unwrap();
                kek_from_passphrase(passphrase.as_bytes(), &params).unwrap().expose_key_bytes().to_vec()
            }
        }
    }
}

fn member(key: &KeyHex) -> Key<Member> {
    Key::from_key_bytes(&key.0)
}

fn root(key: &KeyHex) -> Key<VaultRoot> {
    Key::from_key_bytes(&key.0)
}

fn commitment(key: &KeyHex, kind: &str) -> [u8; 32] {
    fn of<K: KeyKind>(key: &KeyHex, kind: &str) -> Option<[u8; 32]> {
        (K::NAME == kind).then(|| Key::<K>::from_key_bytes(&key.0).commitment())
    }
    let seals = of::<Kek>(key, kind).or_else(|| of::<Node>(key, kind)).or_else(|| of::<Shard>(key, kind));
    let seals = seals.or_else(|| of::<Bucket>(key, kind)).or_else(|| of::<Data>(key, kind));
    let derives = of::<Member>(key, kind).or_else(|| of::<Note>(key, kind)).or_else(|| of::<VaultRoot>(key, kind));
    seals.or(derives).or_else(|| of::<Control>(key, kind)).unwrap()
}

pub fn make() -> Vec<Derived> {
    let key = || Hex(std::array::from_fn(|at| at as u8));
    let record = |compartment: &str, name: &str| What::RecordToken {
        key: key(),
        compartment: compartment.parse().unwrap(),
        name: name.parse().unwrap(),
    };
    let pseudonym = |purpose: &str, recipient: Option<&str>| What::Pseudonym {
        key: key(),
        purpose: purpose.parse().unwrap(),
        recipient: recipient.map(|name| name.parse().unwrap()),
    };
    let index = |field, normalised: &str, buckets| What::IndexPlace {
        key: key(),
        field,
        normalised: normalised.to_owned(),
        buckets,
    };
    let mut all = vec![
        What::NoteKey { key: key() },
        What::AccessPrefix { key: key() },
        record("core", "profile"),
        record("a", "bc"),
        record("ab", "c"),
        What::ErasureTag { key: key(), compartment: None },
        What::ErasureTag { key: key(), compartment: Some(0) },
        What::ErasureTag { key: key(), compartment: Some(63) },
        pseudonym("analytics", None),
        pseudonym("analytics", Some("a-bank")),
        pseudonym("analytics-a", Some("bank")),
        What::LeafRef { key: key(), detail: Hex([7; 32]) },
        What::RequestMac { key: key(), content: Hex([7; 32]) },
        What::ControlKey { key: key() },
        What::EventsPrefix { key: key() },
        What::LogKey { key: key() },
        index(1, "ada@example.org", 64),
        index(2, "+442079460000", 22_728),
        index(3, "CRM-100001 ü", u32::MAX),
        What::CursorMac { key: key(), listing: 1, cursor: "after this".to_owned() },
        What::PostingToken { key: key(), field: 3, value: "order".to_owned() },
        What::PostingToken { key: key(), field: 6, value: String::new() },
        What::IdempotencyToken { key: key(), actor: Hex([9; 8]), text: "order-7".to_owned() },
    ];
    let kinds = ["kek", "node", "shard", "bucket", "member", "data", "note", "vault-root", "control"];
    all.extend(kinds.map(|kind| What::Commitment { key: key(), kind: kind.to_owned() }));
    for (m_kib, t, p) in [(64, 1, 1), (256, 3, 4)] {
        let passphrase = "correct horse battery staple".to_owned();
        all.push(What::Kek { passphrase, m_kib, t, p, salt: Hex([5; 16]) });
    }
    all.into_iter().map(|what| Derived { out: Some(Hex(what.derive())), what }).collect()
}
