//! Reports for people.

use std::fmt::{self, Write as _};

use super::super::history::Part;
use super::breach::BreachReport;
use super::tally::MemberTouched;

impl BreachReport {
    /// The report as text, a fact a line; then a line for each member of this page.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let whose = match (&self.token, &self.role) {
            (Some(token), _) => format!("token {token}"),
            (None, Some(role)) => format!("role {role}"),
            (None, None) => "nobody".to_owned(),
        };
        writeln!(out, "what {whose} touched, {} to {}", self.since, self.until)?;
        writeln!(out, "made at {}, log of {} entries", self.made_at, self.log_size)?;
        writeln!(out, "members touched: {} ({} accesses)", self.members, self.accesses)?;
        writeln!(out, "accesses to members erased since: {}", self.erased_since)?;
        if self.unreadable > 0 {
            writeln!(out, "members whose keys do not open, of whom nothing is known: {}", self.unreadable)?;
        }
        for (what, count) in &self.acts {
            writeln!(out, "  {what}: {count}")?;
        }
        for (purpose, count) in &self.purposes {
            writeln!(out, "  purpose {purpose}: {count}")?;
        }
        for (compartment, fields) in &self.fields {
            for (field, members) in fields {
                writeln!(out, "  seen {compartment} {field}: of {members} members")?;
            }
        }
        self.items.iter().try_for_each(|member| write_member(out, member))
    }
}

fn write_member(out: &mut String, touched: &MemberTouched) -> fmt::Result {
    let MemberTouched { member, accesses, first_at, last_at, purposes, .. } = touched;
    let seen: Vec<_> = touched.seen.iter().map(part).collect();
    let seen = if seen.is_empty() { "nothing shown".to_owned() } else { seen.join("; ") };
    let purposes = purposes.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    writeln!(out, "{member}  {accesses}x  {first_at} to {last_at}  for {purposes}  {seen}")
}

fn part(part: &Part) -> String {
    let mut text = format!("{}/{}: ", part.compartment, part.record);
    match &part.fields {
        None => text.push_str("all"),
        Some(fields) => {
            let masked = part.masked.iter().map(|field| format!("{field} (masked)"));
            let names: Vec<_> = fields.iter().cloned().chain(masked).collect();
            text.push_str(&names.join(","));
        }
    }
    text
}
