//! What was looked at, what was read, and whether that is what was promised.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::attack::Loot;
use crate::canary::{Canaries, Tally};
use crate::evidence::{Evidence, Kind};
use crate::place::Id;
use crate::raw::{Raw, tokens_of_the_erased};

/// What one attack came to, in numbers.
pub(crate) struct Pass {
    pub(crate) keys: usize,
    pub(crate) trials: u64,
    pub(crate) opened: usize,
    pub(crate) epochs: Vec<u64>,
    pub(crate) keyrings: Vec<String>,
    pub(crate) live: Tally,
    pub(crate) erased: Tally,
    /// Erased members whose keys, records, access details, or index entries opened, or whose token stands in a page.
    pub(crate) rows: usize,
    pub(crate) records: usize,
    pub(crate) details: usize,
    pub(crate) texts: usize,
    pub(crate) entries: usize,
    pub(crate) tokens: usize,
    /// Rows of links and requests, of whomever.
    pub(crate) links: usize,
    pub(crate) requests: usize,
}

impl Pass {
    pub(crate) fn of(loot: &Loot, canaries: &Canaries, evidence: &Evidence) -> Self {
        let erased: HashSet<Id> = canaries.erased().map(|canary| canary.member).collect();
        let tokens: HashSet<Id> = tokens_of_the_erased(canaries, loot).into_iter().collect();
        let count = |members: &mut dyn Iterator<Item = &Id>| members.filter(|id| erased.contains(*id)).count();
        let in_pages: HashSet<Id> = loot.entries.iter().map(|(_, member)| *member).collect();
        let seen_tokens: HashSet<Id> = loot.entries.iter().map(|(token, _)| *token).collect();
        let mut epochs: Vec<u64> = loot.keyrings.iter().map(|(epoch, _)| *epoch).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let path = |(epoch, blob): &(u64, usize)| format!("epoch {epoch}: {}", evidence.paths_of(*blob).join(", "));
        Self {
            keyrings: loot.keyrings.iter().map(path).collect(),
            keys: loot.keys.len(),
            trials: loot.trials,
            opened: loot.opened.len(),
            epochs,
            live: canaries.tally(&loot.seen, false),
            erased: canaries.tally(&loot.seen, true),
            rows: count(&mut loot.member_rows.iter()),
            records: count(&mut loot.records.iter()),
            details: count(&mut loot.details.iter()),
            texts: count(&mut loot.texts.iter()),
            links: loot.links,
            requests: loot.requests,
            entries: count(&mut in_pages.iter()),
            tokens: tokens.intersection(&seen_tokens).count(),
        }
    }

    fn erased_anything(&self) -> usize {
        self.erased.touched + self.rows + self.records + self.details + self.texts + self.entries + self.tokens
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:<22} {} keys, {} trials, {} envelopes opened (epochs {:?})\n\
             {:<22} canaries: {} of {} living, {} of {} erased; of the erased also {} key rows, {} records, {} with \
             access details, {} with texts of requests, {} index entries, {} tokens; rows of {} links and {} requests\n",
            self.keys,
            self.trials,
            self.opened,
            self.epochs,
            "",
            self.live.read,
            self.live.members,
            self.erased.touched,
            self.erased.members,
            self.rows,
            self.records,
            self.details,
            self.texts,
            self.entries,
            self.tokens,
            self.links,
            self.requests,
        )
    }

    fn json(&self) -> Value {
        json!({
            "keys": self.keys, "trials": self.trials, "opened": self.opened, "epochs": self.epochs, "keyrings": self.keyrings,
            "live_read": self.live.read, "live": self.live.members,
            "erased_read": self.erased.touched, "erased": self.erased.members,
            "erased_key_rows": self.rows, "erased_records": self.records, "erased_details": self.details,
            "erased_texts": self.texts, "links": self.links, "requests": self.requests,
            "erased_index_entries": self.entries, "erased_tokens": self.tokens,
        })
    }
}

/// Everything, judged.
pub(crate) struct Report {
    numbers: Value,
    lines: String,
    findings: Vec<(&'static str, String)>,
}

impl Report {
    pub(crate) fn new(
        arguments: &Arguments,
        evidence: &Evidence,
        (today, before): (Pass, Option<Pass>),
        raw: Raw,
        took: Duration,
    ) -> Self {
        let mut lines = format!(
            "examined               {} files, {} bytes; {} of them unlike any other; {} rows, {} table files with {} \
             blocks ({} compressed), {} distinct envelopes, {} members\n",
            evidence.files_seen,
            evidence.bytes_seen,
            evidence.files.len(),
            evidence.rows,
            evidence.tables,
            evidence.blocks,
            evidence.compressed_blocks,
            evidence.blobs.len(),
            evidence.members.len(),
        );
        lines += &today.line("with keys of today");
        lines += &before.as_ref().map(|pass| pass.line("with the old keyring")).unwrap_or_default();
        lines += &format!(
            "in the clear           {} keys looked for in every byte: {} files with one, {} with a canary, {} with a \
             token of the erased; in memory: {} with a destroyed key, {} with a canary of the erased\n",
            raw.keys_looked_for,
            raw.keys.len(),
            raw.canaries.len(),
            raw.tokens.len(),
            raw.memory_keys.len(),
            raw.memory_canaries.len(),
        );
        lines += &format!("took                   {:.1} s\n", took.as_secs_f64());
        let findings = judge(arguments, evidence, &today, before.as_ref(), &raw);
        let numbers = json!({
            "files": evidence.files_seen, "bytes": evidence.bytes_seen, "rows": evidence.rows,
            "tables": evidence.tables, "blocks": evidence.blocks, "compressed_blocks": evidence.compressed_blocks,
            "torn_tables": evidence.torn_tables, "envelopes": evidence.blobs.len(), "members": evidence.members.len(),
            "today": today.json(), "before": before.as_ref().map(Pass::json), "keys_looked_for": raw.keys_looked_for,
            "keys_in_the_clear": raw.keys, "canaries_in_the_clear": raw.canaries, "tokens_in_the_clear": raw.tokens,
            "memory_keys": raw.memory_keys, "memory_canaries": raw.memory_canaries, "seconds": took.as_secs_f64(),
            "holds": findings.is_empty(),
            "findings": findings.iter().map(|(kind, what)| json!({"kind": kind, "what": what})).collect::<Vec<_>>(),
        });
        Self { numbers, lines, findings }
    }

    pub(crate) fn print(&self) {
        print!("{}", self.lines);
        for (kind, what) in &self.findings {
            println!("FOUND {kind}: {what}");
        }
        println!("{}", if self.holds() { "what was promised holds" } else { "what was promised does NOT hold" });
    }

    pub(crate) fn json(&self) -> String {
        format!("{:#}\n", self.numbers)
    }

    pub(crate) fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

fn judge(
    arguments: &Arguments,
    evidence: &Evidence,
    today: &Pass,
    before: Option<&Pass>,
    raw: &Raw,
) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut unless = |holds: bool, kind: &'static str, what: String| {
        if !holds {
            found.push((kind, what));
        }
    };
    let Tally { members, read, .. } = today.live;
    unless(read == members, "live_unread", format!("{read} of {members} living members with keys of today"));
    let Tally { members, read, touched } = today.erased;
    if arguments.expect_fenced {
        unless(read == members, "control_failed", format!("read {read} of {members} erased, before any seal"));
    } else {
        let what = format!(
            "with keys of today: canaries of {touched} of {members} erased, {} key rows, {} records, {} access \
             details, {} texts of requests, {} index entries, {} tokens; keyrings: {}",
            today.rows,
            today.records,
            today.details,
            today.texts,
            today.entries,
            today.tokens,
            today.keyrings.join("; ")
        );
        unless(today.erased_anything() == 0, "erased_read", what);
    }
    if let Some(Tally { members, read, .. }) = before.map(|pass| pass.erased) {
        unless(read == members, "control_failed", format!("read {read} of {members} erased with the old keyring"));
    }
    for (kind, places) in [
        ("key_in_clear", &raw.keys),
        ("canary_in_clear", &raw.canaries),
        ("token_in_clear", &raw.tokens),
        ("key_in_memory", &raw.memory_keys),
        ("keyring_in_memory", &evidence.old_keyrings_in_memory()),
        ("keyring_in_backup", &evidence.keyrings_in(Kind::Backup)),
        ("keyring_in_evidence", &evidence.keyrings_in(Kind::Evidence)),
    ] {
        places.iter().for_each(|place| unless(false, kind, place.clone()));
    }
    let compressed = evidence.compressed_blocks;
    unless(compressed == 0, "compressed", format!("{compressed} blocks of table files"));
    found
}
