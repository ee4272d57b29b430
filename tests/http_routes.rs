//! The routes: one list, held against the OpenAPI document and a golden file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use membervault::http;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_slice(&http::openapi()).expect("the document is JSON")
}

/// Method and path of every operation of the document.
fn documented() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn the_routes_are_these() {
    let lines: String = http::routes().iter().map(|(method, path)| format!("{method:6} {path}\n")).collect();
    support::golden("routes.txt", &lines);
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let routes: BTreeSet<_> = http::routes().into_iter().map(|(method, path)| (method, path.to_owned())).collect();
    assert_eq!(documented(), routes);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    let references = text.split("\"#/").skip(1).filter_map(|rest| rest.split('"').next());
    for reference in references {
        let found = document.pointer(&format!("/{reference}"));
        assert!(found.is_some(), "{reference}");
    }
}

#[test]
fn every_operation_tells_its_refusals() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{what}: no success");
            let secured = operation.get("security").is_some();
            assert_eq!(secured, responses.contains_key("401"), "{what}: 401 goes with a token");
            for (status, response) in responses {
                let problem = response["content"].get("application/problem+json").is_some();
                assert_eq!(problem, status.starts_with(['4', '5']), "{what}: {status}");
                assert!(response["headers"].get("X-Request-Id").is_some(), "{what}: {status}");
            }
        }
    }
}

#[test]
fn every_link_leads_to_an_operation_with_those_parameters() {
    let document = document();
    let operations: Vec<&Value> =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values()).collect();
    let links = operations
        .iter()
        .flat_map(|operation| operation["responses"].as_object().unwrap().values())
        .filter_map(|response| response["links"].as_object())
        .flatten();
    for (name, link) in links {
        let target = operations.iter().find(|operation| operation["operationId"] == link["operationId"]);
        let known = target.unwrap_or_else(|| panic!("{name}"))["parameters"].as_array().unwrap();
        for parameter in link["parameters"].as_object().unwrap().keys() {
            assert!(known.iter().any(|known| known["name"] == **parameter), "{name}: {parameter}");
        }
    }
}
