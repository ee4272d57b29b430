//! `membervault token`: who may come in over HTTP.

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::{Done, Failure};
use super::session::Session;
use super::span::Span;
use crate::types::{Ctx, MemberId, RecipientName, Role, TokenId};
use crate::vault::Vault;
use crate::vault::api::{NewToken, Page, TokenInfo};

/// What to do with tokens.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a token and print it, this once
    Create(Create),
    /// List tokens, without their secrets
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token, for good
    #[command(after_help = "Examples:\n  membervault token revoke 3f0c5a8e91d2b764")]
    Revoke {
        /// The token's id: 16 hex digits, as `token list` shows it
        id: TokenId,
    },
}

/// Arguments of `token create`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault token create --role crm --label 'shop backend'
  TOKEN=$(membervault token create --role support --label tour --expires-in 1h --quiet)
  membervault token create --role marketing --organisation 'Mailer Ltd' --recipient mailer
  membervault token create --role member --member 5b6d...-...  --expires-in 1h

The token is printed on standard output and kept nowhere; the vault keeps a hash. Roles: crm, support, marketing, \
analyst, ops, compliance, member, admin; the policy says what each may do.")]
pub(super) struct Create {
    /// What the token may be
    #[arg(long)]
    role: Role,
    /// A note for you, such as the system that will use it; no personal data
    #[arg(long, default_value = "")]
    label: String,
    /// The only member it may speak of: required for role member
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    /// How long it lives: a number and h, d or w [default: 90d]
    #[arg(long, value_name = "SPAN")]
    expires_in: Option<Span>,
    /// Requests per second it may make [default: no limit of its own]
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Members it may touch within an hour, where that is fewer than its role may
    #[arg(long, value_name = "N")]
    members_per_hour: Option<u32>,
    /// Members it may touch within a day, where that is fewer than its role may
    #[arg(long, value_name = "N")]
    members_per_day: Option<u32>,
    /// Whose people or machines use it: members are shown this when they ask who used their data
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// The recipient outside the house that what is read goes to, by its name in the register
    #[arg(long, value_name = "NAME")]
    recipient: Option<RecipientName>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Admin));
        match self {
            Self::Create(create) => create.run(session, &vault, &ctx)?,
            Self::List { json } => list(session, &vault, &ctx, json)?,
            Self::Revoke { id } => {
                let info = vault.revoke_token(&ctx, &id).wait()?;
                session.out.line(format_args!("revoked {} ({})", info.id, info.role))?;
            }
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}

impl Create {
    fn run(self, session: &Session, vault: &Vault, ctx: &Ctx) -> Result<(), Failure> {
        let expires_at = self.expires_in.map(|span| session.now().plus_millis(span.millis()));
        let Self { role, label, member, rate: rate_per_s, json, organisation, recipient, .. } = self;
        let token = NewToken {
            role,
            label,
            member,
            expires_at,
            rate_per_s,
            members_per_hour: self.members_per_hour,
            members_per_day: self.members_per_day,
            organisation,
            recipient,
        };
        let issued = vault.create_token(ctx, &token).wait()?;
        if json {
            return session.out.json(&json!({ "token": issued.secret.as_str(), "info": issued.info }));
        }
        session.out.line(issued.secret.as_str())?;
        let TokenInfo { id, expires_at, .. } = &issued.info;
        session.out.remark(format_args!("token {id} for {role}, until {expires_at}; it is not shown again"));
        Ok(())
    }
}

fn list(session: &Session, vault: &Vault, ctx: &Ctx, json: bool) -> Result<(), Failure> {
    let mut tokens = Vec::new();
    let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
    loop {
        let listing = vault.list_tokens(ctx, &page).wait()?;
        tokens.extend(listing.items);
        page.cursor = listing.next;
        if page.cursor.is_none() {
            break;
        }
    }
    if json {
        return session.out.json(&tokens);
    }
    let header = ["id", "role", "state", "until", "label"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(header).chain(tokens.iter().map(|info| row(info, session))).collect();
    session.out.table(&rows)
}

fn row(info: &TokenInfo, session: &Session) -> Vec<String> {
    let state = match info.revoked_at {
        Some(_) => "revoked",
        None if info.expires_at <= session.now() => "expired",
        None => "valid",
    };
    vec![info.id.to_string(), info.role.to_string(), state.to_owned(), info.expires_at.to_string(), info.label.clone()]
}
