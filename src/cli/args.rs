//! The command line as a tree of types: what may be typed, and what `--help` says about it.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

use super::failure::EXIT_CODES;
use super::{
    audit, backup, breach, certificate, completions, config_show, doctor, export, holder, import, init, keyring, log,
    member, policy, purge, recover, restore, retention, schema, seal, serve, status, token, verify_bundle,
    verify_certificate, verify_receipt,
};
use crate::config::Typed;

const EXAMPLES: &str = "\
Examples:
  membervault init --expect-members 100000     make a vault in ./membervault-data
  membervault import members.csv               put members into it
  membervault token create --role crm --label 'shop backend'
  membervault serve                            answer on http://127.0.0.1:8200

Settings may stand in a file (--config), in the environment (MEMBERVAULT_DATA for --data, and so on) or be given as \
flags; a flag wins over the environment, and the environment over the file. `membervault config show` tells what \
stands and where it comes from.";

/// An encrypted vault for member data: one key per member, purpose-bound access, provable erasure.
#[derive(Parser)]
#[command(name = "membervault", version, max_term_width = 100)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Args)]
pub(super) struct Global {
    /// Read settings from this TOML file [env: MEMBERVAULT_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    config: Option<String>,
    /// Directory of the database [env: MEMBERVAULT_DATA] [default: membervault-data]
    #[arg(long, global = true, value_name = "DIR", help_heading = HEADING)]
    data: Option<String>,
    /// The keyring file, outside the data directory [env: MEMBERVAULT_KEYRING] [default: membervault.keyring]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    keyring: Option<String>,
    /// The key file that opens the keyring [env: MEMBERVAULT_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    key_file: Option<String>,
    /// A file whose first line is the passphrase that opens the keyring [env: MEMBERVAULT_PASSPHRASE_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    passphrase_file: Option<String>,
    /// The policy file: who may see what [env: MEMBERVAULT_POLICY] [default: the built-in policy]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    policy: Option<String>,
    /// Form of the log on standard error: text or json [env: MEMBERVAULT_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORM", help_heading = HEADING)]
    log_format: Option<String>,
    /// Least level that is logged: error, warn, info, debug or trace [env: MEMBERVAULT_LOG_LEVEL] [default: info]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = HEADING)]
    log_level: Option<String>,
    /// Say the causes of an error too, one a line
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub(super) verbose: bool,
    /// Print answers and errors only: no remarks, no progress
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub(super) quiet: bool,
}

/// The variable that names the settings file. It cannot stand in that file, so it is not among the settings.
pub(super) const CONFIG_VARIABLE: &str = "MEMBERVAULT_CONFIG";

const HEADING: &str = "Options of every command";

impl Global {
    /// The settings file, if one is named.
    pub(super) fn config_file(&self) -> Option<OsString> {
        self.config.clone().map(OsString::from).or_else(|| std::env::var_os(CONFIG_VARIABLE))
    }

    /// What `--data` names, for the one command that means something else by it.
    pub(super) fn take_data(&mut self) -> Option<String> {
        self.data.take()
    }

    /// The settings among the flags.
    pub(super) fn typed(&self) -> Typed {
        let mut typed = Typed::default();
        typed.flag("data", "--data", self.data.clone());
        typed.flag("keyring", "--keyring", self.keyring.clone());
        typed.flag("key_file", "--key-file", self.key_file.clone());
        typed.flag("passphrase_file", "--passphrase-file", self.passphrase_file.clone());
        typed.flag("policy", "--policy", self.policy.clone());
        typed.flag("log.format", "--log-format", self.log_format.clone());
        typed.flag("log.level", "--log-level", self.log_level.clone());
        typed
    }
}

/// What to do.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a new vault: a database and the keyring that opens it
    Init(init::Arguments),
    /// Answer requests over HTTP until stopped
    Serve(serve::Arguments),
    /// Put members from a CSV or JSON Lines file into the vault
    Import(import::Arguments),
    /// Take members out of the vault, decrypted
    Export(export::Arguments),
    /// Create, list and revoke the tokens of the HTTP interface
    #[command(subcommand)]
    Token(token::Command),
    /// Show, find, erase and hold single members
    #[command(subcommand)]
    Member(member::Command),
    /// Check a policy file, or print the one that stands
    #[command(subcommand)]
    Policy(policy::Command),
    /// Check a data map, compare two, or print what follows from the one that stands
    #[command(subcommand)]
    Schema(schema::Command),
    /// Tell what has been kept long enough, and take it
    #[command(subcommand)]
    Retention(retention::Command),
    /// Destroy the keys of what was erased
    Seal(seal::Arguments),
    /// Take the bytes of what is sealed out of the files
    Purge(purge::Arguments),
    /// Say who keeps copies of the keyring
    #[command(subcommand)]
    Holder(holder::Command),
    /// Restore a backup into a fresh directory, without those who were erased since
    Restore(restore::Arguments),
    /// Open after a crash, and say what was found
    Recover(recover::Arguments),
    /// Tell how the vault is
    Status(status::Arguments),
    /// Look for damage in the vault
    Doctor(doctor::Arguments),
    /// Take backups, list and verify them
    #[command(subcommand)]
    Backup(backup::Command),
    /// Stop the use of member data in an emergency
    #[command(subcommand)]
    Breach(breach::Command),
    /// Report on access, for the regular review
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after the keyring file
    #[command(subcommand)]
    Keyring(keyring::Command),
    /// Write the certificate of a sealed erasure
    Certificate(certificate::Arguments),
    /// Check a member's bundle, without a vault
    VerifyBundle(verify_bundle::Arguments),
    /// Check a certificate, without a vault
    VerifyCertificate(verify_certificate::Arguments),
    /// Check the receipt of a consent, without a vault
    VerifyReceipt(verify_receipt::Arguments),
    /// Print what others verify the log with
    #[command(subcommand)]
    Log(log::Command),
    /// Tell which settings stand and where they come from
    #[command(subcommand)]
    Config(config_show::Command),
    /// Print a script that completes commands in your shell
    Completions(completions::Arguments),
    /// Print the version
    Version,
}

impl Command {
    /// The settings among the arguments of the command itself.
    pub(super) fn typed(&self) -> Typed {
        match self {
            Self::Serve(arguments) => arguments.typed(),
            Self::Backup(command) => command.typed(),
            Self::Keyring(command) => command.typed(),
            _ => Typed::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
