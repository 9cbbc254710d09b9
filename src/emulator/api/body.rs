//! The JSON bodies of requests, checked against the operation's schema.
use serde_json::{Map, Value};

use super::failure::Failure;
use super::request::ApiRequest;

/// The members of a body, all of which the operation knows.
pub(in crate::emulator) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body, which must be there even where every member may be left out.
    pub(in crate::emulator) fn read(
        request: &ApiRequest,
        permitted: &[&str],
    ) -> Result<Self, Failure> {
        let body = request.body()?;
        if body.is_empty() {
            // Seen on a GHES 2.12 when a client sends no body.
            let detail = "For 'links/0/schema', nil is not an object.".to_owned();
            return Err(Failure::InvalidRequest(detail));
        }
        Self::parse(body, permitted)
    }

    fn parse(body: &[u8], permitted: &[&str]) -> Result<Self, Failure> {
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(Failure::BodyIsNoObject),
            Err(_) => return Err(Failure::ProblemsParsingJson),
        };
        match members
            .keys()
            .find(|key| !permitted.contains(&key.as_str()))
        {
            Some(key) => Err(invalid(format!("\"{key}\" is not a permitted key."))),
            None => Ok(Self(members)),
        }
    }

    pub(in crate::emulator) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns a string that must be there and not be empty.
    pub(in crate::emulator) fn required(&self, name: &str) -> Result<String, Failure> {
        self.string(name)?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| invalid(format!("\"{name}\" wasn't supplied.")))
    }

    /// Returns a string.
    pub(in crate::emulator) fn string(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(value)) => Ok(Some(value.clone())),
            Some(other) => Err(not_a(name, other, "a string")),
        }
    }

    /// Returns a list of strings; null is one of the values it may have.
    pub(in crate::emulator) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let text = value.as_str().map(str::to_owned);
                    text.ok_or_else(|| not_a(&format!("{name}/{index}"), value, "a string"))
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(not_a(name, other, "an array")),
        }
    }

    pub(in crate::emulator) fn integer(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| not_a(name, value, "an integer")),
        }
    }

    /// Returns a list of integers.
    pub(in crate::emulator) fn integers(&self, name: &str) -> Result<Option<Vec<u64>>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let number = value.as_u64();
                    number.ok_or_else(|| not_a(&format!("{name}/{index}"), value, "an integer"))
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(not_a(name, other, "an array")),
        }
    }

    pub(in crate::emulator) fn object(
        &self,
        name: &str,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members.clone())),
            Some(other) => Err(not_a(name, other, "an object")),
        }
    }
}

pub(in crate::emulator) fn invalid(detail: String) -> Failure {
    Failure::InvalidRequest(detail)
}

fn not_a(path: &str, value: &Value, kind: &str) -> Failure {
    let value = if value.is_null() {
        "nil".to_owned()
    } else {
        value.to_string()
    };
    invalid(format!("For 'properties/{path}', {value} is not {kind}."))
}
