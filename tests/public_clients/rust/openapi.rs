//! Holds every answer against GitHub's published OpenAPI description of the release it plays.
//!
//! `tests/fixtures/openapi` has the descriptions of 3.8, 3.9, 3.10, 3.15 and 3.19; a release in
//! between is held against the last one before it.
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::{Method, StatusCode};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::emulator::Answer;

/// Panics unless the answer is one the description allows.
///
/// Answers of the control endpoints and the login pages are not described, and those of faults
/// are meant to be wrong.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path
        .strip_prefix("/api/v3")
        .filter(|path| path.starts_with('/'));
    let (Some(path), Some(release)) = (path, answer.header("x-github-enterprise-version")) else {
        return;
    };
    let minor = release.split('.').nth(1).unwrap().parse().unwrap();
    let description = Description::of(minor);
    let operation = description.operation(method, path);
    let status = answer.status;
    let response = operation.and_then(|operation| operation["responses"].get(status.as_str()));
    assert!(
        response.is_some() || UNDECLARED.contains(&status),
        "{release}: {method} {path} does not declare {status}: {}",
        answer.text
    );
    let schema = response
        .and_then(|response| description.schema(response))
        .unwrap_or_else(|| fallback(status));
    let place = format!("{release}: {method} {path} {status}");
    if schema.is_null() {
        assert_eq!(answer.text, "", "{place}");
        assert_eq!(answer.header("content-type"), None, "{place}");
        return;
    }
    let errors: Vec<String> = description
        .validator(&schema)
        .iter_errors(&answer.json())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{place}: {errors:#?} in {}", answer.text);
}

/// What any operation may answer whether its description says so or not.
const UNDECLARED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNPROCESSABLE_ENTITY,
];

/// Returns the schema of a status whose body is not described; null for one without a body.
fn fallback(status: StatusCode) -> Value {
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        json!({ "$ref": "#/components/schemas/validation-error" })
    } else if status.is_client_error() {
        json!({ "$ref": "#/components/schemas/basic-error" })
    } else {
        Value::Null
    }
}

struct Description {
    minor: u8,
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static DESCRIPTIONS: LazyLock<Vec<Description>> = LazyLock::new(|| {
    [
        (8, include_str!("../../fixtures/openapi/ghes-3.8.json")),
        (9, include_str!("../../fixtures/openapi/ghes-3.9.json")),
        (10, include_str!("../../fixtures/openapi/ghes-3.10.json")),
        (15, include_str!("../../fixtures/openapi/ghes-3.15.json")),
        (19, include_str!("../../fixtures/openapi/ghes-3.19.json")),
    ]
    .into_iter()
    .map(|(minor, text)| Description {
        minor,
        document: serde_json::from_str(text).unwrap(),
        validators: Mutex::default(),
    })
    .collect()
});

impl Description {
    fn of(minor: u8) -> &'static Self {
        let older = |description: &&Self| description.minor <= minor;
        DESCRIPTIONS.iter().rfind(older).unwrap()
    }

    /// Returns the operation for a method and a path; a path without parameters goes first.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object().unwrap();
        let method = method.as_str().to_lowercase();
        paths
            .iter()
            .filter(|(template, operations)| {
                fits(template, path) && operations.get(&method).is_some()
            })
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(_, operations)| &operations[&method])
    }

    fn schema(&self, response: &Value) -> Option<Value> {
        let response = match response.get("$ref") {
            Some(Value::String(pointer)) => self
                .document
                .pointer(pointer.trim_start_matches('#'))
                .unwrap(),
            _ => response,
        };
        response
            .pointer("/content/application~1json/schema")
            .cloned()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            let root = json!({
                "allOf": [json_schema(schema)],
                "components": json_schema(&self.document["components"]),
            });
            let options = jsonschema::options().with_draft(Draft::Draft7);
            Arc::new(options.should_validate_formats(true).build(&root).unwrap())
        });
        Arc::clone(validator)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(expected, segment)| expected.starts_with('{') || expected == segment)
}

/// Translates a schema of OpenAPI 3.0 to JSON schema, which has no `nullable`.
fn json_schema(schema: &Value) -> Value {
    match schema {
        Value::Array(values) => values.iter().map(json_schema).collect(),
        Value::Object(members) => {
            let translated: Map<String, Value> = members
                .iter()
                .filter(|(name, value)| *name != "nullable" || !value.is_boolean())
                .map(|(name, value)| (name.clone(), json_schema(value)))
                .collect();
            if members.get("nullable") == Some(&Value::Bool(true)) {
                json!({ "anyOf": [{ "type": "null" }, translated] })
            } else {
                Value::Object(translated)
            }
        }
        other => other.clone(),
    }
}

#[test]
fn nullable_becomes_one_of_two() {
    let schema = json!({ "properties": { "note": { "type": "string", "nullable": true } } });
    let null = json!({ "anyOf": [{ "type": "null" }, { "type": "string" }] });
    assert_eq!(json_schema(&schema)["properties"]["note"], null);
}

#[test]
fn broken_answers_are_found() {
    let answer = |text: &str| Answer {
        status: StatusCode::OK,
        headers: [("x-github-enterprise-version", "3.19.0")]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        text: text.to_owned(),
    };
    let panics = |path: &str, text: &str| {
        let answer = answer(text);
        std::panic::catch_unwind(|| check(&Method::GET, path, &answer)).is_err()
    };
    assert!(!panics("/api/v3/applications/grants", "[]"));
    assert!(panics("/api/v3/applications/grants", "{}"));
    assert!(panics("/api/v3/applications/grants", r#"[{"id":1}]"#));
    assert!(panics("/api/v3/authorizations/1", r#"{"id":"1"}"#));
    assert!(
        panics("/api/v3/nothing", "{}"),
        "an operation that is not described"
    );
}
