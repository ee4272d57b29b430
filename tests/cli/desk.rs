//! A directory with a vault in it, and the binary run there as a person would.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// An empty directory to work in.
pub(crate) struct Desk {
    directory: TempDir,
}

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With a vault that is opened by a key file, which is quicker than a passphrase.
    pub(crate) fn with_vault() -> Self {
        let desk = Self::new();
        let made = desk.run(&["init", "--expect-members", "100", "--generate-key-file"]);
        assert_eq!(made.code, 0, "{}", made.err);
        desk
    }

    /// With the same vault, key and all.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let desk = Self::new();
        std::fs::create_dir(desk.path("membervault-data")).unwrap();
        for file in std::fs::read_dir(other.path("membervault-data")).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), desk.path("membervault-data").join(file.file_name())).unwrap();
        }
        for name in ["key", "membervault.keyring"] {
            std::fs::copy(other.path(name), desk.path(name)).unwrap();
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The binary with these arguments, in this directory, with no setting from outside but the key file.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_membervault"));
        command.args(arguments).current_dir(self.directory.path()).env_clear();
        command.env("MEMBERVAULT_KEY_FILE", "key").env("MEMBERVAULT_LOG_LEVEL", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.finish(self.command(arguments), "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        self.finish(self.command(arguments), input)
    }

    pub(crate) fn finish(&self, mut command: Command, input: &str) -> Run {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // A command that reads no input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| steady(&String::from_utf8_lossy(bytes), self.directory.path());
        Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Run {
    /// All of it, for a snapshot.
    pub(crate) fn shown(&self) -> String {
        let mut shown = String::new();
        for (name, text) in [("out", &self.out), ("err", &self.err)] {
            for line in text.lines() {
                writeln!(shown, "{}", format!("{name}: {line}").trim_end()).unwrap();
            }
        }
        write!(shown, "exit {}", self.code).unwrap();
        shown
    }
}

/// The text without what differs from run to run: paths, ids, digests, times.
fn steady(text: &str, directory: &Path) -> String {
    let text = text.replace(&directory.display().to_string(), "[DIR]");
    let mut steady = String::new();
    let mut word = String::new();
    for character in text.chars().chain(std::iter::once('\n')) {
        if character.is_ascii_alphanumeric() || "-_:.+".contains(character) {
            word.push(character);
            continue;
        }
        steady.push_str(name_of(&word));
        word.clear();
        steady.push(character);
    }
    steady.pop();
    steady
}

fn name_of(word: &str) -> &str {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let parts: Vec<_> = word.split('-').collect();
    match word.len() {
        36 if parts.len() == 5 && parts.iter().all(|part| hex(part)) => "[ID]",
        64 if hex(word) => "[SHA-256]",
        16 if hex(word) => "[TOKEN-ID]",
        20..=30 if word.ends_with('Z') && word.as_bytes()[10] == b'T' => "[TIME]",
        _ => word,
    }
}
