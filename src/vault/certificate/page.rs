//! A certificate as a page to be printed: one HTML file, no script, nothing loaded from anywhere.

use std::fmt::{self, Write as _};

use data_encoding::HEXLOWER;

use super::super::api::{Scope, Stage};
use super::{Certificate, Check, Outcome, Verdict};
use crate::types::slot::HolderState;

const STYLE: &str = "\
body{font:11pt/1.45 Georgia,serif;max-width:46em;margin:2em auto;padding:0 1em;color:#111}\
h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.1em;margin:1.6em 0 .4em;border-bottom:1px solid #999}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25em .6em .25em 0}\
th{width:11em;font-weight:normal;color:#444}code,pre{font:9pt/1.35 monospace;overflow-wrap:anywhere}\
pre{white-space:pre-wrap;background:#f4f4f4;padding:.6em}.fails{font-weight:bold}\
@media print{body{margin:0;max-width:none}pre{background:none;border:1px solid #999}h2,tr{break-inside:avoid}}";

/// The page of a certificate and of what checking it came to. `note` is the file, which the page repeats whole.
pub fn page(certificate: &Certificate, note: &str, verdict: &Verdict) -> String {
    let mut html = String::with_capacity(note.len() * 2 + 8 * 1024);
    // Writing into a string does not fail.
    let _ = write(&mut html, certificate, note, verdict);
    html
}

fn write(html: &mut String, certificate: &Certificate, note: &str, verdict: &Verdict) -> fmt::Result {
    let Certificate { erasure, stages, keys, slot, .. } = certificate;
    let what = match erasure.scope {
        Scope::Member => "a member",
        Scope::Compartment => "a part of a member's records",
    };
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Erasure {id}</title>\
         <style>{STYLE}</style></head><body>\n<h1>Certificate of erasure</h1>\n<p>Of {what}, by the vault {vault}.</p>\n\
         <p>{statement}</p>\n",
        id = erasure.id,
        vault = certificate.vault,
        statement = Text(&certificate.statement),
    )?;
    let stage = match certificate.stage {
        Stage::Purged => "purged",
        Stage::Sealed => "sealed",
        Stage::Fenced => "fenced",
    };
    table(
        html,
        "What was erased, and when",
        &[
            ("Erasure", erasure.id.to_string()),
            ("Member", erasure.member.to_string()),
            ("Tag in the log", HEXLOWER.encode(&erasure.tag)),
            ("Requested", stages.requested_at.to_string()),
            ("Fenced: denied to all", stages.fenced_at.to_string()),
            ("Sealed: keys destroyed", stages.sealed_at.to_string()),
            ("Purged: files searched", stages.purged_at.map_or("not yet".to_owned(), |at| at.to_string())),
            ("Stage", stage.to_owned()),
        ],
    )?;
    table(
        html,
        "Keys",
        &[
            ("Epoch", keys.epoch.to_string()),
            ("Root destroyed", HEXLOWER.encode(&keys.destroyed_root)),
            ("Root remaining", HEXLOWER.encode(&keys.remaining_root)),
            ("Level", serde_json::to_string(&slot.level).unwrap_or_default().replace('"', "")),
            ("Which means", slot.meaning.clone()),
            ("Defeated by", slot.defeated_by.clone()),
        ],
    )?;
    let said = |state| match state {
        HolderState::Acknowledged => "has dropped the old root".to_owned(),
        HolderState::Revoked => "was given up while out of reach".to_owned(),
    };
    let holders: Vec<_> = certificate.holders.iter().map(|holder| (holder.name.as_str(), said(holder.state))).collect();
    if !holders.is_empty() {
        table(html, "Holders of the root key", &holders)?;
    }
    list(html, "What may still lie where", &certificate.residual_paths)?;
    list(html, "What this does not cover", &certificate.not_covered)?;
    checks(html, &verdict.checks)?;
    write!(
        html,
        "<h2>To check this yourself</h2>\n<p>Save the text below, as it is, as a file, and get the log's public key from \
         the vault's operator by another way than this page. Then: <code>membervault verify-certificate FILE --log-key \
         KEY</code>. The text is a C2SP signed note; the proofs in it are C2SP tlog-proofs, which other tools check \
         too.</p>\n<p>Issued {issued} by {software}.</p>\n<pre>{note}</pre>\n</body></html>\n",
        issued = certificate.issued_at,
        software = Text(&certificate.software),
        note = Text(note),
    )
}

fn checks(html: &mut String, checks: &[Check]) -> fmt::Result {
    html.push_str("<h2>What was checked when this page was made</h2>\n<table>\n");
    for Check { name, outcome } in checks {
        match outcome {
            Outcome::Holds(what) => writeln!(html, "<tr><th>{name}</th><td>holds: {}</td></tr>", Text(what))?,
            Outcome::Fails(what) => {
                writeln!(html, "<tr><th>{name}</th><td class=\"fails\">FAILS: {}</td></tr>", Text(what))?;
            }
        }
    }
    html.push_str("</table>\n");
    Ok(())
}

fn table(html: &mut String, title: &str, rows: &[(&str, String)]) -> fmt::Result {
    write!(html, "<h2>{title}</h2>\n<table>\n")?;
    for (name, value) in rows {
        writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", Text(name), Text(value))?;
    }
    html.push_str("</table>\n");
    Ok(())
}

fn list(html: &mut String, title: &str, items: &[String]) -> fmt::Result {
    write!(html, "<h2>{title}</h2>\n<ul>\n")?;
    items.iter().try_for_each(|item| writeln!(html, "<li>{}</li>", Text(item)))?;
    html.push_str("</ul>\n");
    Ok(())
}

/// Text that is no markup, whatever it says.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}
