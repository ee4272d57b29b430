//! A bar for whoever watches: how much of the file is done, and how fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::source::Source;
use super::tally::Tally;
use crate::cli::output::Output;

/// What is known of the file's size decides the form.
const WITH_SIZE: &str = "{bar:30} {percent:>3}%  {msg}  {elapsed}, {eta} to go";
const WITHOUT_SIZE: &str = "{spinner} {msg}  {elapsed}";

/// The bar; nothing, where nobody watches.
pub(super) struct Progress {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Begins a bar for the reading of `source`.
    pub(super) fn begin(out: Output, source: &Source) -> Self {
        let bar = match source.bytes {
            _ if !out.is_watched() => ProgressBar::hidden(),
            Some(bytes) => ProgressBar::new(bytes).with_style(style(WITH_SIZE)),
            None => ProgressBar::new_spinner().with_style(style(WITHOUT_SIZE)),
        };
        Self { bar, read: Arc::clone(&source.read) }
    }

    /// Shows how far it is.
    pub(super) fn show(&self, tally: &Tally) {
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} rows, {} rejected", tally.rows(), tally.rejected));
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
