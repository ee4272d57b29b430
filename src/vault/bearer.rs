//! The texts of bearer secrets: a prefix, and base64url (RFC 4648 section 5, no padding) of
//!
//! ```text
//! API token  mvt1_    token id (8)  | secret (24) | CRC-32 of both (4)
//! link       mvs1_    share id (16) | secret (24) | CRC-32 of both (4)
//! ```
//!
//! The prefix lets scanners find a leaked secret, the checksum lets a typing error be told from a wrong secret without a
//! look-up. Only SHA-256 of the secret is stored: 192 random bits need no slow hash.

use zeroize::Zeroizing;

use crate::crypto::{CryptoError, Entropy, sha256};
use crate::secret::Passing;
use crate::types::{ShareId, TokenId};

const TOKEN_PREFIX: &str = "mvt1_";
const SHARE_PREFIX: &str = "mvs1_";
const SECRET_LEN: usize = 24;
const CRC_LEN: usize = 4;
/// No secret has more bytes, before it is written as text.
const BYTES_MAX: usize = ShareId::LEN + SECRET_LEN + CRC_LEN;
/// No text is longer.
const TEXT_LEN_MAX: usize = 72;

/// A secret as presented: what it says it is for, and the hash to compare.
pub(crate) struct Presented<Id = TokenId> {
    /// The public part.
    pub(crate) id: Id,
    /// SHA-256 of the secret part.
    pub(crate) hash: [u8; 32],
}

/// Reads a presented token. `None` if it is not one; says nothing about whether it is known.
pub(crate) fn parse(text: &str) -> Option<Presented> {
    read(TOKEN_PREFIX, text).map(|(id, hash)| Presented { id: TokenId::from_bytes(id), hash })
}

/// Reads a presented link. `None` if it is not one; says nothing about whether it is known.
pub(crate) fn parse_share(text: &str) -> Option<Presented<ShareId>> {
    read(SHARE_PREFIX, text).map(|(id, hash)| Presented { id: ShareId::from_bytes(id), hash })
}

/// Draws a new token: its text, its public part, and the hash to keep.
pub(crate) fn draw(entropy: &dyn Entropy) -> Result<(Zeroizing<String>, Presented), CryptoError> {
    let mut id = [0; TokenId::LEN];
    entropy.fill(&mut id)?;
    let (text, hash) = write(TOKEN_PREFIX, &id, entropy)?;
    Ok((text, Presented { id: TokenId::from_bytes(id), hash }))
}

/// Draws a new link.
pub(crate) fn draw_share(entropy: &dyn Entropy) -> Result<(Zeroizing<String>, Presented<ShareId>), CryptoError> {
    let mut id = [0; ShareId::LEN];
    entropy.fill(&mut id)?;
    let id = ShareId::from_random(id);
    let (text, hash) = write(SHARE_PREFIX, id.as_bytes(), entropy)?;
    Ok((text, Presented { id, hash }))
}

fn read<const ID: usize>(prefix: &str, text: &str) -> Option<([u8; ID], [u8; 32])> {
    let encoded = text.strip_prefix(prefix)?;
    let len = ID + SECRET_LEN + CRC_LEN;
    if data_encoding::BASE64URL_NOPAD.decode_len(encoded.len()) != Ok(len) {
        return None;
    }
    let mut room = Passing::new([0u8; BYTES_MAX]);
    let bytes = room.get_mut(..len)?;
    data_encoding::BASE64URL_NOPAD.decode_mut(encoded.as_bytes(), bytes).ok()?;
    let (checked, crc) = bytes.split_last_chunk::<CRC_LEN>()?;
    if *crc != crc32fast::hash(checked).to_be_bytes() {
        return None;
    }
    let (id, secret) = checked.split_first_chunk()?;
    Some((*id, sha256(&[secret])))
}

fn write(prefix: &str, id: &[u8], entropy: &dyn Entropy) -> Result<(Zeroizing<String>, [u8; 32]), CryptoError> {
    let mut secret = Zeroizing::new([0u8; SECRET_LEN]);
    entropy.fill(secret.as_mut_slice())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_LEN_MAX));
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(secret.as_slice());
    let crc = crc32fast::hash(&bytes).to_be_bytes();
    bytes.extend_from_slice(&crc);
    // As long as any of them, so that it never moves and leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(TEXT_LEN_MAX));
    text.push_str(prefix);
    data_encoding::BASE64URL_NOPAD.encode_append(&bytes, &mut text);
    Ok((text, sha256(&[secret.as_slice()])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::entropy::SeededEntropy;

    #[test]
    fn a_drawn_token_parses_to_itself() {
        let (text, drawn) = draw(&SeededEntropy::new(1)).unwrap();
        assert_eq!(text.len(), TOKEN_PREFIX.len() + 48);
        let parsed = parse(&text).unwrap();
        assert_eq!((parsed.id, parsed.hash), (drawn.id, drawn.hash));
        let (text, drawn) = draw_share(&SeededEntropy::new(1)).unwrap();
        let parsed = parse_share(&text).unwrap();
        assert_eq!((parsed.id, parsed.hash), (drawn.id, drawn.hash));
        assert!(text.len() <= TEXT_LEN_MAX && parse(&text).is_none());
    }

    #[test]
    fn a_token_with_any_character_changed_is_not_a_token() {
        let (text, _) = draw(&SeededEntropy::new(2)).unwrap();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(parse(std::str::from_utf8(&changed).unwrap()).is_none(), "position {at}");
        }
        let (share, _) = draw_share(&SeededEntropy::new(2)).unwrap();
        for at in 0..share.len() {
            let mut changed = share.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(parse_share(std::str::from_utf8(&changed).unwrap()).is_none(), "position {at}");
        }
        for text in ["", "mvt1_", "mvt2_AAAA", &text[1..], &text[..text.len() - 1], &format!("{}A", *text), "mvt1_ä"] {
            assert!(parse(text).is_none());
        }
    }
}
