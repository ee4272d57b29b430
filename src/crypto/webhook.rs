//! The secret that signs what is sent to a receiver of webhooks, as Standard Webhooks has it.

use zeroize::{Zeroize, Zeroizing};

use super::hash::hmac;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest and the most bytes of a secret. The most is one block of the hash.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret shared with a receiver of webhooks.
pub struct WebhookKey(Zeroizing<Vec<u8>>);

impl WebhookKey {
    /// Reads the text of a secret: `whsec_` and the base64 of 24 to 64 bytes. `None` if it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let encoded = text.trim_ascii().strip_prefix(PREFIX.as_bytes())?;
        let mut key = Self(Zeroizing::new(data_encoding::BASE64.decode(encoded).ok()?));
        if BYTES.contains(&key.0.len()) {
            return Some(key);
        }
        key.0.zeroize();
        None
    }

    /// HMAC-SHA256 over the parts, one after the other.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        *hmac(&self.0, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = WebhookKey::parse(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let tag = key.sign(&[b"msg_p5jXN8AQM9LWM0D4loKWxJek", b".", b"1614265330", b".", body]);
        assert_eq!(data_encoding::BASE64.encode(&tag), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_has_its_form_and_length() {
        let text = |bytes: usize| format!("whsec_{}", data_encoding::BASE64.encode(&vec![7; bytes]));
        for (bytes, fits) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(WebhookKey::parse(text(bytes).as_bytes()).is_some(), fits, "{bytes}");
        }
        assert!(WebhookKey::parse(&text(24).as_bytes()[6..]).is_none() && WebhookKey::parse(b"whsec_??").is_none());
    }
}
