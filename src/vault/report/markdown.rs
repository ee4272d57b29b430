//! The report of the regular review as a page for people: Markdown.

use std::fmt::{self, Write as _};

use super::audit::{AuditReport, TokenReview};

impl AuditReport {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "# Review of access\n")?;
        writeln!(out, "{} to {}, log of {} entries.\n", self.since, self.made_at, self.log_size)?;
        self.write_findings(out)?;
        writeln!(out, "## Tokens\n")?;
        writeln!(out, "| token | role | label | organisation | recipient | until | last used | acts |")?;
        writeln!(out, "|---|---|---|---|---|---|---|---|")?;
        self.tokens.iter().try_for_each(|token| write_token(out, token))?;
        writeln!(out, "\n## Roles: allowed by the policy and not used\n")?;
        writeln!(out, "| role | tokens | acts | fields |\n|---|---|---|---|")?;
        for role in &self.roles {
            let fields = role.unused_fields.as_ref().map_or("not looked at".to_owned(), |fields| fields.join(", "));
            writeln!(out, "| {} | {} | {} | {fields} |", role.role, role.tokens, role.unused_actions.join(", "))?;
        }
        writeln!(out, "\n## Purposes nobody stated\n")?;
        let unused = self.unused_purposes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        writeln!(out, "{}\n", if unused.is_empty() { "None." } else { &unused })?;
        writeln!(out, "## Refusals\n")?;
        if self.denied.is_empty() {
            return writeln!(out, "None.");
        }
        writeln!(out, "| token | role | asked for | reason | times |\n|---|---|---|---|---|")?;
        for denied in &self.denied {
            let role = denied.role.map_or("", |role| role.as_str());
            writeln!(out, "| {} | {role} | {} | {} | {} |", denied.token, denied.action, denied.reason, denied.count)?;
        }
        Ok(())
    }

    fn write_findings(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "## Findings\n")?;
        if self.findings.is_empty() {
            return writeln!(out, "None.\n");
        }
        for (finding, count) in &self.findings {
            let of = |token: &&TokenReview| token.findings.contains(finding);
            let tokens: Vec<_> = self.tokens.iter().filter(of).map(|token| token.id.to_string()).collect();
            writeln!(out, "- {count} tokens: {} ({})", finding.meaning(), tokens.join(", "))?;
        }
        writeln!(out)
    }
}

fn write_token(out: &mut String, token: &TokenReview) -> fmt::Result {
    let last = token.last_used_at.map_or("never".to_owned(), |at| at.to_string());
    let acts: Vec<_> = token.acts.iter().map(|(act, count)| format!("{act} {count}")).collect();
    let recipient = token.recipient.as_ref().map_or("", |name| name.as_str());
    let organisation = token.organisation.as_deref().unwrap_or("");
    writeln!(
        out,
        "| {} | {} | {} | {} | {recipient} | {} | {last} | {} |",
        token.id,
        token.role,
        cell(&token.label),
        cell(organisation),
        token.expires_at,
        acts.join(", ")
    )
}

/// Free text inside a table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
