//! What is a pattern elsewhere and would be letters here is refused, in every key that others have
//! patterns in, with the cure.

use super::{Config, edited, errors};

/// Globs, templates, parameters and regular expressions, as nginx, Apache, Caddy, Traefik, Envoy,
/// `HAProxy`, oauth2-proxy, Oathkeeper and routers have them.
const PATHS: [&str; 24] = [
    "/admin/.*",
    "/admin/*",
    "/admin/**",
    "/admin*",
    "*/admin",
    "/admin/{id}",
    "/admin/{id...}",
    "/admin/{path:.*}",
    "/{tenant}/admin",
    "/admin/:id",
    "/:tenant/admin",
    "/admin/<.*>",
    "/admin/<int:id>",
    "^/admin",
    "/admin$",
    "^/admin/?$",
    "~ ^/admin",
    "/(admin|root)",
    "/(?i)admin",
    "/admin|/root",
    "/[aA]dmin",
    "/admin/[^/]+",
    "/admin/.+",
    "/admi?",
];

#[test]
fn no_pattern_is_a_path() {
    for path in PATHS {
        let errors = errors(&edited("path = \"/\"", &format!("path = '{path}'")), &[]);
        let start = "configuration:17: routes[0].path: there are no patterns";
        assert!(errors.starts_with(start), "{path}: {errors}");
        assert!(
            errors.contains("; end the path before it"),
            "{path}: {errors}"
        );
    }
}

#[test]
fn no_pattern_is_a_path_in_the_environment_either() {
    for path in PATHS {
        let errors = errors(super::GOOD, &[("ROUTES__0__PATH", path)]);
        assert!(
            errors.contains("routes[0].path: there are no patterns"),
            "{path}: {errors}"
        );
    }
}

#[test]
fn a_letter_that_looks_like_a_pattern_is_written_encoded() {
    for (path, read) in [
        ("/a%7bid%7D", "/a%7Bid%7D"),
        ("/c%2B%2B", "/c%2B%2B"),
        ("/%24metadata", "/%24metadata"),
        ("/%61pi", "/api"),
    ] {
        let toml = edited("path = \"/\"", &format!("path = \"{path}\""));
        let config = Config::parse(&toml, []).unwrap();
        assert_eq!(config.routes[0].matches.path.as_str(), read);
        let again = Config::parse(&edited("path = \"/\"", &format!("path = \"{read}\"")), []);
        assert_eq!(again.unwrap().routes[0].matches.path.as_str(), read);
    }
}

#[test]
fn no_pattern_is_a_host() {
    for host in [
        "*.example.com",
        "*",
        "example.*",
        ".example.com",
        "_",
        "~^admin\\.example\\.com$",
        "^admin.example.com",
        "{tenant}.example.com",
        "(a|b).example.com",
        "admin[0-9].example.com",
        "<host>.example.com",
    ] {
        let toml = edited("path = \"/\"", &format!("path = \"/\"\nhosts = ['{host}']"));
        let said = errors(&toml, &[]);
        assert!(
            said.contains("routes[0].hosts[0]: name each host; there are no"),
            "{host}: {said}"
        );
        let toml = edited("realm =", &format!("allowed_hosts = ['{host}']\nrealm ="));
        let said = errors(&toml, &[]);
        let line = "server.allowed_hosts[0]: there are no patterns here; name each host";
        assert!(said.contains(line), "{host}: {said}");
    }
}

/// Of people, scopes, methods and what pages may do; a pattern there would match nothing.
#[test]
fn no_list_has_patterns() {
    for (key, patterns) in [
        (
            "users",
            &["*", "octo*", ".*", "{login}", "(a|b)", "^octocat$"][..],
        ),
        ("orgs", &["*", "octo-*", ".*", "{org}"]),
        (
            "teams",
            &["octo-org/*", "*/admins", "octo-org/.*", "octo-org/{team}"],
        ),
        ("scopes", &["*", "repo:*", "read:.*", "admin:{what}"]),
        ("scopes_any", &["*", "repo*", "(repo|gist)"]),
        ("methods", &["*", "P*", "GET|POST", "^GET$"]),
        ("cors.allow_headers", &["*", "X-*", "^x-app"]),
        ("cors.expose_headers", &["*", "X-*", "x-$"]),
    ] {
        for pattern in patterns {
            let line = match key.starts_with("cors") {
                true => format!("cors.allow_origins = ['https://a.test']\n{key} = ['{pattern}']"),
                false => format!("{key} = ['{pattern}']"),
            };
            let toml = edited("scopes = [\"read:org\"]", &line);
            let said = errors(&toml, &[]);
            let place = format!("routes[0].{key}[0]: ");
            let message = said
                .split(&place)
                .nth(1)
                .unwrap_or_else(|| panic!("{said}"));
            let is_told = message.starts_with("there are no patterns here; name each")
                || message.starts_with("name each header");
            assert!(is_told, "{said}");
        }
    }
}

#[test]
fn no_method_stands_for_all() {
    for method in ["ANY", "ALL"] {
        let toml = edited(
            "path = \"/\"",
            &format!("path = \"/\"\nmethods = [\"{method}\"]"),
        );
        let said = errors(&toml, &[]);
        assert!(said.ends_with("leave methods out to mean all"), "{said}");
    }
}

#[test]
fn no_pattern_is_an_origin() {
    for origin in [
        "https://*.example.com",
        "https://*",
        "https://.example.com",
        "https://{app}.example.com",
        "https://(a|b).example.com",
        "https://app[0-9].example.com",
    ] {
        let cors = format!("[routes.cors]\nallow_origins = ['{origin}']\n[ghes.limits]");
        let said = errors(&edited("[ghes.limits]", &cors), &[]);
        let line = "routes[0].cors.allow_origins[0]: there are no patterns here; name each origin";
        assert!(said.contains(line), "{origin}: {said}");
    }
}

#[test]
fn no_pattern_is_a_prefix_to_strip() {
    for prefix in ["/api/.*", "/api/{rest}", "^/api"] {
        let line = format!("path = \"/api\"\nstrip_prefix = '{prefix}'");
        let said = errors(&edited("path = \"/\"", &line), &[]);
        assert!(
            said.ends_with("true cuts off the path of the route"),
            "{said}"
        );
    }
}
