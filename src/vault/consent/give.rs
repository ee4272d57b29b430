//! A consent is given, by an act of its own and for one purpose; silence and ticked boxes are none.

use crate::code::Code;
use crate::codec::Event;
use crate::crypto;
use crate::policy::Action;
use crate::schema::{DataMap, FieldEntry, LegalBasis};
use crate::types::standing::Consent;
use crate::types::{Ctx, MemberId, Purpose};

use super::super::act::{Act, Decision, Prepared};
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::standing::{declared, too_many_purposes};
use super::{
    Happening, HistoryEntry, LANGUAGE_BYTES_MAX, MemberStanding, NOTICE_TEXT_BYTES_MAX, NOTICE_VERSION_BYTES_MAX,
    NewConsent, Notice, PLACE_BYTES_MAX, history, is_line,
};

impl Vault {
    /// Records that a member agrees to a purpose. It counts from the next read on, and each giving is an entry of the
    /// history, also where the member agreed before. An objection that stands is not lifted by it.
    ///
    /// # Errors
    /// `purpose_unknown` for a purpose the policy does not declare; `consent_not_needed` for one that rests on no
    /// consent; `invalid_request` for a notice, place or end that is
    /// not acceptable; `limit_reached` where the history is full; `not_found`, `gone`; a denial of the policy.
    pub fn give_consent<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        purpose: &'v Purpose,
        new: &'v NewConsent,
    ) -> Act<'v, MemberStanding> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, purpose, new))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, purpose: &Purpose, new: &NewConsent) -> Decision<MemberStanding> {
    let mut opened = case.open_member(Action::ConsentWrite, member, None)?;
    declared(case, purpose)?;
    needed(&case.vault.map(), purpose)?;
    let entry = entry(case, purpose, new)?;
    let consent = Consent { explicit: new.explicit, until: history::until(new.expires_at) };
    let before = history::begin(case, &mut opened);
    if !opened.body.standing.set_consent(purpose, Some(consent)) {
        return Err(too_many_purposes().into());
    }
    let reply = MemberStanding::at(&opened.body.standing, case.now);
    let change = history::append(case, &mut opened, member, &before, Event::ConsentChange, &entry)?;
    Ok(Prepared::durable(reply, change))
}

/// A purpose for which some field may be used only by consent. A consent nobody needs is not to be asked for.
pub(super) fn needed(map: &DataMap, purpose: &Purpose) -> Result<(), Error> {
    let entry = map.purpose(purpose);
    let rests_on_consent = entry.is_some_and(|entry| {
        let mut fields = map.record_types().flat_map(|record| record.fields());
        let field =
            |field: &FieldEntry| field.serves(purpose) && field.basis_for(purpose, entry) == LegalBasis::Consent;
        entry.basis == LegalBasis::Consent || fields.any(field)
    });
    if rests_on_consent {
        return Ok(());
    }
    let problem = "by the data map nothing is used for this purpose by consent, so the member need not be asked";
    Err(Error::Invalid { code: Code::ConsentNotNeeded, at: "purpose", problem })
}

/// The entry of a consent whose evidence is complete.
pub(super) fn entry(case: &Case<'_>, purpose: &Purpose, new: &NewConsent) -> Result<HistoryEntry, Error> {
    if new.place.as_ref().is_some_and(|place| !is_line(place, PLACE_BYTES_MAX)) {
        return Err(Error::invalid("/place", "say where it was given on one line of 1 to 128 bytes, or leave it out"));
    }
    if history::until(new.expires_at).is_some_and(|until| until <= case.now.as_minutes()) {
        return Err(Error::invalid("/expires_at", "a consent ends at least a minute after it is given"));
    }
    Ok(HistoryEntry {
        notice: Some(notice(new)?),
        method: Some(new.method),
        place: new.place.clone(),
        explicit: new.explicit,
        expires_at: new.expires_at,
        ..HistoryEntry::of(case, Happening::Given, &[purpose])
    })
}

/// The notice the member was shown: its version, and the hash of its text, from the text itself or as it was given.
fn notice(new: &NewConsent) -> Result<Notice, Error> {
    let version = &new.notice.version;
    if version.is_empty() || version.len() > NOTICE_VERSION_BYTES_MAX || !version.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(Error::invalid("/notice/version", "the version of a notice has 1 to 64 visible ASCII characters"));
    }
    if new.notice.language.as_deref().is_some_and(|tag| !is_language(tag)) {
        return Err(Error::invalid("/notice/language", "name the language by its tag, such as de or pt-BR"));
    }
    let sha256 = match (&new.notice.sha256, &new.notice_text) {
        (Some(hash), None) if is_hash(hash) => hash.clone(),
        (None, Some(text)) if !text.is_empty() && text.len() <= NOTICE_TEXT_BYTES_MAX => {
            data_encoding::HEXLOWER.encode(&crypto::sha256(&[text.as_bytes()]))
        }
        (None, Some(_)) => return Err(Error::invalid("/notice/text", "the text of a notice has 1 to 65,536 bytes")),
        _ => {
            let problem = "give the text of the notice, or its SHA-256 as 64 lower-case hexadecimal digits, not both";
            return Err(Error::invalid("/notice", problem));
        }
    };
    Ok(Notice { version: version.clone(), sha256: Some(sha256), language: new.notice.language.clone() })
}

/// Whether a text has the form of a language tag (BCP 47).
pub(super) fn is_language(tag: &str) -> bool {
    let of_tag = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !tag.is_empty() && tag.len() <= LANGUAGE_BYTES_MAX && tag.bytes().all(of_tag)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
