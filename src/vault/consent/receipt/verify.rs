//! Checking a receipt, without the vault: nothing is believed that the log's key does not bear out. Each check has a name
//! that never changes.

use crate::tlog::{Note, VerifierKey};

use super::super::super::check::{Check, Finding, demand, document, signed};
use super::{CONTEXT, RECEIPT_SCHEMA, RECORD_SCHEMA, Receipt};

/// All checks, in order. What failed may keep later ones from being made.
#[derive(Clone, Debug)]
pub struct ReceiptVerdict {
    /// The receipt, if it was one.
    pub receipt: Option<Receipt>,
    /// The checks that were made: `form`, `signature`, `events`.
    pub checks: Vec<Check>,
}

impl ReceiptVerdict {
    /// Whether every check was made and holds.
    pub fn holds(&self) -> bool {
        self.receipt.is_some() && self.checks.iter().all(Check::holds)
    }
}

/// Checks a receipt under the key of the log.
pub fn verify(text: &str, key: &VerifierKey) -> ReceiptVerdict {
    let (note, receipt) = match form(text) {
        Ok(read) => read,
        Err(found) => return ReceiptVerdict { receipt: None, checks: vec![Check::of("form", Err(found))] },
    };
    let mut checks =
        vec![Check::of("form", Ok(RECEIPT_SCHEMA.to_owned())), Check::of("signature", signature(&note, &receipt, key))];
    // What nobody signed is not worth a closer look.
    if checks.iter().all(Check::holds) {
        checks.push(Check::of("events", events(&receipt)));
    }
    ReceiptVerdict { receipt: Some(receipt), checks }
}

fn form(text: &str) -> Result<(Note<'_>, Receipt), String> {
    let (note, receipt): (_, Receipt) = document(text)?;
    let record = &receipt.record;
    demand(receipt.schema == RECEIPT_SCHEMA && record.schema == RECORD_SCHEMA, "another version of receipts")?;
    let kinds = (receipt.kind.as_str(), record.kind.as_str());
    demand(kinds == ("dpv:ConsentReceipt", "dpv:ConsentRecord"), "no receipt of a consent")?;
    // Another meaning of a prefix would be another meaning of every word.
    let known = CONTEXT.iter().all(|(prefix, iri)| receipt.context.get(*prefix).is_some_and(|found| found == iri));
    demand(known && receipt.context.len() == CONTEXT.len(), "the prefixes stand for something else")?;
    Ok((note, receipt))
}

fn signature(note: &Note<'_>, receipt: &Receipt, key: &VerifierKey) -> Finding {
    signed(note, receipt.log.as_str(), key, "the receipt is of another log than the key")
}

/// Given; or given, then withdrawn; or withdrawn alone, where the giving is not known any more.
fn events(receipt: &Receipt) -> Finding {
    let events = &receipt.record.events;
    let numbered = events.is_sorted_by(|one, next| one.entry < next.entry);
    demand(numbered, "the events are not in the order of their numbers")?;
    let states: Vec<_> = events.iter().map(|event| event.kinds.first().map_or("", String::as_str)).collect();
    match states.as_slice() {
        ["dpv:ConsentGiven"] => Ok("the consent was given".to_owned()),
        ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"] => Ok("the consent was given, and withdrawn".to_owned()),
        ["dpv:ConsentWithdrawn"] => Ok("the consent was withdrawn".to_owned()),
        _ => Err("these events are no consent".to_owned()),
    }
}
