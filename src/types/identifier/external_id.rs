//! Ids of other systems: opaque, so nothing is folded but what no eye can see (PRECIS OpaqueString, RFC 8265).

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

use super::{Normalised, enforced};

/// Bytes of an id. Longer ones are texts, not ids.
const BYTES_MAX: usize = 128;

/// Case counts: other systems issue `ab1` and `AB1`. Composed and decomposed letters are one, as are the kinds of space.
pub(super) fn normalise(raw: &str) -> Normalised {
    let trimmed = raw.trim();
    if trimmed.is_empty() || trimmed.len() > BYTES_MAX {
        return Err("an external id is 1 to 128 bytes long");
    }
    let refusal = "an external id has no control or invisible characters";
    let normal = enforced(trimmed, |text| OpaqueString::enforce(text), refusal)?;
    // Composing can lengthen a text, for a few letters of Hebrew and Indian scripts.
    if normal.len() > BYTES_MAX { Err("an external id is 1 to 128 bytes long") } else { Ok(normal) }
}

#[cfg(test)]
mod tests {
    use super::super::IdentifierKind;
    use super::super::tests::check;

    #[test]
    fn ids_are_taken_as_they_are() {
        let length = "an external id is 1 to 128 bytes long";
        let invisible = "an external id has no control or invisible characters";
        check(
            IdentifierKind::ExternalId,
            &[
                ("CRM-100000", Ok("CRM-100000")),
                ("  CRM-100000\n", Ok("CRM-100000")),
                ("crm-100000", Ok("crm-100000")),
                ("{\"a\": 1}", Ok("{\"a\": 1}")),
                ("A B", Ok("A B")),
                ("A\u{a0}B", Ok("A B")),
                ("Ω-\u{212b}", Ok("Ω-Å")),
                ("会員-七", Ok("会員-七")),
                ("\u{ff21}1", Ok("\u{ff21}1")),
                (&"x".repeat(128), Ok(&"x".repeat(128))),
                ("", Err(length)),
                (" \t ", Err(length)),
                (&"x".repeat(129), Err(length)),
                ("a\u{0}b", Err(invisible)),
                ("a\nb", Err(invisible)),
                ("a\u{7f}b", Err(invisible)),
                ("a\u{200b}b", Err(invisible)),
                ("a\u{202e}b", Err(invisible)),
                ("\u{feff}a", Err(invisible)),
                // Composes to a middle dot, which is allowed between two l only.
                ("\u{387}", Err(invisible)),
            ],
        );
    }
}
