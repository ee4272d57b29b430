//! The strings that were planted in members, and where they turn up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use serde_json::Value;

use crate::place::Id;

/// What was planted in one member.
pub(crate) struct Canary {
    pub(crate) member: Id,
    pub(crate) erased: bool,
    /// Of one compartment only: the member's keys and index entries are no concern of it.
    part: bool,
    /// Its e-mail address, normalised: the index holds a token of it.
    pub(crate) email: Option<String>,
    strings: usize,
    waiting: bool,
}

/// All of them, and the automaton that finds them.
pub(crate) struct Canaries {
    pub(crate) members: Vec<Canary>,
    finder: AhoCorasick,
    /// The member each string was planted in, by the number of the string.
    planted_in: Vec<usize>,
}

/// Which strings were found.
#[derive(Clone, Default)]
pub(crate) struct Sightings(BTreeSet<usize>);

impl Canaries {
    /// Reads lines of JSON: `{"member": id, "erased": bool, "strings": [..], "email": ..}`, and
    /// `"part": true` where only one compartment is meant.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (mut members, mut strings, mut planted_in) = (Vec::new(), Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            let what = || format!("{}, line {}: not a canary", path.display(), number + 1);
            let value: Value = serde_json::from_str(line).map_err(|_| what())?;
            let planted: Vec<String> = value["strings"]
                .as_array()
                .ok_or_else(what)?
                .iter()
                .filter_map(|s| Some(s.as_str()?.to_owned()))
                .collect();
            let id = value["member"].as_str().and_then(id).ok_or_else(what)?;
            let erased = value["erased"].as_bool().ok_or_else(what)?;
            planted_in.extend(planted.iter().map(|_| members.len()));
            let email = value["email"].as_str().map(str::to_owned);
            let part = value["part"].as_bool().unwrap_or_default();
            members.push(Canary { member: id, erased, part, email, strings: planted.len(), waiting: false });
            strings.extend(planted);
        }
        if members.is_empty() || strings.iter().any(|string| string.len() < 12) {
            return Err(format!("{}: no canaries, or one so short that chance would find it", path.display()));
        }
        let finder = AhoCorasick::new(&strings).map_err(|error| error.to_string())?;
        Ok(Self { members, finder, planted_in })
    }

    /// Promised is only what the vault said is sealed: those who were erased and wait for it are left out.
    pub(crate) fn only_sealed(&mut self, sealed: &BTreeSet<Id>) {
        for canary in &mut self.members {
            canary.waiting = canary.erased && !sealed.contains(&canary.member);
        }
    }

    /// The members whose whole erasure is to hold.
    pub(crate) fn erased(&self) -> impl Iterator<Item = &Canary> {
        self.members.iter().filter(|canary| canary.erased && !canary.waiting && !canary.part)
    }

    pub(crate) fn look(&self, bytes: &[u8], seen: &mut Sightings) {
        seen.0.extend(self.finder.find_iter(bytes).map(|found| found.pattern().as_usize()));
    }

    /// Whether any string stands here, and of which member.
    pub(crate) fn first(&self, bytes: &[u8]) -> Option<&Canary> {
        let found = self.finder.find(bytes)?;
        self.members.get(self.planted_in[found.pattern().as_usize()])
    }

    /// Members of whom at least one string was seen, and those of whom all were: of the erased, or of the living.
    pub(crate) fn tally(&self, seen: &Sightings, erased: bool) -> Tally {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for string in &seen.0 {
            *counts.entry(self.planted_in[*string]).or_default() += 1;
        }
        let of = |(at, count): (&usize, &usize), all: bool| {
            let canary = &self.members[*at];
            canary.erased == erased && !canary.waiting && (!all || *count == canary.strings)
        };
        Tally {
            members: self.members.iter().filter(|canary| canary.erased == erased && !canary.waiting).count(),
            touched: counts.iter().filter(|entry| of(*entry, false)).count(),
            read: counts.iter().filter(|entry| of(*entry, true)).count(),
        }
    }
}

/// Of so many members, something or everything was seen.
#[derive(Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) members: usize,
    pub(crate) touched: usize,
    pub(crate) read: usize,
}

/// A UUID in its text form.
pub(crate) fn id(text: &str) -> Option<Id> {
    let digits = text.replace('-', "");
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}
