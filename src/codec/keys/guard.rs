//! Keys of the rows that guard against misuse: freezes, and windows for bulk reads.

use super::{CodecError, tag, tagged};
use crate::types::{FreezeScope, Role, TokenId};

const ALL: u8 = 0;
const ROLE: u8 = 1;
const TOKEN: u8 = 2;

/// Control: the freeze of a scope.
pub fn freeze(scope: &FreezeScope) -> Vec<u8> {
    match scope {
        FreezeScope::All => vec![tag::FREEZE, ALL],
        FreezeScope::Role(role) => vec![tag::FREEZE, ROLE, role.number()],
        FreezeScope::Token(token) => [&[tag::FREEZE, TOKEN], token.as_bytes().as_slice()].concat(),
    }
}

/// The scope of a freeze's key.
pub fn parse_freeze(key: &[u8]) -> Result<FreezeScope, CodecError> {
    let mut reader = tagged("freeze key", key, tag::FREEZE)?;
    let scope = match reader.u8()? {
        ALL => FreezeScope::All,
        ROLE => FreezeScope::Role(Role::from_number(reader.u8()?).ok_or_else(|| reader.invalid("role"))?),
        TOKEN => FreezeScope::Token(TokenId::from_bytes(*reader.array()?)),
        _ => return Err(reader.invalid("scope")),
    };
    reader.finish().map(|()| scope)
}

/// Control: the window for bulk reads of a token.
pub fn window(token: &TokenId) -> [u8; 9] {
    super::join(&[&[tag::WINDOW], token.as_bytes()])
}

/// The token of a window's key.
pub fn parse_window(key: &[u8]) -> Result<TokenId, CodecError> {
    let mut reader = tagged("window key", key, tag::WINDOW)?;
    let token = TokenId::from_bytes(*reader.array()?);
    reader.finish().map(|()| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        let token = TokenId::from_bytes([5; 8]);
        for scope in [FreezeScope::All, FreezeScope::Role(Role::Crm), FreezeScope::Token(token)] {
            let key = freeze(&scope);
            assert_eq!(parse_freeze(&key), Ok(scope));
            assert!(parse_freeze(&[key.as_slice(), &[0]].concat()).is_err());
            assert!(parse_freeze(&key[..key.len() - 1]).is_err());
        }
        assert_eq!(parse_window(&window(&token)), Ok(token));
        assert!(parse_freeze(&window(&token)).is_err() && parse_freeze(&[tag::FREEZE, ROLE, 0]).is_err());
    }
}
