//! The parameters of the flows, which come in the query, a form or JSON.
use serde_json::Value;

/// Names and values; the first of a name counts.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a query and a body; returns `None` for a body that is neither a form nor JSON.
    pub(super) fn read(query: Option<&str>, body: &[u8]) -> Option<Self> {
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut fields: Vec<_> = query.into_owned().collect();
        // Octokit says JSON, curl says a form whatever it sends: the first byte decides.
        if body.trim_ascii_start().starts_with(b"{") {
            let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
                return None;
            };
            fields.extend(
                members
                    .into_iter()
                    .filter_map(|(name, value)| text(name, value)),
            );
        } else {
            fields.extend(form_urlencoded::parse(body).into_owned());
        }
        Some(Self(fields))
    }

    /// Returns a value that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value)
    }
}

fn text(name: String, value: Value) -> Option<(String, String)> {
    match value {
        Value::String(value) => Some((name, value)),
        Value::Number(number) => Some((name, number.to_string())),
        _ => None,
    }
}
