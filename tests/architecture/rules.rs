//! The tables of the house. A change here is a change of the architecture: make it on purpose, alone, with its reason.

/// The rooms in order, each with its rank. The same as the table of contents in `src/lib.rs`.
pub(crate) const HOUSE: &[(&str, u8)] = &[
    ("code", 0),
    ("secret", 0),
    ("clock", 0),
    ("types", 0),
    ("codec", 1),
    ("crypto", 1),
    ("tlog", 1),
    ("schema", 1),
    ("policy", 1),
    ("store", 2),
    ("masterkey", 2),
    ("tables", 3),
    ("keyring", 3),
    ("backup", 3),
    ("ledger", 4),
    ("vault", 5),
    ("http", 6),
    ("jobs", 6),
    ("harden", 7),
    ("config", 7),
    ("telemetry", 7),
    ("app", 7),
    ("cli", 7),
    ("testkit", 8),
    ("sabotage", 8),
];

/// Rooms that may know only rank 0 and the rooms named here. Handlers never see a key, a row or an engine.
pub(crate) const EDGES: &[(&str, &[&str])] = &[("http", &["vault"]), ("jobs", &["vault"])];

/// Foreign crates and the paths below `src` that may name them.
pub(crate) const CRATES: &[(&str, &[&str])] = &[
    // Cryptography: one room, so that one room is to be audited.
    ("aes_gcm", &["crypto/"]),
    ("argon2", &["crypto/"]),
    ("chacha20poly1305", &["crypto/"]),
    ("ed25519_dalek", &["crypto/"]),
    ("getrandom", &["crypto/"]),
    ("hkdf", &["crypto/"]),
    ("hmac", &["crypto/"]),
    ("sha2", &["crypto/"]),
    ("subtle", &["crypto/"]),
    // Storage and formats.
    ("crc32fast", &["masterkey/", "codec/", "store/mirrored", "vault/bearer", "vault/bundle/zip"]),
    ("lz4_flex", &["codec/payload"]),
    ("rocksdb", &["store/rocks"]),
    ("zstd", &["codec/payload"]),
    ("toml", &["schema/", "policy/", "config/"]),
    ("uuid", &["types/"]),
    ("jiff", &["clock.rs"]),
    ("json_patch", &["vault/"]),
    // Many members at once.
    ("rayon", &["vault/import.rs", "vault/register.rs"]),
    // Identifiers.
    ("idna", &["types/identifier"]),
    ("phonenumber", &["types/identifier"]),
    ("precis_profiles", &["types/identifier", "masterkey/passphrase"]),
    // The HTTP stack; another web framework touches these places only.
    ("axum", &["http/"]),
    ("hyper", &["http/"]),
    ("hyper_util", &["http/"]),
    ("matchit", &["http/router"]),
    ("percent_encoding", &["http/extract/segments"]),
    ("utoipa", &["http/"]),
    ("tokio", &["ledger/", "vault/", "http/", "app", "cli/"]),
    // The command line.
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("csv_core", &["cli/import/csv"]),
    ("indicatif", &["cli/"]),
    ("rpassword", &["cli/"]),
    // The process.
    ("rustix", &["store/", "masterkey/", "harden", "app", "cli/", "http/turn.rs"]),
    ("tikv_jemallocator", &["main.rs", "app"]),
    ("tracing_subscriber", &["telemetry/"]),
    ("tracing", &["store/", "ledger/", "vault/", "http/", "jobs/", "telemetry/", "app", "cli/", "sabotage"]),
    ("quick_cache", &["store/cached", "keyring/"]),
    ("arc_swap", &["keyring/", "ledger/", "vault/", "app"]),
];

/// Foreign crates that any room may name: they do nothing by themselves.
pub(crate) const CRATES_ANYWHERE: &[&str] =
    &["data_encoding", "parking_lot", "serde", "serde_json", "thiserror", "zeroize"];

/// Calls that read the world, and the paths that may make them. `Instant` measures waits and never enters a row.
pub(crate) const CLOCKS: &[(&[&str], &[&str])] = &[
    (&["SystemTime", "::", "now"], &["clock.rs"]),
    (&["Instant", "::", "now"], &["ledger/", "http/", "telemetry/", "cli/"]),
    (&["env", "::", "var"], &["config/", "cli/"]),
    (&["env", "::", "var_os"], &["config/", "cli/"]),
    (&["env", "::", "vars"], &["config/", "cli/"]),
    (&["env", "::", "args"], &["cli/", "main.rs"]),
    (&["env", "::", "args_os"], &["cli/", "main.rs"]),
    (&["process", "::", "exit"], &["cli/", "main.rs"]),
    (&["thread", "::", "sleep"], &["http/turn.rs"]),
];

/// Words that must not appear, where (everywhere if empty), and why.
pub(crate) const FORBIDDEN: &[(&[&str], &[&str], &str)] = &[
    (&["unsafe"], &[], "no room needs it"),
    (&["todo", "!"], &[], "unfinished"),
    (&["unimplemented", "!"], &[], "unfinished"),
    (&["dbg", "!"], &[], "prints what may be personal"),
    (
        &["println", "!"],
        &[
            "code",
            "secret",
            "clock",
            "types/",
            "codec/",
            "crypto/",
            "tlog/",
            "schema/",
            "policy/",
            "store/",
            "masterkey/",
            "tables/",
            "keyring/",
            "backup/",
            "ledger/",
            "vault/",
            "http/",
        ],
        "only the command line prints",
    ),
    (&["Keyring"], &["http/"], "edges hold no keys"),
    (&["Ledger"], &["http/"], "evidence is the vault's affair"),
    (&["Engine"], &["http/"], "edges see no rows"),
    (&["Permit"], &["http/"], "edges do not decide"),
    (
        &["StatusCode"],
        &[
            "code", "types/", "codec/", "crypto/", "schema/", "policy/", "store/", "tables/", "keyring/", "ledger/",
            "vault/",
        ],
        "nothing below http knows a status code",
    ),
];

/// How often each file exposes a secret (`.expose(`, `.expose_..(`): every new place is a decision.
pub(crate) const EXPOSURES: &[(&str, usize)] = &[
    ("codec/key_bytes.rs", 1),
    ("codec/keyring.rs", 3),
    ("codec/member.rs", 2),
    ("codec/node.rs", 2),
    ("codec/page.rs", 1),
    ("codec/record.rs", 1),
    ("crypto/envelope.rs", 1),
    ("crypto/key.rs", 3),
    ("keyring/chain.rs", 1),
    ("keyring/file.rs", 4),
    ("keyring/member.rs", 2),
    ("keyring/rotate.rs", 4),
    ("keyring/tree.rs", 1),
    ("masterkey/key_file.rs", 2),
    ("masterkey/passphrase.rs", 2),
    ("testkit/slot.rs", 2),
    ("vault/api.rs", 1),
    ("vault/consent/first.rs", 1),
    ("vault/consent/import.rs", 3),
    ("vault/create.rs", 4),
    ("vault/crowd/cursor.rs", 1),
    ("vault/disclosure/notice.rs", 1),
    ("vault/dossier.rs", 2),
    ("vault/guard/mod.rs", 1),
    ("vault/history/access.rs", 1),
    ("vault/hold.rs", 1),
    ("vault/import.rs", 2),
    ("vault/query/bulk.rs", 1),
    ("vault/recipient.rs", 1),
    ("vault/records.rs", 5),
    ("vault/request/case.rs", 3),
    ("vault/retention/run.rs", 1),
    ("vault/schema/history.rs", 1),
    ("vault/share/row.rs", 1),
    ("vault/tokens.rs", 1),
    ("vault/write.rs", 1),
];

/// Lines of one file, tests included.
pub(crate) const LINES_MAX: usize = 400;

/// Files that may be longer: path, lines, and why it is one idea.
pub(crate) const LONG_FILES: &[(&str, usize, &str)] = &[];
