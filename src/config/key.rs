//! The table of settings: every name, its default and its sentence. Documentation and `config show` follow it.

/// Prefix of the environment variables that are settings.
pub const ENVIRONMENT_PREFIX: &str = "MEMBERVAULT_";

/// Between the paths of a list.
pub(super) const LIST_SEPARATOR: char = ':';

/// The kind of a setting's text. Paths typed in a file are relative to that file, so that a service may be started from
/// anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// One path.
    Path,
    /// Paths, with colons between them; in a file, a list.
    Paths,
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its name in the settings file; a dot leads into a table.
    pub name: &'static str,
    /// The text that stands when nothing is typed. Empty: not set.
    pub default: &'static str,
    /// What kind of text it is.
    pub form: Form,
    /// One sentence.
    pub about: &'static str,
}

impl Key {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The environment variable of this setting.
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

const fn path(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, form: Form::Path, about }
}

const fn plain(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, form: Form::Plain, about }
}

const fn paths(name: &'static str, about: &'static str) -> Key {
    Key { name, default: "", form: Form::Paths, about }
}

/// Every setting, in the order of the documentation.
pub const KEYS: &[Key] = &[
    path("data", "membervault-data", "Directory of the database."),
    path("keyring", "membervault.keyring", "The keyring file. Must not lie inside the data directory."),
    path("key_file", "", "The key file that opens the keyring, when the vault was made with one."),
    path("passphrase_file", "", "A file whose first line is the passphrase, for machines without a terminal."),
    path("next.key_file", "", "The key file the keyring is to be put under by a rotation of the master key."),
    path("next.passphrase_file", "", "A file whose first line is the passphrase of a rotation, instead of a key file."),
    path("policy", "", "The policy file: who may see what. Without one, the built-in policy stands."),
    path(
        "schema.file",
        "",
        "The data map: what is kept of members, why, and for how long. Without one, the built-in map.",
    ),
    plain("http.listen", "127.0.0.1:8200", "Address and port that serve listens on."),
    plain(
        "http.behind_tls_proxy",
        "false",
        "States that a proxy before serve ends TLS, so that it may listen beyond this machine.",
    ),
    plain("http.timeout_s", "30", "Seconds after which a request is given up (1 to 600)."),
    plain("http.concurrency_max", "1024", "Requests worked on at one time (1 to 65536)."),
    plain(
        "ledger.read_durability",
        "interval",
        "When the evidence of a read is on disk: interval (within 100 ms) or sync (before the reply).",
    ),
    plain("ledger.origin", "", "The name of the log in its checkpoints. Without one: membervault/ and the vault's id."),
    plain("ledger.public", "false", "Whether anyone may read the log, without a token. It names nobody."),
    plain("ledger.witnesses", "", "Verifier keys of witnesses whose cosignatures are kept, separated by spaces."),
    plain("storage.cache_mib", "128", "Memory for blocks of the database, in MiB (8 to 1048576)."),
    plain("storage.row_cache_mib", "128", "Memory for stored rows read lately, in MiB (0 to 1048576; 0: none)."),
    plain("storage.write_buffer_mib", "64", "Memory for rows not yet in a file, in MiB (4 to 4096)."),
    plain(
        "seal.interval_s",
        "60",
        "Seconds between two looks whether something erased waits to be sealed (0 to 86400; 0: only on demand).",
    ),
    path("seal.capsules", "", "Directory of redo capsules. Without one: the data directory's name and .capsules."),
    plain(
        "purge.interval_s",
        "86400",
        "Seconds between two purges of what is sealed (0 to 2592000; 0: only on demand).",
    ),
    plain("purge.rate_mib_s", "50", "Most MiB a second that a purge reads when it searches (0 to 65536; 0: no limit)."),
    plain(
        "requests.second_person",
        "erase_bulk export_bulk",
        "Kinds of members' requests that a second person must approve, separated by spaces.",
    ),
    plain(
        "retention.interval_s",
        "0",
        "Seconds between two looks for what has been kept long enough (0 to 2592000; 0: only on demand).",
    ),
    plain(
        "segments.floor",
        "20",
        "Members of a segment below which neither count nor pseudonyms are told (5 to 1000000).",
    ),
    path("backup.directory", "", "Directory of backups. Must not hold the keyring."),
    plain("backup.rate_mib_s", "100", "Most MiB a second that a backup copies (0 to 65536; 0: no limit)."),
    paths(
        "mirror.directories",
        "Directories that keep the newest keys, index and ledger besides the database, with ':' between them.",
    ),
    plain(
        "limits.members_per_hour.crm",
        "0",
        "Members a token of role crm may touch within an hour, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_hour.support",
        "1000",
        "Members a token of role support may touch within an hour, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_hour.marketing",
        "0",
        "Members a token of role marketing may touch within an hour, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_hour.analyst",
        "0",
        "Members a token of role analyst may touch within an hour, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_day.crm",
        "0",
        "Members a token of role crm may touch within a day, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_day.support",
        "0",
        "Members a token of role support may touch within a day, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_day.marketing",
        "0",
        "Members a token of role marketing may touch within a day, counted each time (0: no limit).",
    ),
    plain(
        "limits.members_per_day.analyst",
        "0",
        "Members a token of role analyst may touch within a day, counted each time (0: no limit).",
    ),
    plain(
        "window.members_per_hour",
        "10000",
        "Members a token may be shown in bulk within an hour while no window is open for it (0: no limit).",
    ),
    plain(
        "alerts.url",
        "",
        "Where alerts are sent: http:// and an address of this machine, such as http://127.0.0.1:9000/alerts.",
    ),
    path("alerts.key_file", "", "The file of the secret that signs alerts: whsec_ and base64 of 24 to 64 bytes."),
    plain("alerts.denials_per_minute", "30", "Denials of one token within a minute that raise an alert (0: none do)."),
    plain("log.format", "text", "Form of the log on standard error: text or json."),
    plain("log.level", "info", "Least level that is logged: error, warn, info, debug or trace."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_setting() {
        let page = include_str!("../../docs/OPERATING.md");
        let documented = page.lines().filter(|line| line.contains("| `MEMBERVAULT_")).map(|line| {
            let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            (cells[1], cells[2].to_owned(), cells[4], cells[5])
        });
        let expected = KEYS.iter().map(|key| (key.name, key.variable(), key.default, key.about));
        assert_eq!(documented.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn names_and_variables_are_distinct() {
        let names: std::collections::HashSet<_> = KEYS.iter().map(|key| key.name).collect();
        let variables: std::collections::HashSet<_> = KEYS.iter().map(Key::variable).collect();
        assert_eq!((names.len(), variables.len()), (KEYS.len(), KEYS.len()));
        assert_eq!(Key::named("http.listen").map(Key::variable).as_deref(), Some("MEMBERVAULT_HTTP_LISTEN"));
    }
}
