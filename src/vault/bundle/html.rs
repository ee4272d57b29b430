//! The page of a bundle: for a person, on a screen or on paper. One file, no script, nothing loaded from anywhere; a
//! policy in its head says so to the browser too. Every value is escaped and set apart from the direction of its
//! surroundings, so that it shows as what it is.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::secret::Wiped;
use crate::types::{FieldName, Purpose, RecordMeta};

use super::super::api::{Disclosure, RecordView, Request};
use super::super::consent::{self, ConsentState, Happening};
use super::super::history::HistoryEntry;
use super::dossier::{Dossier, fields, text};
use super::words;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Your data</title><style>";

const STYLE: &str = "\
body{font:11pt/1.5 system-ui,sans-serif;max-width:58em;margin:2em auto;padding:0 1em;color:#1a1a1a}\
h1{font-size:1.7em;margin:0 0 .2em}h2{font-size:1.25em;margin:2em 0 .4em;border-bottom:2px solid #ccc}\
h3{font-size:1em;margin:1.4em 0 .3em}p{max-width:44em}.note{color:#555}\
table{border-collapse:collapse;width:100%;margin:.4em 0}th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;\
border-bottom:1px solid #ddd;overflow-wrap:anywhere}th{color:#444;font-weight:600}td bdi{white-space:pre-wrap}\
@media print{body{margin:0;max-width:none;font-size:9pt}h2,h3{break-after:avoid}tr{break-inside:avoid}}";

/// The page.
pub(super) fn page(dossier: &Dossier<'_>) -> Wiped {
    let mut html = Html(Wiped::with_capacity(64 * 1024));
    // Writing into a vector does not fail.
    let _ = html.all(dossier);
    html.0
}

struct Html(Wiped);

impl fmt::Write for Html {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Html {
    fn all(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        write!(self, "{HEAD}{STYLE}</style></head><body>\n<h1>Your data</h1>\n")?;
        self.introduction(dossier)?;
        self.data(dossier)?;
        self.consents(dossier)?;
        self.disclosures(dossier)?;
        self.requests(dossier)?;
        self.history(dossier)?;
        self.rights(dossier)?;
        self.write_str("</body></html>\n")
    }

    fn introduction(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        write!(
            self,
            "<p>This is everything that {} held about you on {}: the data itself, what you agreed to, to whom data was \
             given, and who used it. You can keep this page, print it, or hand it on; nothing in it is loaded from the \
             internet. The same is in <code>member.json</code> for machines, and in two tables.</p>\n\
             <p class=\"note\">Your number here is <code>{}</code>, since {}. It says nothing about you by itself. \
             <code>manifest.json</code> and <code>manifest.sig</code> show that none of the files was changed since.</p>\n",
            Text(&dossier.controller.name),
            date(dossier.exported_at),
            dossier.member,
            date(dossier.created_at),
        )
    }

    fn data(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        self.write_str("<h2>What is held about you</h2>\n")?;
        if dossier.records.is_empty() {
            self.write_str("<p>No record.</p>\n")?;
        }
        dossier.records.iter().try_for_each(|record| self.record(dossier, record))
    }

    fn record(&mut self, dossier: &Dossier<'_>, record: &RecordView) -> fmt::Result {
        let declared = dossier.map.record_type(&record.compartment, &record.name);
        let about = declared.map_or(String::new(), |declared| declared.about.clone());
        write!(self, "<h3>{} / {}</h3>\n<p class=\"note\">{}", record.compartment, record.name, Text(&about))?;
        write!(self, " First stored {}, last changed {}.", date(record.created_at), date(record.updated_at))?;
        self.meta(dossier, &record.meta)?;
        self.write_str("</p>\n<table><tr><th>What</th><th>Value</th><th>What it is for</th></tr>\n")?;
        for (name, value) in &fields(record).map_err(|_| fmt::Error)? {
            let field = name.parse::<FieldName>().ok();
            let entry = declared.zip(field).and_then(|(declared, field)| declared.field(field.as_str()));
            let serves = entry.map_or(String::new(), |entry| dossier.in_words(&entry.purposes));
            self.line(&[name, &readable(value), &serves])?;
        }
        for withheld in &record.withheld {
            self.line(&[&withheld.field, "(not shown to whoever took this out)", withheld.reason.as_str()])?;
        }
        self.write_str("</table>\n")
    }

    fn meta(&mut self, dossier: &Dossier<'_>, meta: &RecordMeta) -> fmt::Result {
        if let Some(source) = &meta.source {
            write!(self, " It came from: {}.", Text(source))?;
        }
        if !meta.purposes.is_empty() {
            write!(self, " It was collected for: {}.", Text(&dossier.in_words(&meta.purposes)))?;
        }
        if meta.automated_decision {
            self.write_str(" It feeds a decision that is made without a person.")?;
        }
        meta.expires_at.map_or(Ok(()), |end| write!(self, " It is to go on {}.", date(end)))
    }

    fn consents(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        let consents = &dossier.consents;
        self.write_str("<h2>What you agreed to, and what you refused</h2>\n")?;
        if consents.consents.is_empty() {
            self.write_str("<p>You have given no consent.</p>\n")?;
        } else {
            self.write_str("<table><tr><th>For what</th><th>How it stands</th><th>Since</th><th>Until</th></tr>\n")?;
        }
        for consent in &consents.consents {
            let state = match consent.state {
                ConsentState::Given => "you agree",
                ConsentState::Expired => "it ended by itself",
                ConsentState::Withdrawn => "you withdrew it",
            };
            let until = consent.until.map(date).unwrap_or_default();
            self.line(&[
                dossier.purpose(&consent.purpose),
                state,
                &consent.since.map(date).unwrap_or_default(),
                &until,
            ])?;
        }
        if !consents.consents.is_empty() {
            self.write_str("</table>\n")?;
        }
        if !consents.standing.objections.is_empty() {
            let objections = dossier.in_words(&consents.standing.objections);
            writeln!(self, "<p>You object to: {}.</p>", Text(&objections))?;
        }
        if consents.standing.restricted {
            self.write_str("<p>You have restricted the use of your data: it is kept, and hardly used.</p>\n")?;
        }
        if consents.standing.refuses_automated_decisions {
            self.write_str("<p>You refuse decisions about you that no person makes.</p>\n")?;
        }
        self.consent_history(dossier)?;
        self.preferences(dossier)
    }

    fn consent_history(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        if dossier.consents.history.is_empty() {
            return Ok(());
        }
        self.write_str("<h3>How it came to that</h3>\n<table><tr><th>When</th><th>What</th><th>About</th><th>By</th><th>Notice</th></tr>\n")?;
        for numbered in &dossier.consents.history {
            let entry = &numbered.entry;
            let about = dossier.in_words(&entry.purposes);
            let notice = entry.notice.as_ref().map_or("", |notice| notice.version.as_str());
            self.line(&[&time(entry.at), happening(entry), &about, words::role(entry.role), notice])?;
        }
        self.write_str("</table>\n")
    }

    fn preferences(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        let Some(kept) = &dossier.preferences else { return Ok(()) };
        let preferences = &kept.preferences;
        self.write_str("<h3>How you want to be spoken to</h3>\n<table>\n")?;
        self.line(&["By", &preferences.channels.join(", ")])?;
        self.line(&["About", &preferences.topics.join(", ")])?;
        self.line(&["In", preferences.language.as_deref().unwrap_or_default()])?;
        for (name, value) in &preferences.settings {
            self.line(&[name, &readable(value)])?;
        }
        self.write_str("</table>\n")
    }

    fn disclosures(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        self.write_str("<h2>To whom your data was given</h2>\n")?;
        if dossier.disclosures.is_empty() {
            return self.write_str("<p>To nobody outside, as far as is recorded.</p>\n");
        }
        self.write_str("<table><tr><th>When</th><th>To whom</th><th>What</th><th>For what</th></tr>\n")?;
        dossier.disclosures.iter().try_for_each(|given| {
            let whom = given.organisation.clone().unwrap_or_else(|| given.recipient.to_string());
            let purpose = given.purpose.as_ref().map_or("", |purpose| dossier.purpose(purpose));
            self.line(&[&time(given.at), &whom, &given_data(given), purpose])
        })?;
        self.write_str("</table>\n")
    }

    fn requests(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        if dossier.requests.is_empty() {
            return Ok(());
        }
        self.write_str("<h2>What you asked for</h2>\n<table><tr><th>When</th><th>What</th><th>How it stands</th><th>To be answered by</th><th>In words</th></tr>\n")?;
        dossier.requests.iter().try_for_each(|request| {
            let notes: Vec<_> = request.steps.iter().filter_map(|step| step.note.as_deref()).collect();
            let state = standing(request);
            self.line(&[
                &date(request.opened_at),
                words::right(request.kind),
                &state,
                &date(request.deadline),
                &notes.join("\n"),
            ])
        })?;
        self.write_str("</table>\n")
    }

    fn history(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        self.write_str("<h2>Who used your data</h2>\n<p>Each use is written down before anything is shown, in a log that nobody can change in silence. What was asked for and denied is not listed: nothing was shown.</p>\n")?;
        if dossier.history_left_out > 0 {
            writeln!(self, "<p>The newest uses; {} older ones are left out.</p>", dossier.history_left_out)?;
        }
        self.write_str("<table><tr><th>When (UTC)</th><th>Who</th><th>What</th><th>Which data</th><th>For what</th><th>Given to</th></tr>\n")?;
        dossier.history.iter().try_for_each(|entry| {
            let purpose = entry.purpose.as_ref().map_or("", |purpose| dossier.purpose(purpose));
            let recipient = entry.recipient.as_ref().map_or(String::new(), ToString::to_string);
            self.line(&[&time(entry.at), &who(entry), words::what(entry.what), &used(entry), purpose, &recipient])
        })?;
        self.write_str("</table>\n")
    }

    fn rights(&mut self, dossier: &Dossier<'_>) -> fmt::Result {
        write!(
            self,
            "<h2>What you can do</h2>\n<p>You can have wrong data corrected, withdraw a consent as easily as you gave it, \
             object to a use, have the use restricted, take your data to somebody else, and have it erased where no law \
             obliges to keep it. You are to be answered within a month. Write to {}",
            Text(&dossier.controller.contact),
        )?;
        if let Some(officer) = &dossier.controller.officer {
            write!(self, ", or to the data-protection officer: {}", Text(officer))?;
        }
        self.write_str(". If you are not satisfied, you can complain to a data-protection authority.</p>\n")
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) -> fmt::Result {
        self.write_str("<tr>")?;
        for cell in cells {
            write!(self, "<td><bdi>{}</bdi></td>", Text(cell.as_ref()))?;
        }
        self.write_str("</tr>\n")
    }
}

impl Dossier<'_> {
    fn in_words(&self, purposes: &[Purpose]) -> String {
        purposes.iter().map(|purpose| self.purpose(purpose)).collect::<Vec<_>>().join("; ")
    }
}

fn happening(entry: &consent::HistoryEntry) -> &'static str {
    match entry.event {
        Happening::Withdrawn if entry.is_in_doubt() => "your consent was set aside, until you are asked again",
        Happening::Restricted if entry.is_in_doubt() => "the use was restricted, until you are asked again",
        Happening::Given => "you agreed",
        Happening::Withdrawn => "you withdrew your consent",
        Happening::Objected => "you objected",
        Happening::ObjectionLifted => "you took your objection back",
        Happening::Restricted => "you restricted the use",
        Happening::RestrictionLifted => "the restriction was lifted",
        Happening::AutomationRefused => "you refused automated decisions",
        Happening::AutomationAccepted => "you took that back",
    }
}

fn standing(request: &Request) -> String {
    let state = words::state(request.state);
    match &request.refusal {
        Some(refusal) => format!("{state}: {}", refusal.ground.as_str().replace('_', " ")),
        None => state.to_owned(),
    }
}

fn given_data(given: &Disclosure) -> String {
    let record = given.compartment.as_ref().zip(given.record.as_ref());
    let record = record.map_or_else(String::new, |(compartment, record)| format!("{compartment}/{record}"));
    match &given.fields {
        Some(fields) => format!("{record}: {}", fields.join(", ")),
        None => record,
    }
}

fn who(entry: &HistoryEntry) -> String {
    let role = entry.role.map_or("the operator", words::role);
    match &entry.organisation {
        Some(organisation) => format!("{role} ({organisation})"),
        None => role.to_owned(),
    }
}

fn used(entry: &HistoryEntry) -> String {
    let mut parts = Vec::new();
    if let Some(compartment) = &entry.compartment {
        let record = entry.record.as_ref().map_or(String::new(), |record| format!("/{record}"));
        parts.push(format!("{compartment}{record}"));
    }
    parts.extend(entry.fields.as_ref().map(|fields| fields.join(", ")));
    if !entry.masked.is_empty() {
        parts.push(format!("a glimpse of {}", entry.masked.join(", ")));
    }
    for part in &entry.records {
        let fields = part.fields.as_ref().map_or_else(|| "all".to_owned(), |fields| fields.join(", "));
        parts.push(format!("{}/{}: {fields}", part.compartment, part.record));
    }
    parts.join("; ")
}

/// A value for people: texts as they are, lists with commas, the rest as JSON.
fn readable(value: &Value) -> String {
    match value {
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => text(other),
    }
}

/// The day.
fn date(at: crate::clock::Timestamp) -> String {
    at.text().as_str().get(..10).unwrap_or_default().to_owned()
}

/// The minute.
fn time(at: crate::clock::Timestamp) -> String {
    at.text().as_str().get(..16).unwrap_or_default().replace('T', " ")
}

/// Text that is no markup, whatever it says. Characters that steer instead of showing become the sign for what cannot be
/// shown.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\n' | '\t' => f.write_char(c),
            c if c.is_control() || is_steering(c) => f.write_char(char::REPLACEMENT_CHARACTER),
            c => f.write_char(c),
        })
    }
}

/// Controls of direction (Unicode Bidi_Control), and the like.
const fn is_steering(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_markup_and_steers_nothing() {
        let hostile = "<script>alert('x')</script>&\"\u{202e}txt.exe\u{0}\r";
        let shown = Text(hostile).to_string();
        assert_eq!(shown, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\u{fffd}txt.exe\u{fffd}\u{fffd}");
    }
}
