//! The kinds of ledger entries, numbered for good. `docs/FORMAT.md` lists them with their bodies.

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $number:literal $text:literal,)+) => {
        /// What a leaf attests. The numbers never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LeafKind { $($(#[$doc])+ $name = $number,)+ }

        impl LeafKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number in the leaf.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The kind of a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// The name in listings.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

kinds! {
    /// The vault was made.
    VaultInit = 1 "vault.init",
    /// The vault was opened.
    VaultOpen = 2 "vault.open",
    /// A member was created.
    MemberCreate = 3 "member.create",
    /// A record was created or changed.
    RecordWrite = 4 "record.write",
    /// A record was deleted.
    RecordDelete = 5 "record.delete",
    /// A record was read.
    RecordRead = 6 "record.read",
    /// A member was looked up by an identifier.
    MemberLookup = 7 "member.lookup",
    /// Member ids were listed.
    MemberList = 8 "member.list",
    /// The records of a member were listed.
    RecordList = 9 "record.list",
    /// All that is held about a member was read.
    MemberExport = 10 "member.export",
    /// A request was denied.
    Denial = 11 "denial",
    /// A member or a compartment was erased.
    EraseIntent = 12 "erase.intent",
    /// A legal hold was set.
    HoldSet = 13 "hold.set",
    /// A legal hold was released.
    HoldRelease = 14 "hold.release",
    /// An API token was issued.
    TokenCreate = 15 "token.create",
    /// An API token was revoked.
    TokenRevoke = 16 "token.revoke",
    /// A policy came into force.
    PolicyLoad = 17 "policy.load",
    /// A batch was imported.
    Import = 18 "import",
    /// The keyring file was rewritten in a newer form.
    KeyringUpgrade = 19 "keyring.upgrade",
    /// A witness's cosignature on a checkpoint was stored.
    LogCosign = 20 "log.cosign",
    /// The keys of erasures are gone everywhere.
    Seal = 32 "seal",
    /// Data rows of a backup were put under the latest control rows.
    Restore = 33 "restore",
    /// A backup was made.
    Backup = 34 "backup",
    /// The keyring was put under another master key.
    MasterRotate = 35 "master.rotate",
    /// A holder of the keyring was added, removed or revoked.
    Holder = 36 "holder",
    /// The key tree got a new root.
    TreeRotate = 37 "tree.rotate",
    /// The files of the database hold nothing of erasures any more.
    Purge = 38 "purge",
    /// Every leaf of the key tree was marked, to get a new key.
    TreeMark = 39 "tree.mark",
    /// A consent was given or withdrawn, or preferences were changed.
    ConsentChange = 40 "consent.change",
    /// An objection, a restriction or a refusal of automated decisions was set or lifted.
    StandingChange = 41 "standing.change",
    /// A page of the members who agree to a purpose was read; each of them has a leaf of its own.
    AudienceRead = 42 "audience.read",
    /// Members were counted, or their pseudonyms listed.
    SegmentRead = 43 "segment.read",
    /// Records were found by their metadata.
    RecordQuery = 44 "record.query",
    /// A link for one recipient was made.
    ShareCreate = 45 "share.create",
    /// A link was opened by its recipient.
    ShareOpen = 46 "share.open",
    /// A link was ended.
    ShareRevoke = 47 "share.revoke",
    /// A request of a member came a step further.
    RequestStep = 48 "request.step",
    /// Data of a member was given to a recipient.
    Disclosure = 49 "disclosure",
    /// The register of recipients was changed.
    RecipientChange = 50 "recipient.change",
    /// What was due was let go.
    RetentionRun = 51 "retention.run",
    /// A window for bulk reads was opened.
    WindowOpen = 52 "window.open",
    /// A window for bulk reads was closed.
    WindowClose = 53 "window.close",
    /// A canary was touched.
    CanaryTouch = 54 "canary.touch",
    /// The use of member data was stopped for a token, a role, or all.
    Freeze = 55 "freeze",
    /// Such a stop was lifted.
    FreezeRelease = 56 "freeze.release",
    /// What a token or role touched was reported.
    BreachReport = 57 "breach.report",
    /// The report for the regular review was made.
    AuditReport = 58 "audit.report",
    /// A data map came into force.
    SchemaLoad = 59 "schema.load",
    /// A compartment of a member got a new data key.
    DekRotate = 60 "dek.rotate",
    /// The history of a member was read.
    HistoryRead = 61 "history.read",
    /// A member was made a canary, or an ordinary one again.
    CanaryWrite = 62 "canary.write",
}
