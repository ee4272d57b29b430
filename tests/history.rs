//! What a member can learn: who used its data, when, for what, and to whom it went.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::Role;
use membervault::vault::api::NewToken;

fn mailer() -> NewToken {
    NewToken {
        organisation: Some("Mailer Ltd".to_owned()),
        recipient: "mailer".parse().ok(),
        ..NewToken::new(Role::Marketing, "newsletter")
    }
}

#[test]
fn a_token_says_whose_it_is_and_to_whom_its_reads_go() {
    let mut test = TestVault::new(1);
    let issued = test.vault.create_token(&ctx(Role::Admin), &mailer()).wait().unwrap();
    for _ in 0..2 {
        let actor = test.vault.authenticate(&issued.secret).unwrap();
        assert_eq!(actor.organisation.as_deref(), Some("Mailer Ltd"));
        assert_eq!(actor.recipient.as_ref().map(ToString::to_string).as_deref(), Some("mailer"));
        test.reopen();
    }
}

#[test]
fn an_organisation_is_a_short_text() {
    let test = TestVault::new(2);
    for organisation in ["", "a\nb", &"a".repeat(65)] {
        let token = NewToken { organisation: Some(organisation.to_owned()), ..mailer() };
        let refused = test.vault.create_token(&ctx(Role::Admin), &token).wait().map(|_| ());
        assert_eq!(refused.unwrap_err().code(), Code::InvalidRequest, "{organisation:?}");
    }
}
