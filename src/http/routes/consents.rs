//! Routes of consents, preferences, and what a member says against the use of its data.

use axum::http::{Method, StatusCode};

use super::super::consents;
use super::{ETAG, Mounted, OF_A_CHANGE, OF_A_MEMBER, Route, SAME_ID, shape};
use crate::code::Code;
use crate::http::route::Link;

const CONSENT: &str = "/v1/members/{id}/consents/{purpose}";
const RECEIPT: &str = "/v1/members/{id}/consents/{purpose}/receipt";
const PREFERENCES: &str = "/v1/members/{id}/preferences";
const OBJECTION: &str = "/v1/members/{id}/objections/{purpose}";
const RESTRICTION: &str = "/v1/members/{id}/restriction";
const AUTOMATED: &str = "/v1/members/{id}/automated-decisions";

const SAME_PURPOSE: &[(&str, &str)] = &[SAME_ID, ("purpose", "$request.path.purpose")];
const TO_A_CONSENT: &[Link] =
    &[("readConsents", &[SAME_ID]), ("readConsentReceipt", SAME_PURPOSE), ("withdrawConsent", SAME_PURPOSE)];

pub(super) fn table() -> Vec<Mounted> {
    let mut table = consents();
    table.extend(stances());
    table
}

fn consents() -> Vec<Mounted> {
    vec![
        Route::new(Method::GET, "/v1/members/{id}/consents", "readConsents", "A member's consents and their history.")
            .gives::<shape::Consents>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER])
            .by(consents::read),
        Route::new(Method::PUT, CONSENT, "giveConsent", "Record that a member agrees to a purpose.")
            .body::<shape::NewConsent>()
            .gives::<shape::Standing>(StatusCode::OK, &[])
            .leads_to(TO_A_CONSENT)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::ConsentNotNeeded]])
            .by(consents::give),
        Route::new(Method::DELETE, CONSENT, "withdrawConsent", "Record that a member no longer agrees to a purpose.")
            .query(&["shred"])
            .gives::<shape::Withdrawal>(StatusCode::OK, &[])
            .leads_to(&[("readConsents", &[SAME_ID])])
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(consents::withdraw),
        Route::new(Method::GET, RECEIPT, "readConsentReceipt", "The receipt of a consent, for the member to keep.")
            .query(&["entry"])
            .gives_text(&["Content-Disposition"])
            .faults(&[OF_A_MEMBER])
            .by(consents::receipt),
        Route::new(Method::GET, PREFERENCES, "readPreferences", "How a member wants to be spoken to.")
            .gives::<shape::PreferencesView>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER])
            .by(consents::preferences),
        Route::new(Method::PUT, PREFERENCES, "putPreferences", "Store how a member wants to be spoken to.")
            .conditional()
            .body::<shape::Preferences>()
            .gives::<shape::Written>(StatusCode::OK, ETAG)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(consents::put_preferences),
    ]
}

fn stances() -> Vec<Mounted> {
    let said = |path, id, about| {
        Route::new(Method::PUT, path, id, about)
            .body::<shape::Reason>()
            .gives::<shape::Standing>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
    };
    let taken_back = |path, id, about| {
        Route::new(Method::DELETE, path, id, about)
            .gives::<shape::Standing>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
    };
    vec![
        said(OBJECTION, "object", "Record that a member objects to a purpose (GDPR Art. 21).").by(consents::object),
        taken_back(OBJECTION, "liftObjection", "Record that a member takes an objection back.")
            .by(consents::lift_objection),
        said(RESTRICTION, "restrict", "Record that a member restricts the use of its data (GDPR Art. 18).")
            .by(consents::restrict),
        taken_back(RESTRICTION, "liftRestriction", "Record that a member lifts the restriction.")
            .by(consents::lift_restriction),
        said(AUTOMATED, "refuseAutomatedDecisions", "Record that a member refuses automated decisions (GDPR Art. 22).")
            .by(consents::refuse_automation),
        taken_back(AUTOMATED, "acceptAutomatedDecisions", "Record that a member takes that refusal back.")
            .by(consents::accept_automation),
    ]
}
