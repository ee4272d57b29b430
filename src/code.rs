//! The stable vocabulary of errors: one short code a cause, the same in HTTP replies, logs, exit messages and docs.
//!
//! Each room has its own error type with its own sentence; all of them answer [`Coded::code`] with one of these.
//! Nothing here knows an HTTP status; `http` maps codes to statuses. `docs/ERRORS.md` lists every code, and a test
//! holds the list and this file together.

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as programs see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// One sentence: what it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The request body is not well-formed JSON.
    InvalidJson = "invalid_json",
    /// The request is well-formed but does not have the required shape.
    InvalidRequest = "invalid_request",
    /// The request or record names a field that does not exist.
    UnknownField = "unknown_field",
    /// An id, name or cursor in the request does not have the required form.
    InvalidName = "invalid_name",
    /// The paging cursor was not issued by this vault, or for another listing.
    InvalidCursor = "invalid_cursor",
    /// An e-mail address, phone number or external id cannot be normalised.
    InvalidIdentifier = "invalid_identifier",
    /// The body or record is larger than the limit.
    TooLarge = "too_large",
    /// The request body is not declared as JSON (or merge-patch JSON).
    UnsupportedMediaType = "unsupported_media_type",
    /// No route has this path.
    NoSuchRoute = "no_such_route",
    /// The route exists but not with this method.
    MethodNotAllowed = "method_not_allowed",
    /// No valid bearer token was presented.
    Unauthenticated = "unauthenticated",
    /// The role of this token may not do this.
    Forbidden = "forbidden",
    /// This role must state a purpose.
    PurposeRequired = "purpose_required",
    /// The stated purpose is not declared in the policy.
    PurposeUnknown = "purpose_unknown",
    /// The role of this token may do this, but not for the stated purpose.
    PurposeNotAllowed = "purpose_not_allowed",
    /// The member has not agreed to the stated purpose, or no longer does.
    ConsentMissing = "consent_missing",
    /// No field of the data map rests on consent for this purpose, so there is no consent to ask for.
    ConsentNotNeeded = "consent_not_needed",
    /// The member objected to the stated purpose.
    Objected = "objected",
    /// The member has restricted the use of its data.
    Restricted = "restricted",
    /// The stated purpose decides about members without a person, and the member refused that.
    AutomatedDecision = "automated_decision",
    /// The recipient may not receive data for the stated purpose.
    RecipientNotAllowed = "recipient_not_allowed",
    /// The register has no agreement in force with this recipient.
    NoAgreement = "no_agreement",
    /// The use of member data is stopped for this token, its role, or everybody.
    Frozen = "frozen",
    /// This token has read as many members as it may outside a window for bulk reads.
    WindowClosed = "window_closed",
    /// There is no such thing, or this token may not know of it.
    NotFound = "not_found",
    /// The member, or this part of the member, was erased.
    Gone = "gone",
    /// The facts changed while the request was decided, more often than it is retried.
    Conflict = "conflict",
    /// The version given in If-Match is not the present one.
    VersionMismatch = "version_mismatch",
    /// An identifier already belongs to a member.
    IdentifierTaken = "identifier_taken",
    /// The idempotency key was used before with another request.
    IdempotencyMismatch = "idempotency_mismatch",
    /// A legal hold preserves the data of this member; it cannot be erased or deleted.
    LegalHold = "legal_hold",
    /// The data map does not let the member itself correct this field.
    NotCorrectable = "not_correctable",
    /// The request is not in a state for this step: it is closed, or something must come first.
    RequestState = "request_state",
    /// A second person must agree, with a token of its own.
    SecondPerson = "second_person",
    /// A named limit of the vault would be passed.
    LimitReached = "limit_reached",
    /// A backup is being taken already.
    BackupRunning = "backup_running",
    /// The vault was not told where to do this: a setting is missing.
    NotConfigured = "not_configured",
    /// This token has made too many requests, or touched too many members.
    RateLimited = "rate_limited",
    /// The vault has as much work waiting as it accepts.
    Overloaded = "overloaded",
    /// The request took longer than allowed.
    Timeout = "timeout",
    /// The vault is shutting down.
    ShuttingDown = "shutting_down",
    /// Stored bytes do not verify: damaged, moved, or of another vault.
    Corrupt = "corrupt",
    /// The storage engine failed.
    StorageFailed = "storage_failed",
    /// The disk is full.
    DiskFull = "disk_full",
    /// Another process holds the database.
    Locked = "locked",
    /// The passphrase or key file does not open the keyring.
    WrongMasterKey = "wrong_master_key",
    /// The keyring file is missing.
    KeyringMissing = "keyring_missing",
    /// The keyring file is damaged or truncated.
    KeyringCorrupt = "keyring_corrupt",
    /// A secret file can be read by others than its owner.
    ExposedFile = "exposed_file",
    /// The database and the keyring are of different ages.
    StaleImage = "stale_image",
    /// A restore into this directory was begun and never finished.
    RestoreUnfinished = "restore_unfinished",
    /// A holder of the keyring is away.
    HolderAway = "holder_away",
    /// Written by a version of membervault this one does not know.
    UnsupportedVersion = "unsupported_version",
    /// A vault exists here already.
    AlreadyExists = "already_exists",
    /// No vault exists here.
    NoVault = "no_vault",
    /// The policy file is not valid.
    InvalidPolicy = "invalid_policy",
    /// The data map is not valid, or does not fit the policy.
    InvalidSchema = "invalid_schema",
    /// The erasure is fenced but not sealed yet, so there is nothing to certify.
    NotSealed = "not_sealed",
    /// A signature, a proof or a certificate does not hold.
    NotVerified = "not_verified",
    /// A setting is not valid.
    InvalidConfig = "invalid_config",
    /// A file or stream could not be read or written.
    Io = "io",
    /// An invariant of the vault did not hold; please report it.
    Internal = "internal",
}

/// An error that knows its stable code.
pub trait Coded {
    /// The stable code of this error.
    fn code(&self) -> Code;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_words() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(code.meaning().ends_with('.'));
        }
    }
}
