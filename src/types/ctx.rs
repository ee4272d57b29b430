//! Who asks, for what, under which request: the first argument of every verb.
//!
//! Built by the edges (`http`, `cli`, `jobs`) and by tests, never by the vault itself.

use std::sync::Arc;

use super::{MemberId, Purpose, RecipientName, RequestId, Role, TokenId};

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The token it presented.
    pub token: TokenId,
    /// The token's role.
    pub role: Role,
    /// The only member this actor may speak of, for role `member`.
    pub member: Option<MemberId>,
    /// Whose people or machines use the token: what a member is told who asks who used its data.
    pub organisation: Option<Arc<str>>,
    /// To whom what is read goes, where the token acts for a recipient outside.
    pub recipient: Option<RecipientName>,
}

impl Actor {
    /// The operator at the machine itself, who holds the master key and the files.
    pub const fn local(role: Role) -> Self {
        Self { token: TokenId::LOCAL_OPERATOR, role, member: None, organisation: None, recipient: None }
    }
}

/// The context of one command.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who asks.
    pub actor: Actor,
    /// The purpose the caller states, if any.
    pub purpose: Option<Purpose>,
    /// The request, for logs and replies.
    pub request: RequestId,
}
