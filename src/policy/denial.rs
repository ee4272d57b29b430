//! The answer no, with its reason.

use crate::code::{Code, Coded};

/// Why a request was denied. The numbers are part of the ledger's format and never change.
///
/// The order in which reasons are looked for is a promise: a caller learns first what its role and purpose forbid,
/// which depends on the policy alone, and only then anything that depends on the member. So a denied stranger cannot
/// tell an absent member from a present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum Denial {
    /// No rule allows it to this role, or one denies it.
    #[error("the role of this token may not do this")]
    Forbidden = 1,
    /// The role must state a purpose.
    #[error("state the purpose of this request")]
    PurposeRequired = 2,
    /// The policy declares no such purpose.
    #[error("the stated purpose is not declared in the policy")]
    PurposeUnknown = 3,
    /// The role may do it, but not for this purpose.
    #[error("the role of this token may not do this for the stated purpose")]
    PurposeNotAllowed = 4,
    /// There is no such member.
    #[error("there is no such thing, or this token may not know of it")]
    NotFound = 5,
    /// The member, or the compartment, was erased.
    #[error("this was erased")]
    Gone = 6,
    /// A legal hold preserves the member's data.
    #[error("a legal hold preserves the data of this member")]
    LegalHold = 7,
    /// The token is bound to another member. To its holder this looks the same as an absent member; the ledger keeps
    /// the difference, because a token that tries the ids of others is worth knowing of.
    #[error("there is no such thing, or this token may not know of it")]
    OtherMember = 8,
    /// The member has not agreed to the stated purpose, or no longer does.
    #[error("the member has not agreed to the stated purpose")]
    ConsentMissing = 9,
    /// The member objected to the stated purpose.
    #[error("the member objected to the stated purpose")]
    Objected = 10,
    /// The member has restricted the use of its data.
    #[error("the member has restricted the use of its data")]
    Restricted = 11,
    /// The stated purpose decides about members without a person, and the member refused that.
    #[error("the member refuses automated decisions")]
    AutomatedDecision = 12,
    /// The recipient the token acts for may not receive data for the stated purpose.
    #[error("the recipient this token acts for may not receive data for the stated purpose")]
    RecipientNotAllowed = 13,
    /// The use of member data is stopped for the token, its role, or all.
    #[error("the use of member data is stopped for this token; ask who runs the vault")]
    Frozen = 14,
    /// The token reads more members than it may outside a window for bulk reads.
    #[error("this token has read as many members as it may; open a window for bulk reads")]
    WindowClosed = 15,
    /// The token touches more members than it may within an hour or a day.
    #[error("this token has touched as many members as it may; wait and repeat")]
    OverQuota = 16,
}

impl Denial {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Forbidden,
        Self::PurposeRequired,
        Self::PurposeUnknown,
        Self::PurposeNotAllowed,
        Self::NotFound,
        Self::Gone,
        Self::LegalHold,
        Self::OtherMember,
        Self::ConsentMissing,
        Self::Objected,
        Self::Restricted,
        Self::AutomatedDecision,
        Self::RecipientNotAllowed,
        Self::Frozen,
        Self::WindowClosed,
        Self::OverQuota,
    ];

    /// Whether it is the member that stands against the use of its data: another member may say otherwise.
    pub const fn is_the_members(self) -> bool {
        matches!(self, Self::ConsentMissing | Self::Objected | Self::Restricted | Self::AutomatedDecision)
    }

    /// The reason's number in the ledger.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The reason of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|denial| denial.number() == number)
    }
}

impl Coded for Denial {
    fn code(&self) -> Code {
        match self {
            Self::Forbidden => Code::Forbidden,
            Self::PurposeRequired => Code::PurposeRequired,
            Self::PurposeUnknown => Code::PurposeUnknown,
            Self::PurposeNotAllowed => Code::PurposeNotAllowed,
            Self::NotFound | Self::OtherMember => Code::NotFound,
            Self::Gone => Code::Gone,
            Self::LegalHold => Code::LegalHold,
            Self::ConsentMissing => Code::ConsentMissing,
            Self::Objected => Code::Objected,
            Self::Restricted => Code::Restricted,
            Self::AutomatedDecision => Code::AutomatedDecision,
            Self::RecipientNotAllowed => Code::RecipientNotAllowed,
            Self::Frozen => Code::Frozen,
            Self::WindowClosed => Code::WindowClosed,
            Self::OverQuota => Code::RateLimited,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_members_token_sees_what_a_stranger_sees() {
        assert_eq!(Denial::OtherMember.code(), Denial::NotFound.code());
        assert_eq!(Denial::OtherMember.to_string(), Denial::NotFound.to_string());
    }

    #[test]
    fn numbers_read_back() {
        for denial in Denial::ALL {
            assert_eq!(Denial::from_number(denial.number()), Some(denial));
        }
        assert_eq!(Denial::from_number(0), None);
    }
}
