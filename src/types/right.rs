//! The words of a member's requests for its rights: what is asked, how far it has come, how it was checked, and why it
//! was refused.
//!
//! Each word has a name, which callers see, and a number, which rows keep for good.

use serde::{Deserialize, Serialize};

use super::name::InvalidName;

macro_rules! words {
    ($(#[doc = $about:literal])+ $name:ident, $kind:literal, $form:literal;
        $($(#[doc = $doc:literal])+ $word:ident = $number:literal $text:literal,)+) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[doc = $doc])+ $word = $number,)+ }

        impl $name {
            /// Every one, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// The name callers see.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }

            /// The number in stored keys. Never changes.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let found = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                found.ok_or(InvalidName { kind: $kind, form: $form })
            }
        }
    };
}

words! {
    /// What is asked for: the rights of GDPR Art. 15 to 21, and two that staff asks for about many members at once.
    Right, "kind of request",
    "one of access, rectify, erase, restrict, object, portability, erase_bulk, export_bulk";
    /// To see what is held (Art. 15).
    Access = 1 "access",
    /// To have it corrected (Art. 16).
    Rectify = 2 "rectify",
    /// To be forgotten (Art. 17).
    Erase = 3 "erase",
    /// To have its use restricted (Art. 18).
    Restrict = 4 "restrict",
    /// To object to its use for a purpose (Art. 21).
    Object = 5 "object",
    /// To take it away (Art. 20).
    Portability = 6 "portability",
    /// Staff: to erase many members.
    EraseBulk = 7 "erase_bulk",
    /// Staff: to take out what is held of many members.
    ExportBulk = 8 "export_bulk",
}

impl Right {
    /// Whether it is about many members, and so asked for by staff alone.
    pub const fn is_bulk(self) -> bool {
        matches!(self, Self::EraseBulk | Self::ExportBulk)
    }

    /// Whether it ends in a bundle that can be fetched.
    pub const fn gives_bundle(self) -> bool {
        matches!(self, Self::Access | Self::Portability | Self::ExportBulk)
    }
}

words! {
    /// How far a request has come.
    RightState, "state of a request",
    "one of open, identity_checked, approved, fulfilled, refused, withdrawn, lapsed";
    /// Opened, and nothing more.
    Open = 1 "open",
    /// It is known that the member asks.
    IdentityChecked = 2 "identity_checked",
    /// A second person agreed.
    Approved = 3 "approved",
    /// Carried out.
    Fulfilled = 4 "fulfilled",
    /// Refused, with its ground.
    Refused = 5 "refused",
    /// Taken back.
    Withdrawn = 6 "withdrawn",
    /// The member was erased before: there is nothing left to decide.
    Lapsed = 7 "lapsed",
}

impl RightState {
    /// Whether something is still to be done.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::IdentityChecked | Self::Approved)
    }
}

words! {
    /// What was done about a request.
    RightStep, "step of a request",
    "a step of a request";
    /// It was opened.
    Opened = 1 "opened",
    /// It was checked that the member asks.
    IdentityChecked = 2 "identity_checked",
    /// Its deadline was moved.
    Extended = 3 "extended",
    /// A second person agreed.
    Approved = 4 "approved",
    /// It was carried out.
    Fulfilled = 5 "fulfilled",
    /// It was refused.
    Refused = 6 "refused",
    /// It was taken back.
    Withdrawn = 7 "withdrawn",
    /// It could not be carried out: a legal hold stands.
    Held = 8 "held",
    /// The member was erased.
    Lapsed = 9 "lapsed",
    /// A part of the members was dealt with.
    Progressed = 10 "progressed",
}

words! {
    /// How it was found out that it is the member who asks.
    IdentityMethod, "way of checking who asks",
    "one of own_token, account, known_contact, document, in_person, other";
    /// The request came with the member's own token.
    OwnToken = 1 "own_token",
    /// The member was logged in to its account.
    Account = 2 "account",
    /// It answered from, or at, an address known before.
    KnownContact = 3 "known_contact",
    /// It showed a document.
    Document = 4 "document",
    /// It stood before somebody.
    InPerson = 5 "in_person",
    /// Otherwise; the note says how.
    Other = 6 "other",
}

words! {
    /// Why a request is refused (GDPR Art. 12(5), 11(2), 17(3) and the like).
    RefusalGround, "ground of a refusal",
    "one of manifestly_unfounded, excessive, identity_not_proven, legal_obligation, legal_claims, hold, other";
    /// It is manifestly unfounded.
    ManifestlyUnfounded = 1 "manifestly_unfounded",
    /// It is excessive, in particular because it repeats itself.
    Excessive = 2 "excessive",
    /// Who asks did not show that it is the member.
    IdentityNotProven = 3 "identity_not_proven",
    /// The law obliges to keep the data.
    LegalObligation = 4 "legal_obligation",
    /// The data are needed for legal claims.
    LegalClaims = 5 "legal_claims",
    /// A legal hold stands.
    Hold = 6 "hold",
    /// Otherwise; the text says why.
    Other = 7 "other",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse(), Ok(*right));
            assert_eq!(serde_json::to_string(right).unwrap(), format!("\"{right}\""));
        }
        for state in RightState::ALL {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{state}\""));
        }
        assert!("Access".parse::<Right>().is_err() && "".parse::<RightState>().is_err());
        assert_eq!(RightState::ALL.iter().filter(|state| state.is_live()).count(), 3);
    }
}
