//! What can be wrong with bytes. Names the layout, never its content.

use crate::code::{Code, Coded};

/// Bytes that are not the layout they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end before the layout does.
    #[error("a {what} ends too early")]
    Truncated {
        /// The layout that was read.
        what: &'static str,
    },
    /// There are bytes after the end of the layout, or padding that is not zero.
    #[error("a {what} is followed by bytes that do not belong to it")]
    Leftover {
        /// The layout that was read.
        what: &'static str,
    },
    /// The version, or a number that stands for a kind of thing, is not one this program knows.
    #[error("a {what} has the unknown version or kind {found}")]
    Unknown {
        /// The layout that was read.
        what: &'static str,
        /// The number found.
        found: u8,
    },
    /// A field has a value the layout does not allow.
    #[error("a {what} has an impossible value in {field}")]
    Invalid {
        /// The layout that was read.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A value does not fit its field.
    #[error("{field} of a {what} does not fit")]
    TooLarge {
        /// The layout that was written.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The compressor failed, which means that memory is short.
    #[error("a {what} cannot be compressed")]
    Compressor {
        /// The layout that was written.
        what: &'static str,
    },
}

impl Coded for CodecError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } => Code::UnsupportedVersion,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Compressor { .. } => Code::Internal,
            Self::Truncated { .. } | Self::Leftover { .. } | Self::Invalid { .. } => Code::Corrupt,
        }
    }
}
