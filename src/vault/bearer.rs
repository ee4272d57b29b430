//! The text of an API token: `mvt1_` and 48 characters of base64url (RFC 4648 section 5, no padding).
//!
//! ```text
//! token id (8) | secret (24) | CRC-32 of both (4)
//! ```
//!
//! The prefix lets scanners find a leaked token, the checksum lets a typing error be told from a wrong token without a
//! look-up. Only SHA-256 of the secret is stored: 192 random bits need no slow hash.

use zeroize::Zeroizing;

use crate::crypto::{CryptoError, Entropy, sha256};
use crate::types::TokenId;

const PREFIX: &str = "mvt1_";
const SECRET_LEN: usize = 24;
const CHECKED_LEN: usize = TokenId::LEN + SECRET_LEN;
const TOKEN_LEN: usize = CHECKED_LEN + 4;

/// A token as presented: who it says it is, and the hash to compare.
pub(crate) struct Presented {
    /// The public part.
    pub(crate) id: TokenId,
    /// SHA-256 of the secret part.
    pub(crate) hash: [u8; 32],
}

/// Reads a presented token. `None` if it is not one; says nothing about whether it is known.
pub(crate) fn parse(text: &str) -> Option<Presented> {
    let encoded = text.strip_prefix(PREFIX)?;
    let mut bytes = Zeroizing::new([0u8; TOKEN_LEN]);
    if data_encoding::BASE64URL_NOPAD.decode_len(encoded.len()) != Ok(TOKEN_LEN) {
        return None;
    }
    data_encoding::BASE64URL_NOPAD.decode_mut(encoded.as_bytes(), bytes.as_mut_slice()).ok()?;
    let (checked, crc) = bytes.split_first_chunk::<CHECKED_LEN>()?;
    if crc != crc32fast::hash(checked).to_be_bytes() {
        return None;
    }
    let (id, secret) = checked.split_first_chunk::<{ TokenId::LEN }>()?;
    Some(Presented { id: TokenId::from_bytes(*id), hash: sha256(&[secret]) })
}

/// Draws a new token: its text, its public part, and the hash to keep.
pub(crate) fn draw(entropy: &dyn Entropy) -> Result<(Zeroizing<String>, Presented), CryptoError> {
    let mut bytes = Zeroizing::new([0u8; TOKEN_LEN]);
    let (checked, crc) = bytes.split_at_mut(CHECKED_LEN);
    entropy.fill(checked)?;
    crc.copy_from_slice(&crc32fast::hash(checked).to_be_bytes());
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.push_str(PREFIX);
    data_encoding::BASE64URL_NOPAD.encode_append(bytes.as_slice(), &mut text);
    let (id, secret) = checked_parts(&bytes);
    Ok((text, Presented { id, hash: sha256(&[secret]) }))
}

fn checked_parts(bytes: &[u8; TOKEN_LEN]) -> (TokenId, &[u8]) {
    let (id, rest) = bytes.split_first_chunk::<{ TokenId::LEN }>().unwrap_or((&[0; TokenId::LEN], &[]));
    (TokenId::from_bytes(*id), rest.get(..SECRET_LEN).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::entropy::SeededEntropy;

    #[test]
    fn a_drawn_token_parses_to_itself() {
        let (text, drawn) = draw(&SeededEntropy::new(1)).unwrap();
        assert_eq!(text.len(), PREFIX.len() + 48);
        let parsed = parse(&text).unwrap();
        assert_eq!((parsed.id, parsed.hash), (drawn.id, drawn.hash));
    }

    #[test]
    fn a_token_with_any_character_changed_is_not_a_token() {
        let (text, _) = draw(&SeededEntropy::new(2)).unwrap();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(parse(std::str::from_utf8(&changed).unwrap()).is_none(), "position {at}");
        }
        for text in ["", "mvt1_", "mvt2_AAAA", &text[1..], &text[..text.len() - 1], &format!("{}A", *text), "mvt1_ä"] {
            assert!(parse(text).is_none());
        }
    }
}
