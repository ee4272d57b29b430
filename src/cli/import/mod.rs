//! `membervault import`: members from a file into the vault.
//!
//! The file is read by `csv` or `jsonl`, its columns become fields by `mapping`, `pipeline` hands batches on while the
//! next is parsed, `take` puts them into the vault, and `tally` counts what became of them. A batch is one commit; a run
//! that was interrupted is repeated from the beginning, and members that are there already are found by their external
//! id.

mod csv;
mod jsonl;
mod mapping;
mod pipeline;
mod progress;
mod row;
mod source;
mod take;
mod tally;
#[cfg(test)]
mod testing;

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::failure::{Done, Failure};
use super::session::Session;
use crate::app;
use crate::types::RecordMeta;
use crate::vault::consent::{NOTICE_VERSION_BYTES_MAX, Notice};
use mapping::{Mapping, Rule};
use pipeline::Stop;
use progress::Progress;
use row::Reject;
use source::{Format, Source};
use take::Taker;
use tally::{Fate, RejectList, Tally};

/// The field by which a member is known again.
const EXTERNAL_ID: &str = "external_id";

/// Arguments of `import`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault import members.csv --dry-run           check the file, change nothing
  membervault import members.csv --rejects rejects.csv
  membervault import export.csv --delimiter ';' \\
                     --map 'Kundennr=external_id' --map 'E-Mail=email' --map 'Notes=-'
  zcat members.jsonl.gz | membervault import - --format jsonl

Columns: each becomes the text field of its own name; `consent_x` (yes or no) becomes consents.x, and `preferences` is \
read as JSON. --map COLUMN=FIELD renames, COLUMN=a.b places a field inside another, COLUMN=FIELD:KIND says what the text \
means (text, yesno, json, number), COLUMN=- leaves the column out. An empty value is no value.

Consents: a yes in consents.x becomes a consent of the member to the purpose x, where the vault knows x and it rests on \
consent; it leaves the profile, and --consent-notice says under which notice it was given. A no needs no record: what is \
absent is not agreed to. What is about anything else stays in the profile. Members that are there already keep the \
consents they have.

Again: a member is known by its external_id. A run that was interrupted is simply repeated: members that are there are \
skipped, or given the profile of the file with --on-existing update.

Rejected rows are counted by reason and named by line; --rejects lists them all as line, field, reason. Neither holds \
personal data. The file that was imported does: remove it when you are done.")]
pub(super) struct Arguments {
    /// The file: CSV with a header line, or JSON Lines; - for standard input
    file: PathBuf,
    /// The form of the file [default: as its name ends: .csv, .jsonl, .ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What separates the columns of a CSV file: one ASCII character, or tab
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Which field a column becomes; may be given many times
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    map: Vec<Rule>,
    /// What to do with a member that is there already, by its external_id
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnExisting::Skip)]
    on_existing: OnExisting,
    /// Take rows without external_id too; repeated, they would be imported again unless their e-mail or phone is known
    #[arg(long)]
    without_external_id: bool,
    /// Where the data comes from, kept with each profile; no personal data
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// The version of the notice under which the members gave the consents of the file
    #[arg(long, value_name = "VERSION", default_value = "unknown", value_parser = notice_version)]
    consent_notice: String,
    /// Read and check the whole file, change nothing; needs no key
    #[arg(long)]
    dry_run: bool,
    /// Write a list of rejected rows to this file: line, field, reason
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// What to do with a member that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnExisting {
    /// Leave it as it is
    Skip,
    /// Replace its profile by that of the file
    Update,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let mut source = Source::open(&self.file, self.format, self.delimiter, Mapping::new(self.map.clone()))?;
        self.check_fields(&source)?;
        let mut list = self.rejects.as_deref().map(RejectList::create).transpose()?;
        let taker = self.taker(session)?;
        let begun = Instant::now();
        let progress = Progress::begin(session.out, &source);
        let mut tally = Tally::default();
        let make_ready = |batch| taker.make_ready(batch);
        let end = pipeline::run(&mut source.rows, make_ready, |batch| {
            let fates = taker.take(batch)?;
            record(fates, &mut tally, list.as_mut())?;
            progress.show(&tally);
            Ok(())
        });
        progress.end();
        // What was taken is told even if the run ended early: it is in the vault.
        self.tell(session, &tally, begun.elapsed().as_secs_f64())?;
        list.map_or(Ok(()), RejectList::finish)?;
        // Where the run failed, closing fails too, and for the same reason.
        let closed = taker.close();
        match end {
            Err(Stop::Reading(error)) => Err(source::unreadable(&self.file, error)),
            Err(Stop::Taking(failure)) => Err(failure.advise("what is told above is done; run it again to go on")),
            Ok(()) => closed.map(|()| if tally.rejected > 0 { Done::InPart } else { Done::Fully }),
        }
    }

    /// A header without external_id would have every row rejected, one by one.
    fn check_fields(&self, source: &Source) -> Result<(), Failure> {
        let has_id = source.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == EXTERNAL_ID));
        if has_id || self.without_external_id {
            return Ok(());
        }
        let what = "no column of the header becomes external_id, so a second run could not tell what is there";
        Err(Failure::usage(what, "name it with --map COLUMN=external_id, or say --without-external-id"))
    }

    fn taker(&self, session: &Session) -> Result<Taker, Failure> {
        let meta = RecordMeta { source: self.source.clone(), ..RecordMeta::default() };
        let notice = Notice { version: self.consent_notice.clone(), sha256: None, language: None };
        let needs_external_id = !self.without_external_id;
        let rules = take::Rules { on_existing: self.on_existing, needs_external_id, meta, notice };
        if self.dry_run { Ok(Taker::dry(rules, app::schema(session.settings())?)) } else { Taker::open(session, rules) }
    }

    fn tell(&self, session: &Session, tally: &Tally, seconds: f64) -> Result<(), Failure> {
        let Tally { created, updated, existing, rejected, .. } = tally;
        let rows = tally.rows();
        if self.dry_run {
            session
                .out
                .line(format_args!("{rows} rows: {created} acceptable, {rejected} rejected; nothing was changed"))?;
        } else {
            session.out.line(format_args!(
                "{rows} rows: {created} created, {updated} updated, {existing} there already, {rejected} rejected"
            ))?;
            #[allow(clippy::cast_precision_loss, reason = "for people")]
            let rate = rows as f64 / seconds.max(0.001);
            session.out.remark(format_args!("{seconds:.1} s, {rate:.0} rows/s"));
        }
        tally.faults().iter().for_each(|line| session.out.remark(line));
        Ok(())
    }
}

/// Counts what became of a batch and lists its rejects.
fn record(fates: Vec<(u64, Fate)>, tally: &mut Tally, mut list: Option<&mut RejectList>) -> Result<(), Failure> {
    for (line, fate) in fates {
        tally.count(line, &fate);
        if let (Fate::Rejected(fault), Some(list)) = (fate, list.as_mut()) {
            list.add(&Reject { line, fault })?;
        }
    }
    Ok(())
}

fn notice_version(text: &str) -> Result<String, &'static str> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = (1..=NOTICE_VERSION_BYTES_MAX).contains(&text.len());
    if visible && fits { Ok(text.to_owned()) } else { Err("expected 1 to 64 visible ASCII characters") }
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("expected one ASCII character, or tab"),
    }
}
