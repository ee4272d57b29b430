//! Holds a reply against the OpenAPI document: the status is documented, so is the media type, and the body has the
//! documented shape, with no property that the document does not know.

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// The document as served.
pub(crate) fn document() -> Value {
    serde_json::from_slice(&membervault::http::openapi()).expect("the document is JSON")
}

/// Panics if the document does not promise this reply to `method` on `template`.
pub(crate) fn check(
    document: &Value,
    (method, template): (&str, &str),
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) {
    let what = format!("{method} {template} -> {status}");
    let operation = &document["paths"][template][method.to_lowercase()];
    let response = operation["responses"].get(status.as_str()).unwrap_or_else(|| panic!("{what}: not documented"));
    for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        assert!(headers.contains_key(name.to_lowercase()), "{what}: no header {name}");
    }
    let Some(content) = response.get("content") else {
        assert!(body.is_empty(), "{what}: a body that is not documented");
        return;
    };
    let media_type = headers[header::CONTENT_TYPE].to_str().expect("text");
    let schema = content.get(media_type).unwrap_or_else(|| panic!("{what}: {media_type} is not documented"));
    if media_type.contains("json") {
        let value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{what}: not JSON"));
        conforms(document, &schema["schema"], &value, &what);
    }
}

fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("a reference that leads somewhere");
        return conforms(document, target, value, at);
    }
    if let Some(kind) = schema["type"].as_str() {
        let right = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            _ => value.is_number(),
        };
        assert!(right, "{at}: expected {kind}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().expect("a name")).is_some(), "{at}: {name} is missing");
    }
    for item in value.as_array().into_iter().flatten() {
        conforms(document, &schema["items"], item, &format!("{at}[]"));
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, value) in value.as_object().expect("only objects have properties") {
        let property = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not documented"));
        conforms(document, property, value, &format!("{at}/{name}"));
    }
}
