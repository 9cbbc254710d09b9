//! GitHub's scopes, and which of them contains which.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::Scope;

/// Returns one of GitHub's own scopes, and its place in their order.
pub(super) fn known(name: &str) -> Option<(usize, &'static Scope)> {
    let place = KNOWN.binary_search_by(|scope| scope.as_str().cmp(name));
    place.ok().map(|place| (place, &KNOWN[place]))
}

/// The scopes that holding `scope` grants besides itself, with all levels written out.
pub(super) fn contained_in(scope: &str) -> &'static [&'static str] {
    match scope {
        // GHES has two names for one scope: `admin:business` is the older.
        "admin:business" => &[
            "admin:enterprise",
            "manage_billing:enterprise",
            "manage_runners:enterprise",
            "read:enterprise",
        ],
        "admin:enterprise" => &[
            "admin:business",
            "manage_billing:enterprise",
            "manage_runners:enterprise",
            "read:enterprise",
        ],
        "admin:gpg_key" => &["read:gpg_key", "write:gpg_key"],
        "admin:org" => &["manage_runners:org", "read:org", "write:org"],
        "admin:public_key" => &["read:public_key", "write:public_key"],
        "admin:repo_hook" => &["read:repo_hook", "write:repo_hook"],
        "admin:ssh_signing_key" => &["read:ssh_signing_key", "write:ssh_signing_key"],
        "audit_log" => &["read:audit_log"],
        // This and the next one only github.com has.
        "codespace" => &["codespace:secrets"],
        "copilot" => &["manage_billing:copilot"],
        "manage_billing:enterprise" => &["read:enterprise"],
        "project" => &["read:project"],
        "repo" => &[
            "public_repo",
            "repo:invite",
            "repo:status",
            "repo_deployment",
            "security_events",
        ],
        "user" => &["read:user", "user:email", "user:follow"],
        "write:discussion" => &["read:discussion"],
        "write:gpg_key" => &["read:gpg_key"],
        "write:org" => &["read:org"],
        "write:packages" => &["read:packages"],
        "write:public_key" => &["read:public_key"],
        "write:repo_hook" => &["read:repo_hook"],
        "write:ssh_signing_key" => &["read:ssh_signing_key"],
        _ => &[],
    }
}

/// The scopes that GitHub's documents list, in alphabetical order.
///
/// A place is a bit of a set, so there may be 64. One that is missing is as good as the others,
/// and costs an allocation.
pub(super) static KNOWN: [Scope; 51] = [
    github("admin:business"),
    github("admin:enterprise"),
    github("admin:gpg_key"),
    github("admin:org"),
    github("admin:org_hook"),
    github("admin:pre_receive_hook"),
    github("admin:public_key"),
    github("admin:repo_hook"),
    github("admin:ssh_signing_key"),
    github("audit_log"),
    github("codespace"),
    github("codespace:secrets"),
    github("copilot"),
    github("delete:packages"),
    github("delete_repo"),
    github("gist"),
    github("manage_billing:copilot"),
    github("manage_billing:enterprise"),
    github("manage_runners:enterprise"),
    github("manage_runners:org"),
    github("notifications"),
    github("project"),
    github("public_repo"),
    github("read:audit_log"),
    github("read:discussion"),
    github("read:enterprise"),
    github("read:gpg_key"),
    github("read:org"),
    github("read:packages"),
    github("read:project"),
    github("read:public_key"),
    github("read:repo_hook"),
    github("read:ssh_signing_key"),
    github("read:user"),
    github("repo"),
    github("repo:invite"),
    github("repo:status"),
    github("repo_deployment"),
    github("security_events"),
    github("site_admin"),
    github("user"),
    github("user:email"),
    github("user:follow"),
    github("workflow"),
    github("write:discussion"),
    github("write:gpg_key"),
    github("write:org"),
    github("write:packages"),
    github("write:public_key"),
    github("write:repo_hook"),
    github("write:ssh_signing_key"),
];

/// By the places of GitHub's scopes, the bits of those that grant each: itself and what contains it.
///
/// Only GitHub's own contain anything.
pub(super) static GRANTED_BY: LazyLock<[u64; KNOWN.len()]> = LazyLock::new(|| {
    let mut granted_by = [0; KNOWN.len()];
    for (place, scope) in KNOWN.iter().enumerate() {
        granted_by[place] |= 1 << place;
        for (contained, _) in contained_in(scope.as_str())
            .iter()
            .filter_map(|name| known(name))
        {
            granted_by[contained] |= 1 << place;
        }
    }
    granted_by
});

const fn github(name: &'static str) -> Scope {
    Scope(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scopes that GitHub's documents list, each with what they say that it contains.
    #[test]
    fn each_scope_contains_what_github_says() {
        let table = "
            repo: repo:status repo_deployment public_repo repo:invite security_events
            admin:org: write:org read:org manage_runners:org
            write:org: read:org
            admin:public_key: write:public_key read:public_key
            write:public_key: read:public_key
            admin:repo_hook: write:repo_hook read:repo_hook
            write:repo_hook: read:repo_hook
            user: read:user user:email user:follow
            project: read:project
            write:packages: read:packages
            admin:gpg_key: write:gpg_key read:gpg_key
            write:gpg_key: read:gpg_key
            admin:ssh_signing_key: write:ssh_signing_key read:ssh_signing_key
            write:ssh_signing_key: read:ssh_signing_key
            write:discussion: read:discussion
            admin:enterprise: manage_runners:enterprise manage_billing:enterprise read:enterprise admin:business
            admin:business: manage_runners:enterprise manage_billing:enterprise read:enterprise admin:enterprise
            manage_billing:enterprise: read:enterprise
            audit_log: read:audit_log
            codespace: codespace:secrets
            copilot: manage_billing:copilot
            admin:org_hook:
            admin:pre_receive_hook:
            gist:
            notifications:
            delete_repo:
            delete:packages:
            workflow:
            site_admin:
            read:org:";
        let rows = table.lines().map(str::trim).filter(|row| !row.is_empty());
        for row in rows {
            let (scope, contained) = row
                .split_once(": ")
                .unwrap_or_else(|| (row.trim_end_matches(':'), ""));
            assert!(known(scope).is_some(), "{scope}");
            let mut expected: Vec<&str> = contained.split_whitespace().collect();
            let mut written = contained_in(scope).to_vec();
            expected.sort_unstable();
            written.sort_unstable();
            assert_eq!(written, expected, "{scope}");
        }
    }

    #[test]
    fn containment_is_written_out_over_all_levels() {
        for scope in ["admin:org", "admin:enterprise", "admin:gpg_key", "repo"] {
            for child in contained_in(scope) {
                for grandchild in contained_in(child) {
                    let reached = contained_in(scope).contains(grandchild) || *grandchild == scope;
                    assert!(reached, "{scope} > {child} > {grandchild}");
                }
            }
        }
    }

    #[test]
    fn what_is_found_is_what_was_looked_for() {
        assert!(KNOWN.is_sorted());
        for (place, scope) in KNOWN.iter().enumerate() {
            assert_eq!(known(scope.as_str()), Some((place, scope)));
            for contained in contained_in(scope.as_str()) {
                assert!(known(contained).is_some(), "{contained}");
            }
        }
        assert_eq!(known("gists"), None);
    }
}
