use clap::Args;
use ghes_gatekeeper::ghes::NewAuthorization;

/// What a new authorization is to be like.
#[derive(Args, Debug)]
pub(super) struct Wish {
    /// A scope; repeat it for several.
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,

    /// What the token is for.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// A URL for the note.
    #[arg(long, value_name = "URL")]
    note_url: Option<String>,
}

impl Wish {
    pub(super) fn authorization(&self) -> NewAuthorization {
        let mut wanted = NewAuthorization::new();
        if !self.scope.is_empty() {
            wanted = wanted.with_scopes(&self.scope);
        }
        if let Some(note) = &self.note {
            wanted = wanted.with_note(note);
        }
        if let Some(url) = &self.note_url {
            wanted = wanted.with_note_url(url);
        }
        wanted
    }
}
