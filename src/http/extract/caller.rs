//! Who asks, and for what: the first extractor of every handler behind authentication.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};

use super::{malformed, only_known_parameters, single_header};
use crate::code::Code;
use crate::http::problem::Problem;
use crate::http::trail::Trail;
use crate::types::{Ctx, Purpose, RequestId};
use crate::vault::{self, Vault};

/// The header that states the purpose of a request.
pub(in crate::http) const PURPOSE_HEADER: HeaderName = HeaderName::from_static("membervault-purpose");

/// An authenticated caller, its context, and the vault it speaks to.
pub(in crate::http) struct Caller {
    /// Who asks, for what, under which request.
    pub(in crate::http) ctx: Ctx,
    trail: Trail,
}

impl FromRequestParts<Trail> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, trail: &Trail) -> Result<Self, Problem> {
        let actor = trail.shared().vault.authenticate(bearer(parts)?)?;
        trail.mark_token(actor.token);
        let request = trail.request();
        if let Some(facts) = trail.facts() {
            only_known_parameters(&parts.uri, facts.query)?;
            only_heeded_conditions(parts, facts.conditional)?;
        }
        let ctx = Ctx { actor, purpose: purpose(parts)?, request };
        Ok(Self { ctx, trail: trail.clone() })
    }
}

impl Caller {
    /// The facade.
    pub(in crate::http) fn vault(&self) -> &Vault {
        &self.trail.shared().vault
    }

    /// Runs a verb that reads many rows, or waits for the disk, on a thread that may block.
    pub(in crate::http) async fn aside<T: Send + 'static>(
        self,
        verb: impl FnOnce(&Vault, &Ctx) -> Result<T, vault::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let Self { ctx, trail } = self;
        let vault = trail.shared().vault.clone();
        aside(trail, move || verb(&vault, &ctx)).await
    }
}

/// Anyone who reaches the port: what the request carries must speak for itself.
pub(in crate::http) struct Anyone {
    trail: Trail,
}

impl Anyone {
    /// The facade.
    pub(in crate::http) fn vault(&self) -> &Vault {
        &self.trail.shared().vault
    }

    /// The request.
    pub(in crate::http) fn request(&self) -> RequestId {
        self.trail.request()
    }
}

impl FromRequestParts<Trail> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, trail: &Trail) -> Result<Self, Problem> {
        let facts = trail.facts();
        only_known_parameters(&parts.uri, facts.map_or(&[], |facts| facts.query))?;
        only_heeded_conditions(parts, facts.is_some_and(|facts| facts.conditional))?;
        Ok(Self { trail: trail.clone() })
    }
}

/// Who reads the log: a caller, or anyone where the log is public. Who presents a token is always asked for a good one.
pub(in crate::http) struct LogReader {
    caller: Option<Ctx>,
    trail: Trail,
}

impl FromRequestParts<Trail> for LogReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, trail: &Trail) -> Result<Self, Problem> {
        if trail.shared().vault.log_is_public() && !parts.headers.contains_key(header::AUTHORIZATION) {
            only_known_parameters(&parts.uri, trail.facts().map_or(&[], |facts| facts.query))?;
            return Ok(Self { caller: None, trail: trail.clone() });
        }
        let caller = Caller::from_request_parts(parts, trail).await?;
        Ok(Self { caller: Some(caller.ctx), trail: caller.trail })
    }
}

impl LogReader {
    /// Whether replies may be kept by caches that serve others too.
    pub(in crate::http) fn is_anyone(&self) -> bool {
        self.caller.is_none()
    }

    /// Runs a verb on a thread that may block.
    pub(in crate::http) async fn aside<T: Send + 'static>(
        self,
        verb: impl FnOnce(&Vault, Option<&Ctx>) -> Result<T, vault::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let Self { caller, trail } = self;
        let vault = trail.shared().vault.clone();
        aside(trail, move || verb(&vault, caller.as_ref())).await
    }
}

/// Runs `verb` on a thread that may block, a bounded number at a time.
///
/// A caller that goes away does not stop the verb; it keeps its place until the verb is done, so that the bound holds
/// whatever clients do.
async fn aside<T: Send + 'static>(
    trail: Trail,
    verb: impl FnOnce() -> Result<T, vault::Error> + Send + 'static,
) -> Result<T, Problem> {
    let closed = |_| Problem::new(Code::ShuttingDown);
    let place = trail.shared().scans.clone().acquire_owned().await.map_err(closed)?;
    let work = move || {
        let _place = place;
        verb()
    };
    let failed = |error| Problem::new(Code::Internal).caused_by(error);
    Ok(tokio::task::spawn_blocking(work).await.map_err(failed)??)
}

/// The bearer token of the request (RFC 6750).
fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let refused = || Problem::new(Code::Unauthenticated);
    let value = single_header(&parts.headers, &header::AUTHORIZATION).map_err(|_| refused())?;
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or_else(refused)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(refused()) }
}

fn purpose(parts: &Parts) -> Result<Option<Purpose>, Problem> {
    let Some(text) = single_header(&parts.headers, &PURPOSE_HEADER)? else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|error: crate::types::name::InvalidName| Problem::because(Code::InvalidName, error.to_string()))
}

/// A condition that a route does not check must not be dropped in silence: the client believes it was.
fn only_heeded_conditions(parts: &Parts, conditional: bool) -> Result<(), Problem> {
    if conditional || parts.method.is_safe() {
        return Ok(());
    }
    for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
        if parts.headers.contains_key(&name) {
            return Err(malformed(&name, "is not supported on this route"));
        }
    }
    Ok(())
}
