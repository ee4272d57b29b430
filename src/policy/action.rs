//! What can be asked for. The names are the vocabulary of the policy file.

use std::fmt;

/// The facts an action depends on, and what it shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// One compartment of one live member.
    Compartment,
    /// All compartments of one live member that the role may see.
    Compartments,
    /// One live member as a whole.
    Member,
    /// One compartment of many members.
    Many,
    /// All compartments of many members that the role may see.
    Everywhere,
    /// Members, but none that is known before the act.
    Members,
    /// The vault itself.
    Vault,
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $text:literal, $scope:ident;)+) => {
        /// One kind of act. The numbers are part of the ledger's format and never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Action { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Action {
            /// Every action, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The action's name in the policy file.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)+ }
            }
        }
    };
}

actions! {
    /// Create a member with its profile.
    MemberCreate = 1, "member.create", Members;
    /// Read a record.
    RecordRead = 2, "record.read", Compartment;
    /// Create, replace or change a record.
    RecordWrite = 3, "record.write", Compartment;
    /// Delete a record.
    RecordDelete = 4, "record.delete", Compartment;
    /// List the records of a member: names and metadata, no content.
    RecordList = 5, "record.list", Compartments;
    /// Find a member by an identifier.
    MemberLookup = 6, "member.lookup", Members;
    /// List the ids of members.
    MemberList = 7, "member.list", Members;
    /// Take out all that is held of a member.
    MemberExport = 8, "member.export", Compartments;
    /// Erase a member.
    MemberErase = 9, "member.erase", Member;
    /// Erase one compartment of a member.
    CompartmentErase = 10, "compartment.erase", Compartment;
    /// See how far an erasure has come.
    ErasureRead = 11, "erasure.read", Vault;
    /// Set a legal hold.
    HoldSet = 12, "hold.set", Member;
    /// Release a legal hold.
    HoldRelease = 13, "hold.release", Member;
    /// See a legal hold.
    HoldRead = 14, "hold.read", Member;
    /// Issue a token.
    TokenCreate = 15, "token.create", Vault;
    /// List tokens.
    TokenList = 16, "token.list", Vault;
    /// Revoke a token.
    TokenRevoke = 17, "token.revoke", Vault;
    /// Read the policy in force.
    PolicyRead = 18, "policy.read", Vault;
    /// Read the state of the vault.
    StatusRead = 19, "status.read", Vault;
    /// Take a backup.
    BackupRun = 20, "backup.run", Vault;
    /// See which backups there are, and how far one under way is.
    BackupRead = 21, "backup.read", Vault;
    /// Read the log and its checkpoints, and hand in cosignatures.
    LogRead = 22, "log.read", Vault;
    /// Seal what is erased.
    SealRun = 23, "seal.run", Vault;
    /// Change who keeps the keyring, or the master key it is under.
    KeyringChange = 24, "keyring.change", Vault;
    /// Clean the files of what is sealed.
    PurgeRun = 25, "purge.run", Vault;
    /// Read the data map in force.
    SchemaRead = 26, "schema.read", Vault;
    /// Put the data map file of the settings into force.
    SchemaReload = 27, "schema.reload", Vault;
    /// See a member's consents, preferences, objections and restrictions.
    ConsentRead = 28, "consent.read", Member;
    /// Give or withdraw a consent, or change preferences.
    ConsentWrite = 29, "consent.write", Member;
    /// Set or lift an objection, a restriction, or a refusal of automated decisions.
    StandingWrite = 30, "standing.write", Member;
    /// Read a record of all members who agree to the stated purpose.
    AudienceRead = 31, "audience.read", Many;
    /// Count members, or list their pseudonyms, by what is known of them.
    SegmentRead = 32, "segment.read", Many;
    /// Find records of all members by their metadata.
    RecordQuery = 33, "record.query", Everywhere;
    /// Change or delete records of all members by their metadata.
    RecordBulk = 34, "record.bulk", Everywhere;
    /// Make a link by which one recipient reads chosen fields of a record.
    ShareCreate = 35, "share.create", Compartment;
    /// End such a link.
    ShareRevoke = 36, "share.revoke", Member;
    /// Open a request of a member for one of its rights.
    RequestOpen = 37, "request.open", Member;
    /// See the requests of members and what is due.
    RequestRead = 38, "request.read", Vault;
    /// Check, extend, refuse or fulfil a request of a member.
    RequestDecide = 39, "request.decide", Vault;
    /// Approve, as a second person, what another asked for.
    RequestApprove = 40, "request.approve", Vault;
    /// See who used the data of a member, when, and for which purpose.
    HistoryRead = 41, "history.read", Member;
    /// Record that data of a member was given to a recipient.
    DisclosureWrite = 42, "disclosure.write", Member;
    /// See the register of recipients.
    RecipientRead = 43, "recipient.read", Vault;
    /// Change the register of recipients.
    RecipientWrite = 44, "recipient.write", Vault;
    /// See what will go, when and why.
    RetentionRead = 45, "retention.read", Vault;
    /// Let go what is due.
    RetentionRun = 46, "retention.run", Vault;
    /// Issue a short-lived token to one member, for its own use.
    MemberTokenCreate = 47, "member_token.create", Member;
    /// Open or close the time in which a token may read in bulk.
    WindowOpen = 48, "window.open", Vault;
    /// Make a member a canary, whose touch raises an alarm, or an ordinary one again.
    CanaryWrite = 49, "canary.write", Member;
    /// Stop the use of member data by a token, a role, or all.
    FreezeSet = 50, "freeze.set", Vault;
    /// Lift such a stop.
    FreezeRelease = 51, "freeze.release", Vault;
    /// See which members and fields a token or role touched.
    BreachRead = 52, "breach.read", Vault;
    /// See the report for the regular review of access.
    AuditRead = 53, "audit.read", Vault;
    /// Give a compartment of a member a new data key.
    DekRotate = 54, "dek.rotate", Compartment;
    /// Correct fields of a record that the data map lets the member itself correct.
    RecordCorrect = 55, "record.correct", Compartment;
}

impl Action {
    /// The action's number in the ledger.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The action of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.number() == number)
    }

    /// Whether the request must name the one compartment the act touches.
    pub const fn takes_compartment(self) -> bool {
        matches!(self.scope(), Scope::Compartment | Scope::Many)
    }

    /// Whether the act runs over all compartments of a member, as far as the permit shows them.
    pub const fn spans_compartments(self) -> bool {
        matches!(self.scope(), Scope::Compartments | Scope::Everywhere)
    }

    /// Whether the act is about one member who must exist: [`super::Facts::member`] decides with.
    pub const fn needs_live_member(self) -> bool {
        matches!(self.scope(), Scope::Compartment | Scope::Compartments | Scope::Member)
    }

    /// Whether the act destroys data: [`super::Facts::held`] decides with. A legal hold preserves what is there, so it
    /// stands against deleting a record as much as against an erasure.
    pub const fn minds_hold(self) -> bool {
        matches!(self, Self::MemberErase | Self::CompartmentErase | Self::RecordDelete)
    }

    /// Whether the answer shows fields of records.
    pub const fn shows_fields(self) -> bool {
        matches!(
            self,
            Self::RecordRead | Self::MemberExport | Self::AudienceRead | Self::SegmentRead | Self::ShareCreate
        )
    }

    /// Whether the act uses a member's data, so that a role with `purpose = "required"` must state one.
    pub const fn uses_data(self) -> bool {
        matches!(
            self,
            Self::MemberCreate
                | Self::RecordRead
                | Self::RecordWrite
                | Self::RecordCorrect
                | Self::RecordDelete
                | Self::RecordList
                | Self::MemberLookup
                | Self::MemberList
                | Self::MemberExport
                | Self::ConsentRead
                | Self::ConsentWrite
                | Self::StandingWrite
                | Self::AudienceRead
                | Self::SegmentRead
                | Self::RecordQuery
                | Self::RecordBulk
                | Self::ShareCreate
        )
    }

    /// Whether the act changes who may do what.
    pub(super) const fn grants_access(self) -> bool {
        matches!(self, Self::TokenCreate | Self::TokenRevoke)
    }

    /// Whether a token bound to one member can mean this act: it is about that one member and is not held against it.
    pub(super) const fn suits_member_token(self) -> bool {
        let own_act = self.needs_live_member() || matches!(self, Self::ErasureRead);
        let against_it = matches!(
            self,
            Self::HoldSet
                | Self::HoldRelease
                | Self::DisclosureWrite
                | Self::MemberTokenCreate
                | Self::CanaryWrite
                | Self::DekRotate
        );
        own_act && !against_it
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_distinct_and_read_back() {
        let names: std::collections::HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for (position, action) in Action::ALL.iter().enumerate() {
            assert_eq!(usize::from(action.number()), position + 1);
            assert_eq!(Action::from_number(action.number()), Some(*action));
        }
        assert_eq!(Action::from_number(0), None);
        assert_eq!(Action::from_number(56), None);
    }
}
