//! Envelopes within plaintexts: the texts of a request lie, as base64, in the row of the request, sealed once more under
//! the keys of its member. Whoever opens the row has them; they are tried with every key like all others.

use data_encoding::BASE64;
use memchr::memmem;

use crate::evidence::Blob;
use crate::place::Id;

/// What base64 makes of the magic.
const MAGIC: &[u8] = b"TVYx";

/// What lies in a plaintext, whatever stands around it.
pub(crate) fn envelopes(plain: &[u8]) -> Vec<(Vec<u8>, Blob)> {
    let of_text = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let envelope = |at: usize| {
        let text = &plain[at..];
        let text = &text[..text.iter().take_while(|byte| of_text(byte)).count()];
        let envelope = BASE64.decode(text).ok()?;
        let blob = Blob::parse(&envelope)?;
        Some((envelope, blob))
    };
    memmem::find_iter(plain, MAGIC).filter_map(envelope).collect()
}

/// The member that the row of a request names.
pub(crate) fn member(plain: &[u8]) -> Option<Id> {
    let row: serde_json::Value = serde_json::from_slice(plain).ok()?;
    crate::canary::id(row["member"].as_str()?)
}
