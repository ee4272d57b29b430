//! Reports over the whole log, printed.

use super::failure::Failure;
use super::session::Session;
use crate::clock::Timestamp;
use crate::types::Ctx;
use crate::vault::Vault;
use crate::vault::report::breach::MEMBERS_LISTED_MAX;
use crate::vault::report::{BreachQuery, Suspect};

/// A moment as a person types it.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z".to_owned())
}

/// What a token or a role touched: all pages.
pub(super) fn breach(
    session: &Session,
    vault: &Vault,
    ctx: &Ctx,
    (suspect, since, until): (Suspect, Timestamp, Option<Timestamp>),
    json: bool,
) -> Result<(), Failure> {
    let until = Some(until.unwrap_or(session.now()));
    let mut query = BreachQuery { suspect, since, until, cursor: None, limit: MEMBERS_LISTED_MAX };
    let mut report = vault.breach_report(ctx, &query).wait()?;
    while report.next.is_some() {
        query.cursor = report.next.take();
        let page = vault.breach_report(ctx, &query).wait()?;
        report.items.extend(page.items);
        report.next = page.next;
    }
    if json { session.out.json(&report) } else { session.out.text(report.text().as_bytes()) }
}
