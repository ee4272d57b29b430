//! What needs no key: canaries, keys and index tokens of the erased that stand in some file as they are.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use memchr::memmem;

use crate::attack::{Loot, Role};
use crate::bodies;
use crate::canary::Canaries;
use crate::crypto::{Hmac, Key, expand};
use crate::evidence::{Evidence, Kind};
use crate::place::Id;
use crate::raw_keys::Needles;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Where something stands in the clear.
#[derive(Default)]
pub(crate) struct Raw {
    pub(crate) canaries: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) tokens: Vec<String>,
    /// Memory: keys that were destroyed, and canaries of the erased.
    pub(crate) memory_keys: Vec<String>,
    pub(crate) memory_canaries: Vec<String>,
    pub(crate) keys_looked_for: usize,
}

pub(crate) fn search(evidence: &Evidence, canaries: &Canaries, today: &Loot, before: Option<&Loot>) -> Raw {
    let mut raw = Raw::default();
    let old = before.map(|loot| &loot.keys).into_iter().flatten();
    let keys: Vec<(Key, &Role)> = today.keys.iter().chain(old).map(|(key, role)| (*key, role)).collect();
    let only: Vec<Key> = keys.iter().map(|(key, _)| *key).collect();
    raw.keys_looked_for = only.iter().collect::<HashSet<_>>().len();
    let anywhere = Needles::new(&only);
    let destroyed: Vec<_> = keys.iter().filter(|(key, _)| !today.keys.contains_key(key)).collect();
    let in_memory = Needles::new(&destroyed.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    let tokens = tokens_of_the_erased(canaries, today);
    let tokens = AhoCorasick::new(&tokens).ok();

    let files = evidence.files.iter().filter(|file| file.kind != Kind::Before);
    let files = files.map(|file| (file.path.display().to_string(), &file.bytes, file.kind));
    let blocks = evidence.expanded.iter().map(|block| ("a compressed block".to_owned(), block, Kind::Evidence));
    for (name, bytes, kind) in files.chain(blocks) {
        if kind == Kind::Memory {
            if canaries.first(bytes).is_some_and(|canary| canary.erased) {
                raw.memory_canaries.push(name.clone());
            }
            let found = in_memory.find(bytes).and_then(|(at, offset)| Some((destroyed.get(at)?.1, offset)));
            raw.memory_keys.extend(found.map(|(role, offset)| format!("{name}, byte {offset}: {role:?}")));
            continue;
        }
        if let Some(canary) = canaries.first(bytes).or_else(|| in_frames(bytes, canaries)) {
            raw.canaries.push(format!("{name}: of {} member", if canary.erased { "an erased" } else { "a living" }));
        }
        let found = anywhere.find(bytes).and_then(|(at, offset)| Some((keys.get(at)?.1, offset)));
        raw.keys.extend(found.map(|(role, offset)| format!("{name}, byte {offset}: {role:?}")));
        if tokens.as_ref().is_some_and(|tokens| tokens.is_match(bytes)) {
            raw.tokens.push(name);
        }
    }
    raw
}

/// A canary inside a zstd frame somewhere in these bytes.
fn in_frames<'c>(bytes: &[u8], canaries: &'c Canaries) -> Option<&'c crate::canary::Canary> {
    memmem::find_iter(bytes, &ZSTD_MAGIC)
        .find_map(|at| bodies::frame(&bytes[at..]).and_then(|raw| canaries.first(&raw)))
}

/// What today's index would call the erased: with it, somebody's having been a member could be tested.
pub(crate) fn tokens_of_the_erased(canaries: &Canaries, loot: &Loot) -> Vec<Id> {
    let mut tokens = Vec::new();
    for secret in &loot.secrets {
        let key = expand(secret, &[b"membervault/vault/index-token/v1", &[1]]);
        for email in canaries.erased().filter_map(|canary| canary.email.as_ref()) {
            tokens.extend(Hmac::new(&key).of(email.as_bytes()).first_chunk::<16>());
        }
    }
    tokens
}
