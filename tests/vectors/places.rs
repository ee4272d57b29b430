//! Every place, as the vectors write it: a kind and named fields, byte strings in hex.

use data_encoding::HEXLOWER;
use membervault::codec::{KeyBytes, Plaintext};
use membervault::crypto::{self, CryptoError, Entropy, Key, Suite};
use membervault::types::place::{
    AccessPlace, ControlPlace, HoldPlace, KeyringPlace, MemberRowPlace, NodePlace, PagePlace, Place, RecordPlace,
    RequestPlace, Subtree,
};
use membervault::types::{MemberId, RequestCaseId, VaultId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `N` bytes, or any number of them, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hex<T>(pub T);
pub type Bytes = Hex<Vec<u8>>;

impl<T: AsRef<[u8]>> Serialize for Hex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(self.0.as_ref()))
    }
}

impl<'de, T: TryFrom<Vec<u8>>> Deserialize<'de> for Hex<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(de::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| de::Error::custom("another number of bytes"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnyPlace {
    Keyring {
        vault: Hex<[u8; 16]>,
        header: Bytes,
    },
    Node {
        vault: Hex<[u8; 16]>,
        subtree: u8,
        level: u8,
        index: u32,
    },
    MemberRow {
        vault: Hex<[u8; 16]>,
        shard: u32,
        member: Hex<[u8; 16]>,
    },
    Page {
        vault: Hex<[u8; 16]>,
        field: u8,
        bucket: u32,
        page: u8,
    },
    Record {
        vault: Hex<[u8; 16]>,
        member: Hex<[u8; 16]>,
        compartment: u16,
        record: Hex<[u8; 16]>,
        dek_version: u32,
        version: u64,
    },
    Access {
        vault: Hex<[u8; 16]>,
        member: Hex<[u8; 16]>,
    },
    Hold {
        vault: Hex<[u8; 16]>,
        member: Hex<[u8; 16]>,
    },
    Request {
        vault: Hex<[u8; 16]>,
        member: Hex<[u8; 16]>,
        request: Hex<[u8; 16]>,
    },
    Control {
        vault: Hex<[u8; 16]>,
        row_key: Bytes,
    },
}

/// Something done with a place, whatever its kind.
trait Visit {
    type Out;
    fn visit<P: Place>(self, place: &P) -> Self::Out;
}

impl AnyPlace {
    fn with<V: Visit>(&self, visit: V) -> V::Out {
        use AnyPlace as A;
        let id = |bytes: &Hex<[u8; 16]>| MemberId::from_bytes(bytes.0);
        let (A::Keyring { vault, .. }
        | A::Node { vault, .. }
        | A::MemberRow { vault, .. }
        | A::Page { vault, .. }
        | A::Record { vault, .. }
        | A::Access { vault, .. }
        | A::Hold { vault, .. }
        | A::Request { vault, .. }
        | A::Control { vault, .. }) = self;
        let vault = &VaultId::from_bytes(vault.0);
        match self {
            A::Keyring { header, .. } => visit.visit(&KeyringPlace { vault, header: &header.0 }),
            A::Node { subtree, level, index, .. } => {
                visit.visit(&NodePlace { vault, subtree: Subtree(*subtree), level: *level, index: *index })
            }
            A::MemberRow { shard, member, .. } => {
                visit.visit(&MemberRowPlace { vault, shard: *shard, member: &id(member) })
            }
            A::Page { field, bucket, page, .. } => {
                visit.visit(&PagePlace { vault, field: *field, bucket: *bucket, page: *page })
            }
            A::Record { member, compartment, record, dek_version, version, .. } => visit.visit(&RecordPlace {
                vault,
                member: &id(member),
                compartment: *compartment,
                record: &record.0,
                dek_version: *dek_version,
                version: *version,
            }),
            A::Access { member, .. } => visit.visit(&AccessPlace { vault, member: &id(member) }),
            A::Hold { member, .. } => visit.visit(&HoldPlace { vault, member: &id(member) }),
            A::Request { member, request, .. } => {
                let request = RequestCaseId::from_bytes(request.0);
                visit.visit(&RequestPlace { vault, member: &id(member), request: &request })
            }
            A::Control { row_key, .. } => visit.visit(&ControlPlace { vault, row_key: &row_key.0 }),
        }
    }

    /// The associated data without the suite.
    pub fn aad(&self) -> Vec<u8> {
        struct Aad;
        impl Visit for Aad {
            type Out = Vec<u8>;
            fn visit<P: Place>(self, place: &P) -> Vec<u8> {
                place.aad().as_bytes().to_vec()
            }
        }
        self.with(Aad)
    }

    pub fn seal(
        &self,
        suite: Suite,
        key: &[u8; 32],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        struct Seal<'a>(Suite, &'a [u8; 32], &'a [u8], &'a dyn Entropy);
        impl Visit for Seal<'_> {
            type Out = Result<Vec<u8>, CryptoError>;
            fn visit<P: Place>(self, place: &P) -> Self::Out {
                crypto::seal(self.0, &Key::from_key_bytes(self.1), place, self.2, self.3)
            }
        }
        self.with(Seal(suite, key, plaintext, entropy))
    }

    pub fn open(&self, key: &[u8; 32], envelope: &[u8]) -> Result<Plaintext, CryptoError> {
        struct Open<'a>(&'a [u8; 32], &'a [u8]);
        impl Visit for Open<'_> {
            type Out = Result<Plaintext, CryptoError>;
            fn visit<P: Place>(self, place: &P) -> Self::Out {
                crypto::open(&Key::from_key_bytes(self.0), place, self.1)
            }
        }
        self.with(Open(key, envelope))
    }
}
