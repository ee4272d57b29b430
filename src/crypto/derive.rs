//! Keys and tokens that derive from others. Every one is HKDF-Expand (one HMAC-SHA256) under its own info string;
//! `docs/FORMAT.md` lists them.

use super::hash::{Keyed, equal_constant_time, expand, hmac};
use super::{Key, LogKey};
use crate::codec::{KEY_LEN, KeyBytes};
use crate::types::place::{Control, KeyKind, Member, Note, VaultRoot};
use crate::types::{Compartment, Purpose, RecipientName, RecordName, TokenId};

/// What the vault notes about a member: the key that seals it, and where it lies.
pub struct MemberNotes {
    /// Seals access details and holds, and makes the references in the ledger.
    pub note: Key<Note>,
    /// The prefix of the member's rows in the access keyspace.
    pub access_prefix: [u8; 16],
}

impl Key<Member> {
    /// The key of the member's notes and the place of its access rows.
    pub fn notes(&self) -> MemberNotes {
        let keyed = Keyed::new(self.bytes());
        let note = keyed.clone().expand(b"membervault/member/note/v1", &[]);
        let prefix = keyed.expand(b"membervault/member/access-prefix/v1", &[]);
        MemberNotes { note: Key::from_key_bytes(&note), access_prefix: first_half(&prefix) }
    }

    /// The token a record's name is stored under.
    pub fn record_token(&self, compartment: &Compartment, name: &RecordName) -> [u8; 16] {
        // Names have no NUL, so one between them keeps the pair apart.
        let context = [compartment.as_str().as_bytes(), &[0], name.as_str().as_bytes()];
        first_half(&expand(self.bytes(), b"membervault/member/record-token/v1", &context))
    }

    /// The tag of an erasure in the ledger, of the whole member or of one compartment by its number. Whoever still holds
    /// the member's key (a restored backup) recomputes it and knows that this was erased.
    pub fn erasure_tag(&self, compartment: Option<u16>) -> [u8; 32] {
        let scope = compartment.unwrap_or(crate::codec::keys::WHOLE_MEMBER).to_be_bytes();
        *expand(self.bytes(), b"membervault/member/erasure-tag/v1", &[&scope])
    }

    /// The member's pseudonym for one purpose, as one recipient sees it or, without one, as those of the house do.
    /// Pseudonyms of two purposes or two recipients cannot be linked.
    pub fn pseudonym(&self, purpose: &Purpose, recipient: Option<&RecipientName>) -> [u8; 16] {
        let purpose = purpose.as_str().as_bytes();
        let derived = match recipient {
            None => expand(self.bytes(), b"membervault/member/pseudonym/v1", &[purpose]),
            // Names have no NUL, so one between them keeps the pair apart.
            Some(recipient) => {
                let context = [purpose, &[0], recipient.as_str().as_bytes()];
                expand(self.bytes(), b"membervault/member/pseudonym/v2", &context)
            }
        };
        first_half(&derived)
    }

    /// The id of a consent, and the pseudonym of the member in its receipts, from the purpose and the number of its entry.
    /// Neither tells anything of the member or of its other consents.
    pub fn consent_ids(&self, purpose: &Purpose, entry: u32) -> ([u8; 16], [u8; 16]) {
        let entry = entry.to_be_bytes();
        let context = [purpose.as_str().as_bytes(), &[0], &entry];
        let id = expand(self.bytes(), b"membervault/member/consent-id/v1", &context);
        let subject = expand(self.bytes(), b"membervault/member/consent-subject/v1", &context);
        (first_half(&id), first_half(&subject))
    }
}

impl Key<Note> {
    /// The reference in the ledger leaf of an access whose details have the commitment `detail`.
    ///
    /// Details are sealed under a fresh salt, so their commitment never repeats; [`crate::codec::leaf::NO_DETAIL`] would,
    /// and link the leaves of one member.
    pub fn leaf_ref(&self, detail: &[u8; 32]) -> [u8; 16] {
        first_half(&expand(self.bytes(), b"membervault/note/leaf-ref/v1", &[detail]))
    }

    /// What is kept of a request so as to know it again, given the SHA-256 of its content: dies with the member.
    pub fn request_mac(&self, content: &[u8; 32]) -> [u8; 16] {
        first_half(&expand(self.bytes(), b"membervault/note/request/v1", &[content]))
    }
}

impl Key<VaultRoot> {
    /// The key of control rows that are about no member.
    pub fn control(&self) -> Key<Control> {
        derived(self, b"membervault/vault/control/v1", &[])
    }

    /// The keys of one identifier field of the index.
    pub fn index(&self, field: u8) -> IndexKeys {
        IndexKeys {
            bucket: derived(self, b"membervault/vault/index-bucket/v1", &[&[field]]),
            token: derived(self, b"membervault/vault/index-token/v1", &[&[field]]),
        }
    }

    /// The key that authenticates paging cursors.
    pub fn cursor(&self) -> CursorKey {
        CursorKey(derived(self, b"membervault/vault/cursor/v1", &[]))
    }

    /// The key that turns idempotency keys into row keys.
    pub fn idempotency(&self) -> IdempotencyKey {
        IdempotencyKey(derived(self, b"membervault/vault/idempotency/v1", &[]))
    }

    /// The key that turns values of metadata into row keys.
    pub fn posting(&self) -> PostingKey {
        PostingKey(derived(self, b"membervault/vault/posting/v1", &[]))
    }

    /// The key that signs the log.
    pub fn log_key(&self) -> LogKey {
        LogKey::from_seed(&expand(self.bytes(), b"membervault/vault/log-key/v1", &[]))
    }

    /// The prefix of access rows that are about no member.
    pub fn events_prefix(&self) -> [u8; 16] {
        first_half(&expand(self.bytes(), b"membervault/vault/events-prefix/v1", &[]))
    }
}

/// A kind of derived secret that never seals.
enum Mac {}

impl KeyKind for Mac {
    const NAME: &'static str = "mac";
}

/// The keys of one identifier field of the index.
pub struct IndexKeys {
    bucket: Key<Mac>,
    token: Key<Mac>,
}

/// Where an identifier lies in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntryPlace {
    /// The bucket whose pages hold the entry.
    pub bucket: u32,
    /// The token of the entry.
    pub token: [u8; 16],
}

impl IndexKeys {
    /// The place of a normalised identifier among `buckets` buckets.
    pub fn place(&self, normalised: &[u8], buckets: u32) -> IndexEntryPlace {
        let hash = hmac(self.bucket.bytes(), &[normalised]);
        let number = hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        // Multiply and shift: spreads 64 bits evenly over any number of buckets.
        let bucket = (u128::from(number).wrapping_mul(u128::from(buckets))) >> 64;
        let token = hmac(self.token.bytes(), &[normalised]);
        IndexEntryPlace { bucket: u32::try_from(bucket).unwrap_or_default(), token: first_half(&token) }
    }
}

/// Authenticates paging cursors, so that only cursors this vault issued come back.
pub struct CursorKey(Key<Mac>);

impl CursorKey {
    /// The authenticator of a cursor of one listing.
    pub fn mac(&self, listing: u8, cursor: &[u8]) -> [u8; 16] {
        first_half(&hmac(self.0.bytes(), &[&[listing], cursor]))
    }

    /// Whether `mac` is that authenticator.
    pub fn verify(&self, listing: u8, cursor: &[u8], mac: &[u8]) -> bool {
        equal_constant_time(&self.mac(listing, cursor), mac)
    }
}

/// Turns the idempotency keys of callers into row keys that say nothing.
pub struct IdempotencyKey(Key<Mac>);

impl IdempotencyKey {
    /// The token of a caller's key.
    pub fn token(&self, actor: &TokenId, key: &[u8]) -> [u8; 16] {
        first_half(&hmac(self.0.bytes(), &[actor.as_bytes(), key]))
    }
}

/// Turns values of metadata into row keys that say nothing to who does not have the vault's secret.
pub struct PostingKey(Key<Mac>);

impl PostingKey {
    /// The token of a value of one field of metadata.
    pub fn token(&self, field: u8, value: &[u8]) -> [u8; 16] {
        first_half(&hmac(self.0.bytes(), &[&[field], value]))
    }
}

fn derived<From: KeyKind, To: KeyKind>(key: &Key<From>, info: &[u8], context: &[&[u8]]) -> Key<To> {
    Key::from_key_bytes(&expand(key.bytes(), info, context))
}

fn first_half(bytes: &[u8; KEY_LEN]) -> [u8; 16] {
    bytes.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::testkit::entropy::SeededEntropy;

    fn key<K: KeyKind>() -> Key<K> {
        Key::generate(&SeededEntropy::new(1)).unwrap()
    }

    #[test]
    fn nothing_derived_from_one_key_is_equal() {
        let mk = key::<Member>();
        let [core, profile] = [Compartment::core(), "profile".parse().unwrap()];
        let name = |text: &str| text.parse::<RecordName>().unwrap();
        let notes = mk.notes();
        let tag = |compartment| first_half(&mk.erasure_tag(compartment));
        let mut seen = HashSet::from([
            first_half(notes.note.bytes()),
            notes.access_prefix,
            mk.record_token(&core, &name("profile")),
            mk.record_token(&profile, &name("core")),
            mk.record_token(&core, &name("p")),
            mk.pseudonym(&"analytics".parse().unwrap(), None),
            mk.pseudonym(&"support".parse().unwrap(), None),
            mk.pseudonym(&"analytics".parse().unwrap(), Some(&"support".parse().unwrap())),
            mk.pseudonym(&"support".parse().unwrap(), Some(&"support".parse().unwrap())),
            mk.pseudonym(&"support".parse().unwrap(), Some(&"analytics".parse().unwrap())),
            tag(None),
            tag(Some(0)),
            tag(Some(1)),
            notes.note.leaf_ref(&[0; 32]),
            notes.note.leaf_ref(&[1; 32]),
            notes.note.request_mac(&[1; 32]),
        ]);
        assert_eq!(seen.len(), 16);
        let root = Key::<VaultRoot>::from_key_bytes(mk.bytes());
        let index = root.index(1);
        seen.extend([
            first_half(root.control().bytes()),
            root.events_prefix(),
            root.cursor().mac(0, b""),
            root.idempotency().token(&TokenId::LOCAL_OPERATOR, b""),
            root.posting().token(1, b"support"),
            root.posting().token(5, b"support"),
            index.place(b"ada@example.org", 64).token,
            root.index(2).place(b"ada@example.org", 64).token,
        ]);
        assert_eq!(seen.len(), 24);
    }

    #[test]
    fn pairs_of_names_are_kept_apart() {
        let mk = key::<Member>();
        let token =
            |compartment: &str, name: &str| mk.record_token(&compartment.parse().unwrap(), &name.parse().unwrap());
        assert_ne!(token("a", "bc"), token("ab", "c"));
    }

    #[test]
    fn identifiers_spread_over_the_buckets() {
        let index = key::<VaultRoot>().index(1);
        let mut counts = [0u32; 100];
        for number in 0..10_000u32 {
            let place = index.place(format!("{number}@example.org").as_bytes(), 100);
            counts[place.bucket as usize] += 1;
        }
        assert!(counts.iter().all(|count| (50..170).contains(count)), "{counts:?}");
        assert_eq!(index.place(b"x", 1).bucket, 0);
        assert_eq!(index.place(b"x", 0).bucket, 0);
    }

    #[test]
    fn a_cursor_of_another_listing_or_vault_is_refused() {
        let cursor = key::<VaultRoot>().cursor();
        let mac = cursor.mac(1, b"after this");
        assert!(cursor.verify(1, b"after this", &mac));
        assert!(!cursor.verify(2, b"after this", &mac) && !cursor.verify(1, b"after that", &mac));
        assert!(!cursor.verify(1, b"after this", &mac[..15]) && !cursor.verify(1, b"after this", &[]));
        let other: Key<VaultRoot> = Key::generate(&SeededEntropy::new(2)).unwrap();
        assert!(!other.cursor().verify(1, b"after this", &mac));
    }
}
