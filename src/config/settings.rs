//! The values of all settings, parsed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::key::LIST_SEPARATOR;
use super::paths::lies_within;
use super::resolve::Chosen;
use super::{AlertSettings, ConfigError, Key, guards};
use crate::tlog::{SignatureType, VerifierKey};
use crate::vault::crowd::segment::FLOOR_MIN;
use crate::vault::guard::GuardSettings;
use crate::vault::log::LogSettings;
use crate::vault::request::RequestSettings;

/// When the evidence of a read is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadDurability {
    /// Within 100 ms.
    Interval,
    /// Before the reply.
    Sync,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Least level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something should be looked at.
    Warn,
    /// Something noteworthy happened.
    Info,
    /// Steps.
    Debug,
    /// Small steps.
    Trace,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of the database.
    pub data: PathBuf,
    /// The keyring file.
    pub keyring: PathBuf,
    /// The key file, if the vault was made with one.
    pub key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// The key file of the next master key.
    pub next_key_file: Option<PathBuf>,
    /// A file whose first line is the next passphrase.
    pub next_passphrase_file: Option<PathBuf>,
    /// The policy file; `None` for the built-in policy.
    pub policy: Option<PathBuf>,
    /// The data map; `None` for the built-in one.
    pub schema_file: Option<PathBuf>,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// Whether a proxy before `serve` ends TLS.
    pub behind_tls_proxy: bool,
    /// Seconds after which a request is given up.
    pub timeout_s: u64,
    /// Requests worked on at one time.
    pub concurrency_max: usize,
    /// When the evidence of a read is on disk.
    pub read_durability: ReadDurability,
    /// How the log is shown to others.
    pub log: LogSettings,
    /// Memory for blocks of the database.
    pub cache_mib: usize,
    /// Memory for stored rows read lately; 0 for none.
    pub row_cache_mib: usize,
    /// Memory for rows not yet in a file.
    pub write_buffer_mib: usize,
    /// Seconds between two looks whether something waits to be sealed; 0: only on demand.
    pub seal_interval_s: u64,
    /// Directory of redo capsules.
    pub capsules: Option<PathBuf>,
    /// Seconds between two purges of what is sealed; 0: only on demand.
    pub purge_interval_s: u64,
    /// MiB a second that a purge reads at most; 0 for no limit.
    pub purge_rate_mib_s: u64,
    /// How members' requests are dealt with.
    pub requests: RequestSettings,
    /// Seconds between two runs of retention; 0: only on demand.
    pub retention_interval_s: u64,
    /// Members of a segment below which nothing of it is told.
    pub segments_floor: u64,
    /// Directory of backups.
    pub backup_directory: Option<PathBuf>,
    /// MiB a second that a backup copies at most; 0 for no limit.
    pub backup_rate_mib_s: u64,
    /// Directories that mirror the newest control rows.
    pub mirrors: Vec<PathBuf>,
    /// What guards against misuse.
    pub guards: GuardSettings,
    /// Where alerts are sent.
    pub alerts: Option<AlertSettings>,
    /// Form of the log.
    pub log_format: LogFormat,
    /// Least level that is logged.
    pub log_level: LogLevel,
}

impl Settings {
    pub(super) fn read(chosen: &[(&'static Key, Chosen)]) -> Result<Self, ConfigError> {
        let from = Reader { chosen };
        let settings = Self {
            data: from.path("data")?,
            keyring: from.path("keyring")?,
            key_file: from.optional_path("key_file"),
            passphrase_file: from.optional_path("passphrase_file"),
            next_key_file: from.optional_path("next.key_file"),
            next_passphrase_file: from.optional_path("next.passphrase_file"),
            policy: from.optional_path("policy"),
            schema_file: from.optional_path("schema.file"),
            listen: from.parsed("http.listen", "an IP address and port, such as 127.0.0.1:8200")?,
            behind_tls_proxy: from.parsed("http.behind_tls_proxy", "true or false")?,
            timeout_s: from.number("http.timeout_s", 1..=600, "a whole number from 1 to 600")?,
            concurrency_max: from.number("http.concurrency_max", 1..=65_536, "a whole number from 1 to 65536")?,
            read_durability: from.one_of("ledger.read_durability", READ_DURABILITY, "interval or sync")?,
            log: LogSettings {
                origin: from.optional("ledger.origin", "1 to 255 bytes without spaces and plus signs")?,
                public: from.parsed("ledger.public", "true or false")?,
                witnesses: from.witnesses("ledger.witnesses", "verifier keys of type cosignature/v1, each once")?,
            },
            cache_mib: from.number("storage.cache_mib", 8..=1_048_576, "a whole number from 8 to 1048576")?,
            row_cache_mib: from.number("storage.row_cache_mib", 0..=1_048_576, "a whole number from 0 to 1048576")?,
            write_buffer_mib: from.number("storage.write_buffer_mib", 4..=4096, "a whole number from 4 to 4096")?,
            seal_interval_s: from.number("seal.interval_s", 0..=86_400, "a whole number from 0 to 86400")?,
            capsules: from.optional_path("seal.capsules"),
            purge_interval_s: from.number("purge.interval_s", 0..=2_592_000, "a whole number from 0 to 2592000")?,
            purge_rate_mib_s: from.number("purge.rate_mib_s", 0..=65_536, "a whole number from 0 to 65536")?,
            requests: RequestSettings {
                second_person: from.words(
                    "requests.second_person",
                    "access, rectify, erase, restrict, object, portability, erase_bulk or export_bulk, each once",
                )?,
            },
            retention_interval_s: from.number("retention.interval_s", 0..=2_592_000, "a number from 0 to 2592000")?,
            segments_floor: from.number("segments.floor", FLOOR_MIN..=1_000_000, "a number from 5 to 1000000")?,
            backup_directory: from.optional_path("backup.directory"),
            backup_rate_mib_s: from.number("backup.rate_mib_s", 0..=65_536, "a whole number from 0 to 65536")?,
            mirrors: from.paths("mirror.directories"),
            guards: guards::read(&from)?,
            alerts: guards::alerts(&from)?,
            log_format: from.one_of("log.format", LOG_FORMATS, "text or json")?,
            log_level: from.one_of("log.level", LOG_LEVELS, "error, warn, info, debug or trace")?,
        };
        settings.checked_together()
    }

    fn checked_together(self) -> Result<Self, ConfigError> {
        // Whoever copies or backs up the database must not get its keys along with it.
        if lies_within(&self.keyring, &self.data) {
            return Err(ConfigError::Contradiction {
                what: "the keyring lies inside the data directory, where every copy of the data would carry its keys",
                what_to_do: "set `keyring` (--keyring) to a path outside `data` (--data)",
            });
        }
        let copies = self.backup_directory.iter().chain(&self.mirrors);
        if copies.clone().any(|directory| lies_within(&self.keyring, directory)) {
            return Err(ConfigError::Contradiction {
                what: "the keyring lies inside a directory of backups or a mirror, which would carry its keys with it",
                what_to_do: "set `keyring` (--keyring) to a path outside `backup.directory` and `mirror.directories`",
            });
        }
        let data = &self.data;
        if copies.clone().any(|directory| lies_within(directory, data) || lies_within(data, directory)) {
            return Err(ConfigError::Contradiction {
                what: "a directory of backups or a mirror lies inside the data directory, or around it",
                what_to_do: "set `backup.directory` and `mirror.directories` to paths of their own, best on other disks",
            });
        }
        if self.capsules.iter().any(|directory| lies_within(directory, data)) {
            return Err(ConfigError::Contradiction {
                what: "redo capsules lie inside the data directory, and would be lost with what they are to bring back",
                what_to_do: "set `seal.capsules` to a path outside `data`, best on another disk",
            });
        }
        if self.next_key_file.is_some() && self.next_passphrase_file.is_some() {
            return Err(ConfigError::Contradiction {
                what: "both a next key file and a next passphrase file are set",
                what_to_do: "set `next.key_file` or `next.passphrase_file`, not both",
            });
        }
        if self.key_file.is_some() && self.passphrase_file.is_some() {
            return Err(ConfigError::Contradiction {
                what: "both a key file and a passphrase file are set",
                what_to_do: "set `key_file` or `passphrase_file`, not both",
            });
        }
        Ok(self)
    }

    /// The address, if it may be listened on: bearer tokens and personal data must not cross a network in the clear.
    pub fn listen_checked(&self) -> Result<SocketAddr, ConfigError> {
        if self.listen.ip().is_loopback() || self.behind_tls_proxy {
            return Ok(self.listen);
        }
        Err(ConfigError::Contradiction {
            what: "serve speaks plain HTTP, and this address can be reached from other machines, \
                   so tokens and members' data would cross the network unencrypted",
            what_to_do: "listen on 127.0.0.1, or put a proxy that ends TLS before it and say so with --behind-tls-proxy",
        })
    }
}

const READ_DURABILITY: &[(&str, ReadDurability)] =
    &[("interval", ReadDurability::Interval), ("sync", ReadDurability::Sync)];

const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

pub(super) struct Reader<'a> {
    chosen: &'a [(&'static Key, Chosen)],
}

impl Reader<'_> {
    fn text(&self, name: &'static str) -> &str {
        self.chosen.iter().find(|(key, _)| key.name == name).map_or("", |(_, chosen)| chosen.text.as_str())
    }

    fn invalid(&self, name: &'static str, expected: &'static str) -> ConfigError {
        let found = self.chosen.iter().find(|(key, _)| key.name == name);
        let origin = found.map_or(super::Origin::Default, |(_, chosen)| chosen.origin.clone());
        ConfigError::Invalid { name, origin, expected }
    }

    pub(super) fn optional_path(&self, name: &'static str) -> Option<PathBuf> {
        let text = self.text(name);
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    fn paths(&self, name: &'static str) -> Vec<PathBuf> {
        self.text(name).split(LIST_SEPARATOR).filter(|part| !part.is_empty()).map(PathBuf::from).collect()
    }

    fn path(&self, name: &'static str) -> Result<PathBuf, ConfigError> {
        self.optional_path(name).ok_or_else(|| self.invalid(name, "a path"))
    }

    fn parsed<T: std::str::FromStr>(&self, name: &'static str, expected: &'static str) -> Result<T, ConfigError> {
        self.text(name).parse().map_err(|_| self.invalid(name, expected))
    }

    pub(super) fn optional<T: std::str::FromStr>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name, expected).map(Some) }
    }

    fn witnesses(&self, name: &'static str, expected: &'static str) -> Result<Vec<VerifierKey>, ConfigError> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for text in self.text(name).split_whitespace() {
            let key: Option<VerifierKey> = text.parse().ok();
            let key = key.filter(|key| key.kind() == SignatureType::Cosignature && !keys.contains(key));
            keys.push(key.ok_or_else(|| self.invalid(name, expected))?);
        }
        Ok(keys)
    }

    fn words<T>(&self, name: &'static str, expected: &'static str) -> Result<Vec<T>, ConfigError>
    where
        T: std::str::FromStr + PartialEq,
    {
        let mut words: Vec<T> = Vec::new();
        for text in self.text(name).split_whitespace() {
            let word = text.parse().ok().filter(|word| !words.contains(word));
            words.push(word.ok_or_else(|| self.invalid(name, expected))?);
        }
        Ok(words)
    }

    pub(super) fn number<T>(
        &self,
        name: &'static str,
        range: RangeInclusive<T>,
        expected: &'static str,
    ) -> Result<T, ConfigError>
    where
        T: std::str::FromStr + PartialOrd,
    {
        let number: T = self.parsed(name, expected)?;
        if range.contains(&number) { Ok(number) } else { Err(self.invalid(name, expected)) }
    }

    fn one_of<T: Copy>(
        &self,
        name: &'static str,
        values: &[(&str, T)],
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        let text = self.text(name);
        let found = values.iter().find(|(value, _)| *value == text);
        found.map(|(_, value)| *value).ok_or_else(|| self.invalid(name, expected))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Typed;

    fn check(variables: &[(&str, &str)], expected: Result<(), &str>) {
        let owned = variables.iter().map(|(name, text)| (format!("MEMBERVAULT_{name}"), (*text).to_owned()));
        let found = Typed::from_environment(owned, &[]).resolve();
        match (found, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{variables:?}: {found:?}"),
        }
    }

    #[test]
    fn values_out_of_their_form_are_refused() {
        check(&[], Ok(()));
        check(&[("HTTP_TIMEOUT_S", "600")], Ok(()));
        check(&[("HTTP_TIMEOUT_S", "0")], Err("from 1 to 600"));
        check(&[("STORAGE_CACHE_MIB", "-1")], Err("from 8"));
        check(&[("LOG_LEVEL", "INFO")], Err("error, warn, info, debug or trace"));
        check(&[("LOG_FORMAT", "")], Err("text or json"));
        check(&[("DATA", "")], Err("expected a path"));
        check(&[("LEDGER_ORIGIN", "example.org/log")], Ok(()));
        check(&[("LEDGER_ORIGIN", "an example")], Err("without spaces"));
        check(&[("LEDGER_PUBLIC", "yes")], Err("true or false"));
        check(&[("LEDGER_WITNESSES", " ")], Ok(()));
        let witness = "w+f7b0571e+BNe2sZVqHDv4BF8VKxBqiWpVtZ3Hq2z1AgWnqPQ2UyNm";
        check(&[("LEDGER_WITNESSES", witness)], Err("cosignature/v1"));
        check(&[("REQUESTS_SECOND_PERSON", "")], Ok(()));
        check(&[("REQUESTS_SECOND_PERSON", "erase  access")], Ok(()));
        check(&[("REQUESTS_SECOND_PERSON", "erase erase")], Err("each once"));
        check(&[("REQUESTS_SECOND_PERSON", "erasure")], Err("erase_bulk"));
        check(&[("KEY_FILE", "/a"), ("PASSPHRASE_FILE", "/b")], Err("not both"));
    }

    #[test]
    fn the_keyring_may_not_lie_with_the_data() {
        let inside = Err("the keyring lies inside the data directory");
        check(&[("DATA", "/srv/mv"), ("KEYRING", "/srv/ring")], Ok(()));
        check(&[("DATA", "/srv/mv"), ("KEYRING", "/srv/mv-ring")], Ok(()));
        check(&[("DATA", "/srv/mv"), ("KEYRING", "/srv/mv/ring")], inside);
        check(&[("DATA", "."), ("KEYRING", "ring")], inside);
        let real = tempfile::tempdir().unwrap();
        let data = real.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&data, real.path().join("link")).unwrap();
        let ring = real.path().join("link/ring");
        check(&[("DATA", data.to_str().unwrap()), ("KEYRING", ring.to_str().unwrap())], inside);
    }

    #[test]
    fn copies_lie_apart_from_data_and_keyring() {
        let beside = ("DATA", "/srv/mv");
        check(&[beside, ("BACKUP_DIRECTORY", "/srv/backups"), ("MIRROR_DIRECTORIES", "/a:/b")], Ok(()));
        check(&[beside, ("BACKUP_DIRECTORY", "/srv/mv/backups")], Err("inside the data directory"));
        check(&[beside, ("MIRROR_DIRECTORIES", "/a:/srv")], Err("or around it"));
        let carried = Err("would carry its keys");
        check(&[beside, ("KEYRING", "/ring/k"), ("BACKUP_DIRECTORY", "/ring")], carried);
        check(&[beside, ("KEYRING", "/ring/k"), ("MIRROR_DIRECTORIES", "/a:/ring")], carried);
        check(&[("BACKUP_RATE_MIB_S", "-1")], Err("from 0 to 65536"));
    }

    #[test]
    fn listening_beyond_this_machine_must_be_meant() {
        let listen = |variables: &[(&str, &str)]| {
            let owned = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            Typed::from_environment(owned, &[]).resolve().unwrap().settings.listen_checked()
        };
        assert!(listen(&[]).is_ok());
        assert!(listen(&[("MEMBERVAULT_HTTP_LISTEN", "[::1]:80")]).is_ok());
        assert!(listen(&[("MEMBERVAULT_HTTP_LISTEN", "0.0.0.0:80")]).is_err());
        assert!(
            listen(&[("MEMBERVAULT_HTTP_LISTEN", "192.0.2.1:80"), ("MEMBERVAULT_HTTP_BEHIND_TLS_PROXY", "true")])
                .is_ok()
        );
    }
}
