//! Keys in the clear: every key that was learnt anywhere, looked for in every byte, as it is, in hexadecimal, in base64
//! at each alignment, and as a list of numbers.

use std::collections::HashMap;

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};

use crate::crypto::Key;

const FILTER_BITS: u32 = 26;

/// Finds any of many keys in one pass: a bitmap of the first eight bytes of each form, then the form itself.
pub(crate) struct Needles {
    filter: Vec<u64>,
    forms: HashMap<[u8; 8], Vec<(Vec<u8>, usize)>>,
}

impl Needles {
    pub(crate) fn new(keys: &[Key]) -> Self {
        let mut needles = Self { filter: vec![0; 1 << (FILTER_BITS - 6)], forms: HashMap::new() };
        for (at, key) in keys.iter().enumerate() {
            for form in forms(key) {
                let Some(head) = form.first_chunk::<8>().copied() else { continue };
                let (word, bit) = slot(&head);
                needles.filter[word] |= bit;
                needles.forms.entry(head).or_default().push((form, at));
            }
        }
        needles
    }

    /// The number of a key that stands in these bytes, and where.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        for at in 0..bytes.len().saturating_sub(31) {
            let Some(head) = bytes[at..].first_chunk::<8>() else { break };
            let (word, bit) = slot(head);
            if self.filter[word] & bit == 0 {
                continue;
            }
            let found = self.forms.get(head).into_iter().flatten().find(|(form, _)| bytes[at..].starts_with(form));
            if let Some((_, key)) = found {
                return Some((*key, at));
            }
        }
        None
    }
}

fn slot(head: &[u8; 8]) -> (usize, u64) {
    let hash = u64::from_le_bytes(*head).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

fn forms(key: &Key) -> Vec<Vec<u8>> {
    let list = |separator: &str| key.map(|byte| byte.to_string()).join(separator).into_bytes();
    let mut forms =
        vec![key.to_vec(), HEXLOWER.encode(key).into_bytes(), HEXUPPER.encode(key).into_bytes(), list(", "), list(",")];
    for base64 in [BASE64, BASE64URL] {
        // With so many bytes before it; what depends on neighbours is left out.
        for before in 0..3 {
            let text = base64.encode(&[&[0; 2][..before], key].concat());
            let from = (before * 8).div_ceil(6);
            let to = (before + 32) * 8 / 6;
            forms.push(text.as_bytes()[from..to].to_vec());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}
