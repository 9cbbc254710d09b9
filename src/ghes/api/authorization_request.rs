use serde::Serialize;

/// What a new authorization is to be like.
#[derive(Clone, Debug, Default, Serialize)]
#[must_use]
pub struct NewAuthorization {
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

impl NewAuthorization {
    /// Asks for an authorization without scopes, note or fingerprint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scopes.
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(strings(scopes));
        self
    }

    /// Sets the note that reminds the user what the token is for.
    ///
    /// GHES refuses a personal access token without one, and a second one with the same.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets the address that goes with the note.
    pub fn with_note_url(mut self, url: impl Into<String>) -> Self {
        self.note_url = Some(url.into());
        self
    }

    /// Sets what tells this authorization from others of the same app and user.
    pub fn with_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.fingerprint = Some(fingerprint.into());
        self
    }

    /// The same for an endpoint that has the fingerprint in its path.
    pub(in crate::ghes) fn without_fingerprint(&self) -> Self {
        Self {
            fingerprint: None,
            ..self.clone()
        }
    }
}

/// What is to change in an authorization; everything else stays.
#[derive(Clone, Debug, Default, Serialize)]
#[must_use]
pub struct AuthorizationUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

impl AuthorizationUpdate {
    /// Changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the scopes, instead of adding or removing some.
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(strings(scopes));
        self.add_scopes = None;
        self.remove_scopes = None;
        self
    }

    /// Adds scopes, instead of replacing them.
    ///
    /// GitHub documents that only one of the members about scopes may be sent, and shows an
    /// example that adds and removes. Here the two go together, and never with a replacement.
    pub fn with_added_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.add_scopes = Some(strings(scopes));
        self.scopes = None;
        self
    }

    /// Removes scopes, instead of replacing them.
    pub fn with_removed_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.remove_scopes = Some(strings(scopes));
        self.scopes = None;
        self
    }

    /// Sets the note.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets the address that goes with the note.
    pub fn with_note_url(mut self, url: impl Into<String>) -> Self {
        self.note_url = Some(url.into());
        self
    }

    /// Sets what tells this authorization from others of the same app and user.
    pub fn with_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.fingerprint = Some(fingerprint.into());
        self
    }
}

/// Which part of a list to ask for, and in pages of which size.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListOptions {
    client_id: Option<String>,
    per_page: Option<u8>,
}

impl ListOptions {
    /// Asks for everything, in pages of GitHub's default size, which is 30.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks only for what belongs to the app with this client id.
    pub fn with_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Sets the size of a page; GitHub takes at most 100.
    pub fn with_per_page(mut self, per_page: u8) -> Self {
        self.per_page = Some(per_page);
        self
    }

    /// Returns the query with its question mark, or nothing.
    pub(in crate::ghes) fn query(&self) -> String {
        let client_id = self.client_id.as_deref().map(percent_encoded);
        let client_id = client_id.map(|client_id| format!("client_id={client_id}"));
        let per_page = self.per_page.map(|per_page| format!("per_page={per_page}"));
        let members: Vec<String> = [client_id, per_page].into_iter().flatten().collect();
        if members.is_empty() {
            return String::new();
        }
        format!("?{}", members.join("&"))
    }
}

fn strings<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

/// RFC 3986 §2.3: everything but the unreserved characters is escaped.
pub(in crate::ghes) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
