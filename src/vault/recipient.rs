//! The register of recipients: to whom members' data may go, and on what that rests (GDPR Art. 28, 30, 44 to 46).
//!
//! Business data, sealed under the vault's control key. What it says is asked where data is given away, and shown to the
//! member who asks to whom.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::{Event, RowStamp, rows};
use crate::crypto;
use crate::ledger::{Change, Reliance};
use crate::policy::Action;
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Ctx, RecipientName, RecordVersion};

use super::act::{Act, Decision, Prepared};
use super::api::{Expect, Listing, Page, Recipient, RecipientEntry};
use super::cursor::LISTING_RECIPIENTS;
use super::pipeline::Case;
use super::{Error, Vault};

/// Recipients of one register.
pub const RECIPIENTS_MAX: usize = 1_000;
/// Bytes of each text of an entry.
pub const TEXT_BYTES_MAX: usize = 256;
/// Purposes of one entry.
pub const PURPOSES_MAX: usize = 64;

/// An entry as it is stored (JSON, sealed). Apart from [`RecipientEntry`], which is what callers see.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecipient {
    version: RecordVersion,
    created_at: Timestamp,
    updated_at: Timestamp,
    recipient: Recipient,
}

/// What is logged of an entry that was taken out.
#[derive(Serialize)]
struct Removed<'a> {
    name: &'a RecipientName,
    version: RecordVersion,
    removed_at: Timestamp,
}

impl Vault {
    /// The register, by name.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy.
    pub fn list_recipients<'v>(&'v self, ctx: &'v Ctx, page: &'v Page) -> Act<'v, Listing<RecipientEntry>> {
        Act::new(self, move || prepare_list(&Case::open(self, ctx), page))
    }

    /// One recipient.
    ///
    /// # Errors
    /// `not_found`; a denial of the policy.
    pub fn recipient<'v>(&'v self, ctx: &'v Ctx, name: &'v RecipientName) -> Act<'v, RecipientEntry> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::RecipientRead)?;
            let (entry, _) = self.registered(name)?.ok_or_else(Error::not_found)?;
            Ok(Prepared::unlogged(entry))
        })
    }

    /// Puts a recipient into the register, new or in place of what it said.
    ///
    /// # Errors
    /// `invalid_request` for a text out of bounds or a purpose the policy does not declare; `version_mismatch`;
    /// `limit_reached` for more than [`RECIPIENTS_MAX`]; a denial of the policy.
    pub fn put_recipient<'v>(
        &'v self,
        ctx: &'v Ctx,
        name: &'v RecipientName,
        recipient: &'v Recipient,
        expect: Expect,
    ) -> Act<'v, RecipientEntry> {
        Act::new(self, move || prepare_put(&Case::open(self, ctx), name, recipient, expect))
    }

    /// Takes a recipient out of the register. What it was given stays recorded.
    ///
    /// # Errors
    /// `not_found`, `version_mismatch`; a denial of the policy.
    pub fn delete_recipient<'v>(&'v self, ctx: &'v Ctx, name: &'v RecipientName, expect: Expect) -> Act<'v, ()> {
        Act::new(self, move || prepare_delete(&Case::open(self, ctx), name, expect))
    }

    /// An entry of the register, for whoever was allowed to ask.
    pub(crate) fn registered(&self, name: &RecipientName) -> Result<Option<(RecipientEntry, RowStamp)>, Error> {
        let row = tables::recipient::row(self.engine(), name)?;
        row.map(|row| Ok((self.open_recipient(name, &row)?, RowStamp::of(&row)))).transpose()
    }

    fn open_recipient(&self, name: &RecipientName, row: &[u8]) -> Result<RecipientEntry, Error> {
        let key = tables::recipient::key(name);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(row)?)?;
        let stored = serde_json::from_slice(plain.expose());
        let StoredRecipient { version, created_at, updated_at, recipient } =
            stored.map_err(|_| Error::Internal("an opened recipient is one"))?;
        Ok(RecipientEntry { name: name.clone(), version, created_at, updated_at, recipient })
    }
}

fn prepare_list(case: &Case<'_>, page: &Page) -> Decision<Listing<RecipientEntry>> {
    case.decide_plain(Action::RecipientRead)?;
    let vault = case.vault;
    let after = page.cursor.as_deref().map(|cursor| vault.read_cursor(LISTING_RECIPIENTS, cursor)).transpose()?;
    let after = after.as_deref().map(crate::codec::keys::parse_recipient).transpose()?;
    let found = tables::recipient::list(vault.engine(), after.as_ref(), page.limit)?;
    let last = found.items.last().filter(|_| found.more);
    let next = last.map(|(name, _)| vault.issue_cursor(LISTING_RECIPIENTS, &tables::recipient::key(name)));
    let items = found.items.iter().map(|(name, row)| vault.open_recipient(name, row)).collect::<Result<_, _>>()?;
    Ok(Prepared::unlogged(Listing { items, next }))
}

fn prepare_put(
    case: &Case<'_>,
    name: &RecipientName,
    recipient: &Recipient,
    expect: Expect,
) -> Decision<RecipientEntry> {
    case.decide_plain(Action::RecipientWrite)?;
    check(case, recipient)?;
    let vault = case.vault;
    let old = vault.registered(name)?;
    expected(old.as_ref(), expect)?;
    if old.is_none() && tables::recipient::list(vault.engine(), None, RECIPIENTS_MAX)?.items.len() >= RECIPIENTS_MAX {
        return Err(
            Error::LimitReached { limit: "the register holds 1,000 recipients; remove those of the past" }.into()
        );
    }
    let stored = StoredRecipient {
        version: old.as_ref().map_or(RecordVersion::FIRST, |(old, _)| old.version.next()),
        created_at: old.as_ref().map_or(case.now, |(old, _)| old.created_at),
        updated_at: case.now,
        recipient: recipient.clone(),
    };
    let plain = serde_json::to_vec(&stored).map_err(|_| Error::Internal("a recipient is serialisable"))?;
    let event = Event::RecipientChange(crypto::sha256(&[&plain]));
    let mut change = change(case, event, name, old.map(|(_, stamp)| stamp));
    let key = tables::recipient::key(name);
    let place = ControlPlace { vault: vault.id(), row_key: &key };
    let row = vault.seal_row(vault.keyring().control(), &place, &plain)?;
    change.put(tables::recipient::KEYSPACE, key, row);
    let StoredRecipient { version, created_at, updated_at, recipient } = stored;
    Ok(Prepared::durable(RecipientEntry { name: name.clone(), version, created_at, updated_at, recipient }, change))
}

fn prepare_delete(case: &Case<'_>, name: &RecipientName, expect: Expect) -> Decision<()> {
    case.decide_plain(Action::RecipientWrite)?;
    let old = case.vault.registered(name)?;
    expected(old.as_ref(), expect)?;
    let (entry, stamp) = old.ok_or_else(Error::not_found)?;
    let removed = Removed { name, version: entry.version, removed_at: case.now };
    let plain = serde_json::to_vec(&removed).map_err(|_| Error::Internal("a removal is serialisable"))?;
    let mut change = change(case, Event::RecipientChange(crypto::sha256(&[&plain])), name, Some(stamp));
    change.delete(tables::recipient::KEYSPACE, tables::recipient::key(name));
    Ok(Prepared::durable((), change))
}

/// A change that relies on the entry being what was seen.
fn change(case: &Case<'_>, event: Event, name: &RecipientName, stamp: Option<RowStamp>) -> Change {
    let mut change = case.vault.event(case.ctx, event, case.now);
    change.relies_on(Reliance::Row { keyspace: tables::recipient::KEYSPACE, key: tables::recipient::key(name), stamp });
    change
}

fn expected(old: Option<&(RecipientEntry, RowStamp)>, expect: Expect) -> Result<(), Error> {
    let holds = match (expect, old) {
        (Expect::Any, _) | (Expect::Absent, None) | (Expect::Present, Some(_)) => true,
        (Expect::Version(version), Some((entry, _))) => entry.version == version,
        (Expect::Absent, Some(_)) | (Expect::Present | Expect::Version(_), None) => false,
    };
    if holds { Ok(()) } else { Err(Error::VersionMismatch) }
}

fn check(case: &Case<'_>, recipient: &Recipient) -> Result<(), Error> {
    let fits = |text: &str| (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    let may_be = |text: &Option<String>| text.as_deref().is_none_or(fits);
    let wrong = |at| Err(Error::invalid(at, "this text has 1 to 256 bytes and no control characters"));
    if !fits(&recipient.organisation) {
        return wrong("/organisation");
    }
    if !may_be(&recipient.safeguards) {
        return wrong("/safeguards");
    }
    if !may_be(&recipient.contact) {
        return wrong("/contact");
    }
    let is_country = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !recipient.country.as_ref().is_none_or(is_country) {
        return Err(Error::invalid("/country", "a country is two capital letters of ISO 3166, such as DE"));
    }
    if let Some(agreement) = &recipient.agreement {
        if !fits(&agreement.reference) {
            return wrong("/agreement/reference");
        }
        if agreement.expires_at.is_some_and(|end| end <= agreement.agreed_at) {
            return Err(Error::invalid("/agreement/expires_at", "an agreement ends after it was made"));
        }
    }
    if recipient.purposes.len() > PURPOSES_MAX {
        return Err(Error::invalid("/purposes", "a recipient has at most 64 purposes"));
    }
    let policy = case.vault.policy();
    let is_declared = |purpose| policy.purposes().any(|(declared, _)| declared == purpose);
    if !recipient.purposes.iter().all(is_declared) {
        return Err(Error::invalid("/purposes", "a purpose is not declared in the policy"));
    }
    Ok(())
}
