//! Three steps at the same time: a thread parses rows into batches, another makes the batch before ready, and the one
//! before that is being sealed and committed. The queues between them are bounded, so a fast disk does not fill the memory.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::row::{Reject, Row, Rows};
use crate::cli::failure::Failure;
use crate::vault::import::BATCH_MEMBERS_MAX;

/// Rows of one batch: enough that one commit costs little a row, few enough that little is done again after an
/// interruption.
const BATCH_ROWS_MAX: usize = BATCH_MEMBERS_MAX;
/// Rows of the first batch; each that follows has twice as many, so that the other steps need not wait for a large one.
const BATCH_ROWS_FIRST: usize = 2048;
/// Bytes of one batch, for files whose rows are large.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Batches that wait between two steps.
const BATCHES_WAITING_MAX: usize = 1;

/// Rows that go on together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The rows, in the order of the file.
    pub(super) rows: Vec<Row>,
    /// What was rejected between them.
    pub(super) rejects: Vec<Reject>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self, rows_max: usize) -> bool {
        self.rows.len() + self.rejects.len() >= rows_max || self.bytes >= BATCH_BYTES_MAX
    }

    fn add(&mut self, row: Result<Row, Reject>) {
        match row {
            Ok(row) => {
                self.bytes += row.bytes;
                self.rows.push(row);
            }
            Err(reject) => self.rejects.push(reject),
        }
    }
}

/// Why a run ended early.
pub(super) enum Stop {
    /// The file could not be read on.
    Reading(io::Error),
    /// A batch could not be taken.
    Taking(Failure),
}

/// Hands every batch of `rows`, made ready, to `take`, in order.
pub(super) fn run<R: Send>(
    rows: &mut (dyn Rows + Send),
    make_ready: impl Fn(Batch) -> R + Send,
    mut take: impl FnMut(R) -> Result<(), Failure>,
) -> Result<(), Stop> {
    std::thread::scope(|scope| {
        let (parsed, unready): (_, Receiver<io::Result<Batch>>) = sync_channel(BATCHES_WAITING_MAX);
        let (made, ready) = sync_channel(BATCHES_WAITING_MAX);
        scope.spawn(move || read_all(rows, &parsed));
        // Ends when the file does, or when nobody takes batches any more; then reading ends too.
        scope.spawn(move || unready.into_iter().try_for_each(|batch| made.send(batch.map(&make_ready))));
        for batch in ready {
            take(batch.map_err(Stop::Reading)?).map_err(Stop::Taking)?;
        }
        Ok(())
    })
}

/// Sends batches until the file ends, or until nobody takes them any more.
fn read_all(rows: &mut dyn Rows, sender: &SyncSender<io::Result<Batch>>) {
    let mut rows_max = BATCH_ROWS_FIRST;
    loop {
        let batch = read_batch(rows, rows_max);
        let last = batch.as_ref().map_or(true, |batch| !batch.is_full(rows_max));
        if sender.send(batch).is_err() || last {
            return;
        }
        rows_max = (2 * rows_max).min(BATCH_ROWS_MAX);
    }
}

/// A full batch; one that is not full is the last.
fn read_batch(rows: &mut dyn Rows, rows_max: usize) -> io::Result<Batch> {
    let mut batch = Batch::default();
    while !batch.is_full(rows_max) {
        match rows.next_row()? {
            Some(row) => batch.add(row),
            None => break,
        }
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::super::row::{Fault, Reason};
    use super::*;

    /// `left` rows, every tenth rejected; then an error if `fails`.
    struct Sample {
        line: u64,
        left: u64,
        row_bytes: usize,
        fails: bool,
    }

    impl Rows for Sample {
        fn next_row(&mut self) -> io::Result<Option<Result<Row, Reject>>> {
            if self.left == 0 {
                return if self.fails { Err(io::Error::other("torn")) } else { Ok(None) };
            }
            self.left -= 1;
            self.line += 1;
            let (line, bytes) = (self.line, self.row_bytes);
            Ok(Some(match line % 10 {
                0 => Err(Reject { line, fault: Fault::row(Reason::NotUtf8) }),
                _ => Ok(Row { line, bytes, profile: serde_json::Map::new() }),
            }))
        }
    }

    fn sizes(mut sample: Sample) -> (Vec<usize>, Result<(), Stop>) {
        let mut sizes = Vec::new();
        let size = |batch: Batch| batch.rows.len() + batch.rejects.len();
        let end = run(&mut sample, size, |size| {
            sizes.push(size);
            Ok(())
        });
        (sizes, end)
    }

    #[test]
    fn every_row_is_taken_once_in_bounded_batches() {
        let sample = |left, row_bytes| Sample { line: 0, left, row_bytes, fails: false };
        assert_eq!(sizes(sample(0, 1)).0, [0]);
        assert_eq!(sizes(sample(10, 1)).0, [10]);
        assert_eq!(sizes(sample(40_000, 1)).0, [2048, 4096, 8192, 16_384, 9280]);
        assert_eq!(sizes(sample(6144, 1)).0, [2048, 4096, 0]);
        assert_eq!(sizes(sample(40, 1024 * 1024)).0, [17, 18, 5]);
    }

    #[test]
    fn an_error_of_the_file_or_of_the_taker_ends_the_run() {
        let torn = Sample { line: 0, left: 10_000, row_bytes: 1, fails: true };
        let (taken, end) = sizes(torn);
        assert_eq!(taken, [2048, 4096]);
        assert!(matches!(end, Err(Stop::Reading(_))));
        let mut endless = Sample { line: 0, left: u64::MAX, row_bytes: 1, fails: false };
        let end = run(&mut endless, |_| (), |()| Err(Failure::usage("full", "stop")));
        assert!(matches!(end, Err(Stop::Taking(_))));
    }
}
