//! How a command ends: the exit codes, and the one line that says what happened, to what, and what to do.

use std::error::Error;
use std::fmt;
use std::io;

use crate::backup::BackupError;
use crate::code::{Code, Coded};
use crate::keyring::KeyringError;
use crate::ledger::LedgerError;
use crate::masterkey::secret_file::SecretFileError;
use crate::store::StoreError;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// All of it was done.
    Fully,
    /// Some of it was refused, and the output says what.
    InPart,
    /// A check was made, and found something.
    WithFindings,
}

impl Done {
    /// The exit code of the process.
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::Fully => 0,
            Self::WithFindings => EXIT_DATA,
            Self::InPart => EXIT_IN_PART,
        }
    }
}

const EXIT_FAILED: u8 = 1;
pub(super) const EXIT_USAGE: u8 = 2;
const EXIT_REFUSED: u8 = 3;
const EXIT_KEYS: u8 = 4;
const EXIT_DATA: u8 = 5;
const EXIT_BUSY: u8 = 6;
const EXIT_IN_PART: u8 = 7;

/// The list of exit codes as `--help` shows it. The documentation has the same.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed for another reason, such as a file that cannot be read
  2  the arguments, a setting or the policy file are not valid
  3  the vault refuses: not found, erased, held, taken, exists already
  4  the keys: wrong passphrase or key file, keyring missing, damaged or exposed
  5  the stored data: damaged, stale, of another version; doctor found something; a certificate does not hold
  6  busy: another process holds the database, or a limit or time is passed
  7  done in part: import rejected some rows";

/// The class of a code.
pub(super) const fn exit_code(code: Code) -> u8 {
    match code {
        Code::InvalidConfig
        | Code::InvalidPolicy
        | Code::InvalidSchema
        | Code::InvalidName
        | Code::InvalidIdentifier
        | Code::InvalidRequest
        | Code::InvalidJson
        | Code::InvalidCursor
        | Code::UnknownField
        | Code::PurposeUnknown
        | Code::PurposeRequired => EXIT_USAGE,
        Code::Forbidden
        | Code::PurposeNotAllowed
        | Code::ConsentMissing
        | Code::ConsentNotNeeded
        | Code::Objected
        | Code::Restricted
        | Code::AutomatedDecision
        | Code::RecipientNotAllowed
        | Code::NoAgreement
        | Code::Frozen
        | Code::WindowClosed
        | Code::Unauthenticated
        | Code::NotFound
        | Code::Gone
        | Code::Conflict
        | Code::VersionMismatch
        | Code::IdentifierTaken
        | Code::IdempotencyMismatch
        | Code::LegalHold
        | Code::NotCorrectable
        | Code::RequestState
        | Code::SecondPerson
        | Code::TooLarge
        | Code::LimitReached
        | Code::AlreadyExists
        | Code::NotConfigured
        | Code::NotSealed
        | Code::NoVault
        | Code::HolderAway => EXIT_REFUSED,
        Code::WrongMasterKey | Code::KeyringMissing | Code::KeyringCorrupt | Code::ExposedFile => EXIT_KEYS,
        Code::Corrupt
        | Code::StorageFailed
        | Code::StaleImage
        | Code::RestoreUnfinished
        | Code::UnsupportedVersion
        | Code::NotVerified => EXIT_DATA,
        Code::Locked
        | Code::BackupRunning
        | Code::Overloaded
        | Code::RateLimited
        | Code::Timeout
        | Code::ShuttingDown => EXIT_BUSY,
        _ => EXIT_FAILED,
    }
}

/// A command failed. Holds no personal data: errors of the rooms do not, and those made here name files, lines and ids.
pub(super) struct Failure {
    /// What happened, to what, and what to do: parts joined by colons.
    text: String,
    code: Code,
    chain: Option<Box<dyn Error + Send + Sync>>,
    /// How many links of the chain `text` says already.
    said: usize,
}

impl Failure {
    /// A failure with its own code.
    pub(super) fn new(code: Code, what: impl fmt::Display, what_to_do: impl fmt::Display) -> Self {
        Self { text: format!("{what}: {what_to_do}"), code, chain: None, said: 0 }
    }

    /// Something was asked for that cannot be.
    pub(super) fn usage(what: impl fmt::Display, what_to_do: impl fmt::Display) -> Self {
        Self::new(Code::InvalidRequest, what, what_to_do)
    }

    /// A file or stream failed. `what` says what was tried, and to which file.
    pub(super) fn io(what: impl fmt::Display, source: io::Error) -> Self {
        let code = if source.kind() == io::ErrorKind::StorageFull { Code::DiskFull } else { Code::Io };
        Self { text: what.to_string(), code, chain: Some(Box::new(source)), said: 0 }
    }

    /// The same failure, with what to do about it.
    #[must_use]
    pub(super) fn advise(mut self, what_to_do: impl fmt::Display) -> Self {
        self.text = format!("{}: {what_to_do}", self.text);
        self
    }

    /// The code.
    pub(super) const fn code(&self) -> Code {
        self.code
    }

    /// Whether the reader of our output has gone, as `head` does: no failure of ours.
    pub(super) fn is_broken_pipe(&self) -> bool {
        self.system_errors().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first = self.chain.as_deref().map(|error| error as &(dyn Error + 'static));
        std::iter::successors(first, |cause| (*cause).source())
    }

    fn system_errors(&self) -> impl Iterator<Item = &io::Error> {
        self.causes().filter_map(|cause| cause.downcast_ref())
    }

    /// The message: one line, and with `verbose` one more for each cause. What the operating system said is part of the
    /// first line, since "cannot be read" is of no use without "permission denied".
    pub(super) fn lines(&self, verbose: bool) -> Vec<String> {
        let system = self.system_errors().last().map(|error| format!(": {error}")).unwrap_or_default();
        let mut lines = vec![format!("membervault: {}{system} [{}]", self.text, self.code.as_str())];
        if verbose {
            lines.extend(self.causes().skip(self.said).map(|cause| format!("  because: {cause}")));
        }
        lines
    }
}

impl<E: Coded + Error + Send + Sync + 'static> From<E> for Failure {
    /// An error of a room says itself what happened and what to do; the room nearest to the cause says it best.
    fn from(error: E) -> Self {
        let code = error.code();
        let mut failure = Self { text: error.to_string(), code, chain: Some(Box::new(error)), said: 1 };
        if let Some((at, text)) = failure.causes().enumerate().filter_map(advice).last() {
            failure.said = at + 1;
            failure.text = text;
        }
        failure
    }
}

/// The sentence of a link of the chain that is an error of one of the rooms that know what to do: the wrappers around
/// it say only that something failed.
fn advice((at, cause): (usize, &(dyn Error + 'static))) -> Option<(usize, String)> {
    let knows = cause.is::<LedgerError>()
        || cause.is::<StoreError>()
        || cause.is::<KeyringError>()
        || cause.is::<SecretFileError>()
        || cause.is::<BackupError>();
    knows.then(|| (at, cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_to_what_and_what_to_do() {
        let failure = Failure::new(Code::Gone, "the member was erased", "ids are never used again");
        assert_eq!(failure.lines(false), ["membervault: the member was erased: ids are never used again [gone]"]);
    }

    #[test]
    fn what_the_system_says_is_in_the_line_and_the_chain_is_for_the_verbose() {
        #[derive(Debug, thiserror::Error)]
        #[error("the engine failed: restart it")]
        struct Engine(#[source] io::Error);
        impl Coded for Engine {
            fn code(&self) -> Code {
                Code::StorageFailed
            }
        }
        let failure = Failure::from(Engine(io::Error::from(io::ErrorKind::PermissionDenied)));
        let line = "membervault: the engine failed: restart it: permission denied [storage_failed]";
        assert_eq!(failure.lines(false), [line]);
        assert_eq!(failure.lines(true), [line, "  because: permission denied"]);
        assert!(Failure::io("writing", io::Error::from(io::ErrorKind::BrokenPipe)).is_broken_pipe());
    }

    #[test]
    fn the_documentation_lists_every_exit_code() {
        let plain = include_str!("../../docs/OPERATING.md").replace('`', "");
        for line in EXIT_CODES.lines().skip(1) {
            let (code, class) = line.trim().split_once("  ").unwrap();
            assert!(plain.contains(&format!("| {code} | {class} |")), "docs/OPERATING.md lacks: {line}");
        }
    }

    #[test]
    fn every_class_of_codes_has_its_exit_code() {
        let class = |exit| {
            let codes = Code::ALL.iter().filter(|code| exit_code(**code) == exit);
            codes.map(|code| code.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(class(EXIT_KEYS), "wrong_master_key keyring_missing keyring_corrupt exposed_file");
        assert_eq!(
            class(EXIT_DATA),
            "corrupt storage_failed stale_image restore_unfinished unsupported_version not_verified"
        );
        assert_eq!(class(EXIT_BUSY), "backup_running rate_limited overloaded timeout shutting_down locked");
    }
}
