//! The language of segments.

use membervault::code::Code;
use membervault::vault::crowd::segment::{DEPTH_MAX, Predicate, SIZE_MAX};
use serde_json::{Value, json};

use super::people::{code, object};

fn holds(question: Value, shown: Value) -> bool {
    Predicate::parse(&object(question)).unwrap().holds(&object(shown))
}

#[test]
fn a_question_is_answered_from_what_is_shown() {
    let shown = || {
        json!({
            "country": "DE", "age": 41, "vip": true, "joined_at": "2023-11-24T03:26:42Z", "birth_date": "1985",
            "preferences": {"topics": ["books", "tea"], "level": {"of": {"care": 3}}}, "nothing": null,
        })
    };
    for question in [
        json!({"field": "country", "eq": "DE"}),
        json!({"field": "country", "in": ["AT", "DE"]}),
        json!({"field": "age", "eq": 41.0}),
        json!({"field": "vip", "eq": true}),
        json!({"field": "age", "range": {"from": 41}}),
        json!({"field": "age", "range": {"from": 18, "to": 41.5}}),
        json!({"field": "joined_at", "range": {"from": "2023-11-24", "to": "2023-11-24"}}),
        json!({"field": "joined_at", "range": {"to": "2023"}}),
        json!({"field": "birth_date", "range": {"from": "1985-06-01", "to": "1990"}}),
        json!({"field": "preferences", "at": ["topics"], "contains": "tea"}),
        json!({"field": "preferences", "at": ["level", "of", "care"], "eq": 3}),
        json!({"not": {"field": "country", "eq": "FR"}}),
        json!({"all": [{"field": "vip", "eq": true}, {"not": {"field": "age", "range": {"to": 40}}}]}),
        json!({"any": [{"field": "missing", "eq": 1}, {"field": "vip", "eq": true}]}),
    ] {
        assert!(holds(question.clone(), shown()), "{question}");
        assert!(!holds(json!({ "not": question }), shown()));
    }
}

#[test]
fn what_is_not_shown_is_unknown_and_no_question_finds_it_out() {
    let shown = || json!({"country": "DE", "nothing": null, "topics": "books"});
    for question in [
        json!({"field": "phone", "eq": "+491701234567"}),
        json!({"field": "nothing", "eq": "DE"}),
        json!({"field": "country", "at": ["code"], "eq": "DE"}),
        json!({"field": "country", "range": {"from": 1}}),
        json!({"field": "country", "range": {"from": "2020"}}),
        json!({"field": "topics", "contains": "books"}),
        json!({"all": [{"field": "country", "eq": "DE"}, {"field": "phone", "eq": 1}]}),
        json!({"any": [{"field": "country", "eq": "FR"}, {"field": "phone", "eq": 1}]}),
    ] {
        assert!(!holds(question.clone(), shown()), "{question}");
        assert!(!holds(json!({ "not": question }), shown()));
    }
    assert!(!holds(json!({"all": [{"field": "country", "eq": "FR"}, {"field": "phone", "eq": 1}]}), shown()));
    assert!(holds(json!({"not": {"all": [{"field": "country", "eq": "FR"}, {"field": "phone", "eq": 1}]}}), shown()));
}

#[test]
fn what_is_no_question_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!({"field": "a", "eq": 1}), |inner, _| json!({ "not": inner }));
    assert!(Predicate::parse(&object(nested(DEPTH_MAX - 1))).is_ok());
    let wide = |items: usize| json!({"field": "a", "in": (0..items).collect::<Vec<_>>()});
    assert!(Predicate::parse(&object(wide(SIZE_MAX - 1))).is_ok());
    for question in [
        json!({}),
        json!({"field": "a"}),
        json!({"field": "A b", "eq": 1}),
        json!({"field": 7, "eq": 1}),
        json!({"field": "a", "eq": 1, "in": [1]}),
        json!({"field": "a", "eq": null}),
        json!({"field": "a", "eq": [1]}),
        json!({"field": "a", "eq": "x".repeat(257)}),
        json!({"field": "a", "in": []}),
        json!({"field": "a", "like": "x%"}),
        json!({"field": "a", "at": [], "eq": 1}),
        json!({"field": "a", "at": ["b", "c", "d", "e", "f"], "eq": 1}),
        json!({"field": "a", "range": {}}),
        json!({"field": "a", "range": {"from": 1, "to": "2020"}}),
        json!({"field": "a", "range": {"from": "01.02.2020"}}),
        json!({"field": "a", "range": {"from": "2020", "until": "2021"}}),
        json!({"all": []}),
        json!({"all": {"field": "a", "eq": 1}}),
        json!({"all": [1]}),
        json!({"not": [{"field": "a", "eq": 1}]}),
        json!({"xor": [{"field": "a", "eq": 1}]}),
        json!({"all": [{"field": "a", "eq": 1}], "any": [{"field": "a", "eq": 1}]}),
        nested(DEPTH_MAX),
        wide(SIZE_MAX),
    ] {
        assert_eq!(code(Predicate::parse(&object(question.clone()))), Some(Code::InvalidRequest), "{question}");
    }
}
