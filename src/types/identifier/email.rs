//! E-mail addresses: domain by UTS 46 (IDNA), local part by PRECIS UsernameCaseMapped (RFC 8265).
//!
//! Upper and lower case are one, as all mail systems in use treat them. Dots and "+tags" are not folded: what they mean
//! is each provider's own affair.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use zeroize::Zeroizing;

use super::{Normalised, enforced};

/// Octets of the part before the '@' (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// Octets of the whole: a path of 256 less its angle brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS_BYTES_MAX: usize = 254;
/// ASCII characters that a local part has only in quotes (RFC 5322, 3.2.3), or not at all. Dots are allowed anywhere:
/// Japanese providers issued addresses with double and trailing dots for years, and their owners still use them.
const SPECIALS: &str = "()<>[]:;@\\,\"";

pub(super) fn normalise(raw: &str) -> Normalised {
    let raw = raw.trim();
    if raw.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("an e-mail address has no spaces or control characters");
    }
    let (local, domain) = raw.rsplit_once('@').ok_or("an e-mail address has an '@'")?;
    let local = normalise_local(unquoted(local)?)?;
    let domain = normalise_domain(domain)?;
    if local.len() + 1 + domain.len() > ADDRESS_BYTES_MAX {
        return Err("an e-mail address is at most 254 bytes long");
    }
    let mut address = Zeroizing::new(String::with_capacity(local.len() + 1 + domain.len()));
    address.push_str(&local);
    address.push('@');
    address.push_str(&domain);
    Ok(address)
}

/// `"pamela"@…` and `pamela@…` are the same mailbox (RFC 5321, 4.1.2). What needs its quotes is refused by the check of
/// [`SPECIALS`]: such addresses are legal, and nobody has one.
fn unquoted(local: &str) -> Result<&str, &'static str> {
    match local.strip_prefix('"') {
        None => Ok(local),
        Some(rest) => rest.strip_suffix('"').ok_or("the quotes before the '@' are not closed"),
    }
}

fn normalise_local(local: &str) -> Normalised {
    let mapped = case_mapped(local)?;
    // Looked at after the mapping, which turns a full-width '＠' into a plain one.
    if mapped.contains(|c| SPECIALS.contains(c)) {
        return Err("the part before the '@' has none of ( ) < > [ ] : ; @ \\ , and quotes");
    }
    if mapped.is_empty() || mapped.len() > LOCAL_BYTES_MAX {
        return Err("the part before the '@' is 1 to 64 bytes long");
    }
    Ok(mapped)
}

/// All of printable ASCII is valid in the profile and only its case is mapped, so plain addresses take the short way;
/// a test holds the two ways together.
fn case_mapped(local: &str) -> Normalised {
    if local.is_ascii() { Ok(Zeroizing::new(local.to_ascii_lowercase())) } else { case_mapped_by_profile(local) }
}

fn case_mapped_by_profile(local: &str) -> Normalised {
    let refusal = "the part before the '@' has characters that are not letters, digits or plain signs";
    enforced(local, |text| UsernameCaseMapped::enforce(text), refusal)
}

fn normalise_domain(domain: &str) -> Normalised {
    if domain.starts_with('[') {
        return Err("the part after the '@' is a domain name, not an address in brackets");
    }
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| "the part after the '@' is not a domain name")?;
    let top = ascii.rsplit_once('.').map(|(_, top)| top);
    match top {
        None => Err("the part after the '@' is a full domain name, with a dot"),
        Some(top) if top.bytes().all(|b| b.is_ascii_digit()) => Err("the part after the '@' is not a domain name"),
        Some(_) => Ok(Zeroizing::new(ascii.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::IdentifierKind;
    use super::super::tests::check;
    use super::*;

    #[test]
    fn one_mailbox_has_one_normal_form() {
        check(
            IdentifierKind::Email,
            &[
                ("comptonrickey0@example.org", Ok("comptonrickey0@example.org")),
                ("  ComptonRickey0@Example.ORG\t", Ok("comptonrickey0@example.org")),
                ("\"comptonrickey0\"@example.org", Ok("comptonrickey0@example.org")),
                // Internationalised domains: the Unicode and the ASCII form are one.
                ("user@測試.example", Ok("user@xn--g6w251d.example")),
                ("user@xn--g6w251d.example", Ok("user@xn--g6w251d.example")),
                ("user@XN--G6W251D.EXAMPLE", Ok("user@xn--g6w251d.example")),
                ("user@Bücher.example", Ok("user@xn--bcher-kva.example")),
                ("user@bu\u{308}cher.example", Ok("user@xn--bcher-kva.example")),
                ("user@例え。テスト", Ok("user@xn--r8jz45g.xn--zckzah")),
                // A sharp s is a letter of its own in a domain.
                ("user@straße.example", Ok("user@xn--strae-oqa.example")),
                ("user@strasse.example", Ok("user@strasse.example")),
                // Full-width forms are how an East Asian keyboard writes the same letters.
                ("ｕｓｅｒ@ｅｘａｍｐｌｅ.org", Ok("user@example.org")),
                // Internationalised local parts.
                ("Jürgen@example.org", Ok("jürgen@example.org")),
                ("JU\u{308}RGEN@example.org", Ok("jürgen@example.org")),
                ("小林@example.jp", Ok("小林@example.jp")),
                ("ΟΔΥΣΣΕΥΣ@example.gr", Ok("οδυσσευσ@example.gr")),
            ],
        );
    }

    #[test]
    fn what_may_be_two_mailboxes_stays_two() {
        check(
            IdentifierKind::Email,
            &[
                ("first.last@example.com", Ok("first.last@example.com")),
                ("firstlast@example.com", Ok("firstlast@example.com")),
                ("user+tag@example.com", Ok("user+tag@example.com")),
                ("o'brien_{x}!#$%&*-/=?^`|~@example.com", Ok("o'brien_{x}!#$%&*-/=?^`|~@example.com")),
                // Dots as Japanese providers issued them.
                ("a..b.@example.jp", Ok("a..b.@example.jp")),
                // Look-alikes: Latin, Cyrillic and Greek letters.
                ("paypal@example.com", Ok("paypal@example.com")),
                ("раураl@example.com", Ok("раураl@example.com")),
                ("user@аpple.example", Ok("user@xn--pple-43d.example")),
                ("user@apple.example", Ok("user@apple.example")),
            ],
        );
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_rule() {
        let spaces = "an e-mail address has no spaces or control characters";
        let at = "an e-mail address has an '@'";
        let specials = "the part before the '@' has none of ( ) < > [ ] : ; @ \\ , and quotes";
        let local_length = "the part before the '@' is 1 to 64 bytes long";
        let letters = "the part before the '@' has characters that are not letters, digits or plain signs";
        let domain = "the part after the '@' is not a domain name";
        check(
            IdentifierKind::Email,
            &[
                ("", Err(at)),
                ("nobody", Err(at)),
                ("user＠example.org", Err(at)),
                ("two words@example.org", Err(spaces)),
                ("user@exam\u{0}ple.org", Err(spaces)),
                ("user@example.org\r\nBcc: x@example.org", Err(spaces)),
                ("Pamela<user@example.org>", Err(specials)),
                ("\"a@b\"@example.org", Err(specials)),
                ("a＠b@example.org", Err(specials)),
                ("a@b@example.org", Err(specials)),
                ("\"open@example.org", Err("the quotes before the '@' are not closed")),
                ("@example.org", Err(local_length)),
                ("\"\"@example.org", Err(local_length)),
                (&format!("{}@example.org", "a".repeat(65)), Err(local_length)),
                (&format!("{}@example.org", "ü".repeat(33)), Err(local_length)),
                ("user\u{200b}@example.org", Err(letters)),
                ("🐒@example.org", Err(letters)),
                ("user\u{202e}@example.org", Err(letters)),
                ("user@", Err(domain)),
                ("user@example..org", Err(domain)),
                ("user@example.org.", Err(domain)),
                ("user@-example.org", Err(domain)),
                ("user@exa_mple.org", Err(domain)),
                ("user@xn--a.example", Err(domain)),
                ("user@192.0.2.1", Err(domain)),
                ("user@[192.0.2.1]", Err("the part after the '@' is a domain name, not an address in brackets")),
                ("user@localhost", Err("the part after the '@' is a full domain name, with a dot")),
                (
                    &format!("{}@{}example.org", "a".repeat(64), "abcdefghi.".repeat(19)),
                    Err("an e-mail address is at most 254 bytes long"),
                ),
            ],
        );
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_agrees_with_the_profile(local in "[!-~]{1,70}") {
            let short = case_mapped(&local);
            proptest::prop_assert_eq!(short, case_mapped_by_profile(&local));
        }
    }
}
