//! The scopes of OAuth apps and what they imply.

/// Says whether a token with these scopes may do what one of the others permits.
pub(super) fn permit(granted: &[String], one_of: &[&str]) -> bool {
    one_of
        .iter()
        .any(|wanted| granted.iter().any(|scope| implies(scope, wanted)))
}

/// Leaves out what is there twice or implied by another, as GitHub does: `user,gist,user:email`
/// becomes `user`, `gist`.
pub(super) fn normalized(scopes: &[String]) -> Vec<String> {
    let mut normal: Vec<String> = Vec::with_capacity(scopes.len());
    for scope in scopes {
        let implied = |other: &String| other != scope && implies(other, scope);
        if !scopes.iter().any(implied) && !normal.contains(scope) {
            normal.push(scope.clone());
        }
    }
    normal
}

/// Reads the list of scopes of an authorize request; GitHub takes commas for spaces.
pub(super) fn parse(text: &str) -> Vec<String> {
    text.split([' ', ','])
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect()
}

fn implies(scope: &str, wanted: &str) -> bool {
    scope == wanted
        || IMPLIED
            .iter()
            .filter(|(parent, _)| *parent == scope)
            .flat_map(|(_, children)| *children)
            .any(|child| implies(child, wanted))
}

/// Each scope with those directly below it, from "Scopes for OAuth apps" of GitHub's documents.
const IMPLIED: &[(&str, &[&str])] = &[
    (
        "repo",
        &[
            "repo:status",
            "repo_deployment",
            "public_repo",
            "repo:invite",
            "security_events",
        ],
    ),
    ("admin:org", &["write:org", "manage_runners:org"]),
    ("write:org", &["read:org"]),
    ("admin:public_key", &["write:public_key"]),
    ("write:public_key", &["read:public_key"]),
    ("admin:repo_hook", &["write:repo_hook"]),
    ("write:repo_hook", &["read:repo_hook"]),
    ("user", &["read:user", "user:email", "user:follow"]),
    ("project", &["read:project"]),
    ("write:packages", &["read:packages"]),
    ("admin:gpg_key", &["write:gpg_key"]),
    ("write:gpg_key", &["read:gpg_key"]),
    ("admin:ssh_signing_key", &["write:ssh_signing_key"]),
    ("write:ssh_signing_key", &["read:ssh_signing_key"]),
    ("write:discussion", &["read:discussion"]),
    (
        "admin:enterprise",
        &["manage_runners:enterprise", "manage_billing:enterprise"],
    ),
    ("manage_billing:enterprise", &["read:enterprise"]),
    ("audit_log", &["read:audit_log"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|&scope| scope.to_owned()).collect()
    }

    #[test]
    fn parents_permit_what_their_children_do() {
        assert!(permit(&owned(&["gist", "admin:org"]), &["read:org"]));
        assert!(permit(&owned(&["read:org"]), &["user", "read:org"]));
        assert!(!permit(&owned(&["read:org"]), &["write:org"]));
        assert!(!permit(&[], &["read:org"]));
    }

    #[test]
    fn implied_and_repeated_scopes_are_left_out() {
        let scopes = parse("user,gist,user:email user");
        assert_eq!(normalized(&scopes), owned(&["user", "gist"]));
    }
}
