//! Consents, preferences, and what a member says against the use of its data.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, Condition, Entry, Json, PLAIN_TEXT, Segments, Shred};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::{MemberId, Purpose};
use crate::vault::consent::receipt::RECEIPT_FILE;
use crate::vault::consent::{NewConsent, Preferences, Stance};

type OfPurpose = Segments<(MemberId, Purpose)>;

pub(super) async fn give(
    caller: Caller,
    Segments((id, purpose)): OfPurpose,
    Json(body): Json<schema::NewConsent>,
) -> Result<Response, Problem> {
    let consent = NewConsent::from(body);
    let standing = caller.vault().give_consent(&caller.ctx, &id, &purpose, &consent).settled().await?;
    reply::json(StatusCode::OK, &standing)
}

pub(super) async fn withdraw(
    caller: Caller,
    Segments((id, purpose)): OfPurpose,
    Shred(asked): Shred,
) -> Result<Response, Problem> {
    let withdrawal = caller.aside(move |vault, ctx| vault.withdraw_and_shred(ctx, &id, &purpose, asked)).await?;
    reply::json(StatusCode::OK, &withdrawal)
}

pub(super) async fn read(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    // Up to a thousand entries are opened.
    let consents = caller.aside(move |vault, ctx| vault.consents(ctx, &id).wait()).await?;
    reply::json(StatusCode::OK, &consents)
}

pub(super) async fn receipt(
    caller: Caller,
    Segments((id, purpose)): OfPurpose,
    Entry(number): Entry,
) -> Result<Response, Problem> {
    let note = caller.aside(move |vault, ctx| vault.consent_receipt(ctx, &id, &purpose, number).wait()).await?;
    let response = reply::bytes(PLAIN_TEXT, note.into_bytes());
    let file = format_args!("attachment; filename=\"{RECEIPT_FILE}\"");
    Ok(reply::with_header(response, header::CONTENT_DISPOSITION, file))
}

pub(super) async fn preferences(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let view = caller.vault().preferences(&caller.ctx, &id).settled().await?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &view)?, view.version))
}

pub(super) async fn put_preferences(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Condition(expect): Condition,
    Json(body): Json<schema::Preferences>,
) -> Result<Response, Problem> {
    let settings = body.settings.map(|settings| settings.0).unwrap_or_default();
    let new = Preferences { channels: body.channels, topics: body.topics, language: body.language, settings };
    let written = caller.vault().put_preferences(&caller.ctx, &id, &new, expect).settled().await?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &written)?, written.version))
}

pub(super) async fn object(
    caller: Caller,
    Segments((id, purpose)): OfPurpose,
    Json(body): Json<schema::Reason>,
) -> Result<Response, Problem> {
    stance(caller, id, Stance::Objection(&purpose), Some(body)).await
}

pub(super) async fn lift_objection(caller: Caller, Segments((id, purpose)): OfPurpose) -> Result<Response, Problem> {
    stance(caller, id, Stance::Objection(&purpose), None).await
}

pub(super) async fn restrict(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::Reason>,
) -> Result<Response, Problem> {
    stance(caller, id, Stance::Restriction, Some(body)).await
}

pub(super) async fn lift_restriction(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
) -> Result<Response, Problem> {
    stance(caller, id, Stance::Restriction, None).await
}

pub(super) async fn refuse_automation(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::Reason>,
) -> Result<Response, Problem> {
    stance(caller, id, Stance::AutomatedDecisions, Some(body)).await
}

pub(super) async fn accept_automation(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
) -> Result<Response, Problem> {
    stance(caller, id, Stance::AutomatedDecisions, None).await
}

/// Says something (with a body), or takes it back (without).
async fn stance(
    caller: Caller,
    id: MemberId,
    stance: Stance<'_>,
    body: Option<schema::Reason>,
) -> Result<Response, Problem> {
    let reason = body.as_ref().and_then(|body| body.reason.as_deref());
    let act = caller.vault().set_stance(&caller.ctx, &id, stance, body.is_some(), reason);
    let standing = act.settled().await?;
    reply::json(StatusCode::OK, &standing)
}
