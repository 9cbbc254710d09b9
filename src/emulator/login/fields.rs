//! The parameters of the flows, which come in the query, a form or JSON.
use serde_json::Value;

/// Names and values; the first of a name counts.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a query and a body; returns `None` for a body that is neither a form nor JSON.
    ///
    /// The body goes first: a form that is sent to the address it came from repeats its query.
    pub(super) fn read(query: Option<&str>, body: &[u8]) -> Option<Self> {
        // Octokit says JSON, curl says a form whatever it sends: the first byte decides.
        let mut fields: Vec<_> = if body.trim_ascii_start().starts_with(b"{") {
            let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
                return None;
            };
            members.into_iter().filter_map(text).collect()
        } else {
            form_urlencoded::parse(body).into_owned().collect()
        };
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        fields.extend(query.into_owned());
        Some(Self(fields))
    }

    /// Adds a value, which counts where the request has none of this name.
    pub(super) fn add(&mut self, name: &str, value: String) {
        if self.get(name).is_none() {
            self.0.retain(|(key, _)| key != name);
            self.0.push((name.to_owned(), value));
        }
    }

    /// Returns a value that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value)
    }
}

fn text((name, value): (String, Value)) -> Option<(String, String)> {
    match value {
        Value::String(value) => Some((name, value)),
        Value::Number(number) => Some((name, number.to_string())),
        _ => None,
    }
}
