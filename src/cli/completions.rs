//! `membervault completions`: a script for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::args::Cli;
use super::failure::{Done, Failure};
use super::output::Output;

/// Arguments of `completions`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  membervault completions bash > /etc/bash_completion.d/membervault
  membervault completions zsh > \"${fpath[1]}/_membervault\"
  membervault completions fish > ~/.config/fish/completions/membervault.fish")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Done, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "membervault", &mut script);
        Output::default().text(&script)?;
        Ok(Done::Fully)
    }
}
