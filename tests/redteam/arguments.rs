//! The command line.

use std::path::PathBuf;

use crate::evidence::Kind;

pub(crate) struct Arguments {
    pub(crate) paths: Vec<(Kind, PathBuf)>,
    pub(crate) canaries: PathBuf,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) expect_fenced: bool,
    pub(crate) expect_certified: bool,
    pub(crate) brute: bool,
}

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self {
            paths: Vec::new(),
            canaries: PathBuf::new(),
            key_file: None,
            passphrase_file: None,
            json: None,
            expect_fenced: false,
            expect_certified: false,
            brute: false,
        };
        let mut option = String::new();
        for word in words {
            if word == "--brute" {
                parsed.brute = true;
            } else if word.starts_with("--") {
                option = word;
            } else {
                parsed.value(&option, word)?;
            }
        }
        if parsed.canaries.as_os_str().is_empty() || !parsed.has(Kind::Today) || !parsed.has(Kind::Evidence) {
            return Err("canaries, evidence and today's keyring are needed".into());
        }
        // A copy of a keyring counts where it lies first, so the old one comes last: it is the control's alone only if
        // it was found nowhere else.
        parsed.paths.sort_by_key(|(kind, _)| *kind == Kind::Before);
        Ok(parsed)
    }

    fn value(&mut self, option: &str, word: String) -> Result<(), String> {
        let path = PathBuf::from(&word);
        match option {
            "--canaries" => self.canaries = path,
            "--key-file" => self.key_file = Some(path),
            "--passphrase-file" => self.passphrase_file = Some(path),
            "--json" => self.json = Some(path),
            "--today" => self.paths.push((Kind::Today, path)),
            "--evidence" => self.paths.push((Kind::Evidence, path)),
            "--backup" => self.paths.push((Kind::Backup, path)),
            "--memory" => self.paths.push((Kind::Memory, path)),
            "--before" => self.paths.push((Kind::Before, path)),
            "--expect" if word == "sealed" => self.expect_fenced = false,
            "--expect" if word == "certified" => self.expect_certified = true,
            "--expect" if word == "fenced" => self.expect_fenced = true,
            _ => return Err(format!("{option} {word}: not understood")),
        }
        Ok(())
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.paths.iter().any(|(of, _)| *of == kind)
    }
}
