//! `membervault init`: a new vault.

use clap::{Args, ValueEnum};

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app::{self, Founding, Suite};
use crate::config::Settings;

/// Members expected when it is not said.
const EXPECT_MEMBERS_DEFAULT: u64 = 100_000;

/// Arguments of `init`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault init --expect-members 100000
      asks for a passphrase; makes ./membervault-data and ./membervault.keyring

  membervault init --data /srv/membervault/data --keyring /etc/membervault/keyring \\
                   --key-file /etc/membervault/key --generate-key-file
      for a server that starts without a person

The keyring file is the vault: without it, or without the passphrase or key file that opens it, nothing can ever be \
read again. Keep copies of it on other disks, and never in a backup of the data: a backup must not bring erased members \
back.

No token exists yet: who holds the keyring and its key makes the first with `membervault token create`.")]
pub(super) struct Arguments {
    /// How many members the vault will hold, roughly: sets the size of the index and the depth of the key tree, for good
    #[arg(long, value_name = "N", default_value_t = EXPECT_MEMBERS_DEFAULT)]
    expect_members: u64,
    /// The cipher suite, for good
    #[arg(long, value_enum, default_value_t = SuiteName::Chacha20Poly1305)]
    suite: SuiteName,
    /// Make the file that --key-file names; it must not exist
    #[arg(long)]
    generate_key_file: bool,
}

/// The names of the suites.
#[derive(Clone, Copy, ValueEnum)]
enum SuiteName {
    /// ChaCha20-Poly1305
    #[value(name = "chacha20-poly1305")]
    Chacha20Poly1305,
    /// AES-256-GCM, for those who must
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let settings = session.settings();
        app::check_vacant(settings)?;
        if self.generate_key_file
            && let Some(path) = &settings.key_file
        {
            app::create_key_file(path)?;
        }
        let unlock = unlock::new(settings)?;
        let suite = match self.suite {
            SuiteName::Chacha20Poly1305 => Suite::ChaCha20Poly1305,
            SuiteName::Aes256Gcm => Suite::Aes256Gcm,
        };
        let vault = app::found(settings, &unlock, &Founding { expect_members: self.expect_members, suite })
            .map_err(|error| half_way(error.into(), settings))?;
        session.out.line(format_args!("vault {vault}"))?;
        session.out.remark(format_args!("database  {}", settings.data.display()));
        session.out.remark(format_args!(
            "keyring   {}   <- keep copies of it, apart from the data",
            settings.keyring.display()
        ));
        session.out.remark("next: membervault import FILE, membervault token create --role crm, membervault serve");
        Ok(Done::Fully)
    }
}

/// A vault that was begun is not overwritten by the next attempt, so a person must be told to clear it away.
fn half_way(failure: Failure, settings: &Settings) -> Failure {
    if settings.keyring.exists() {
        let (keyring, data) = (settings.keyring.display(), settings.data.display());
        failure.advise(format_args!("the vault is not complete; remove {keyring} and {data} before trying again"))
    } else {
        failure
    }
}
