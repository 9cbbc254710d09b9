//! What routes have in common, and which of it is for which route.

use super::*;

/// `GOOD` with these defaults in place of its routes, and these routes.
fn with(defaults: &str, routes: &str) -> String {
    let (before, rest) = GOOD.split_once("[[routes]]").unwrap();
    let (_, after) = rest.split_once("[ghes.limits]").unwrap();
    format!("{before}[ghes.limits]{after}[route_defaults]\n{defaults}\n{routes}")
}

fn read(defaults: &str, routes: &str) -> Config {
    Config::parse(&with(defaults, routes), []).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(defaults: &str, routes: &str) -> Vec<String> {
    let errors = Config::parse(&with(defaults, routes), []).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn route(path: &str, more: &str) -> String {
    format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://127.0.0.1:3000\"\n{more}\n")
}

#[test]
fn a_default_is_for_each_route_that_does_not_say_otherwise() {
    let routes = route("/a", "") + &route("/b", "basic = \"only\"\nscopes = [\"gist\"]");
    let config = read("basic = true\nscopes = [\"repo\"]", &routes);
    let [a, b] = &config.routes[..] else { panic!() };
    assert_eq!((a.basic, b.basic), (RouteBasic::Accept, RouteBasic::Only));
    let scopes = |route: &RouteConfig| route.scopes.join(" ");
    assert_eq!((&*scopes(a), &*scopes(b)), ("repo", "gist"));
}

#[test]
fn it_is_read_as_if_it_stood_at_each_route() {
    let defaults = "upstream = \"http://127.0.0.1:3000\"\norgs = [\"octo-org\"]\nmode = \"observe\"\n\
                    max_age = \"9s\"\nstrip_headers = [\"X-Role\"]\ncors = \"upstream\"";
    let shared = read(
        defaults,
        "[[routes]]\npath = \"/a\"\n[[routes]]\npath = \"/b\"\n",
    );
    let each = ["/a", "/b"].map(|path| format!("[[routes]]\npath = \"{path}\"\n{defaults}\n"));
    let alone = read("", &each.concat());
    assert_eq!(shared.to_redacted_toml(), alone.to_redacted_toml());
}

/// Two lists of people are more people than one.
#[test]
fn who_names_people_names_all_of_them() {
    let defaults = "orgs = [\"octo-org\"]\nteams = [\"octo-org/platform\"]\npeople = \"all\"\n\
                    account_types = [\"User\"]";
    for (own, users, orgs) in [
        ("", 0, 1),
        ("users = [\"octocat\"]", 1, 0),
        ("user_ids = [1]", 0, 0),
        ("site_admins = true", 0, 0),
        ("teams = [\"octo-org/other\"]", 0, 0),
    ] {
        let config = read(defaults, &route("/a", own));
        let people = &config.routes[0].people;
        assert_eq!(
            (people.users.len(), people.orgs.len()),
            (users, orgs),
            "{own}"
        );
        assert_eq!(people.account_types, ["User"], "a filter stays: {own}");
    }
}

#[test]
fn what_is_asked_of_tokens_is_not_for_anonymous_routes() {
    let defaults = "orgs = [\"octo-org\"]\nscopes = [\"repo\"]\nscopes_any = [\"gist\"]\nbasic = true\n\
                    mode = \"observe\"\nwebsocket_protocol = true\nforward_token = true\n\
                    identity_headers = \"remote-user\"\nmax_age = \"9s\"\nghes = \"ghes.example.com\"\n\
                    exempt_github_apps = true\naccount_types = [\"User\"]\n\
                    apps = [\"Iv1.8a61f9b3a7aba766\"]\nhost = \"upstream\"";
    let routes = route("/open", "anonymous = true") + &route("/shut", "");
    let config = read(defaults, &routes);
    let [open, shut] = &config.routes[..] else {
        panic!()
    };
    assert!(open.anonymous && open.tokens.is_none());
    assert_eq!(open.host, UpstreamHost::Upstream, "which is about no token");
    assert!(!shut.anonymous && shut.exempt_github_apps && shut.forward_token);
}

#[test]
fn what_has_no_meaning_at_a_route_is_not_for_it() {
    let defaults = "strip_prefix = true\nexempt_github_apps = true\n[route_defaults.upstream_tls]\n\
                    server_name = \"tool\"";
    let secure = "[[routes]]\npath = \"/s\"\nupstream = \"https://127.0.0.1:3000\"\n";
    let scoped = route("/scoped", "scopes = [\"repo\"]");
    let routes = route("/", "") + &route("/e", "exact = true") + &scoped + secure;
    let config = read(defaults, &routes);
    let cuts = config.routes.iter().map(|route| route.strip_prefix);
    assert_eq!(cuts.collect::<Vec<_>>(), [false, false, true, true]);
    let exempt = config.routes.iter().map(|route| route.exempt_github_apps);
    assert_eq!(exempt.collect::<Vec<_>>(), [false, false, true, false]);
    let tls = config
        .routes
        .iter()
        .map(|route| route.upstream_tls.is_some());
    assert_eq!(tls.collect::<Vec<_>>(), [false, false, false, true]);
}

#[test]
fn timeouts_are_defaults_one_by_one() {
    let defaults = "[route_defaults.timeouts]\nconnect = \"9s\"\nresponse = \"8s\"";
    let own = "[routes.timeouts]\nresponse = \"7s\"\nidle = \"6s\"";
    let config = read(defaults, &route("/a", own));
    let timeouts = config.routes[0].timeouts;
    let seconds = [
        timeouts.connect,
        timeouts.response.unwrap(),
        timeouts.idle.unwrap(),
    ]
    .map(|t| t.as_secs());
    assert_eq!(seconds, [9, 7, 6]);
}

#[test]
fn a_server_of_its_own_has_apps_of_its_own() {
    let other = "[[ghes.apps]]\nclient_id = \"abcde12345fghij67890\"\nclient_secret = \"s\"\n";
    let toml = with(
        "apps = [\"abcde12345fghij67890\"]",
        &(route("/a", "") + &route("/b", "ghes = \"ghes.example.com\"")),
    );
    let toml = toml.replace("[cache]", &format!("{other}[cache]"));
    let config = Config::parse(&toml, []).unwrap();
    let apps = config.routes.iter().map(|route| {
        let tokens = route.tokens.as_ref();
        tokens.unwrap().apps.len()
    });
    assert_eq!(apps.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_mistake_is_told_once_and_where_it_stands() {
    let routes = route("/a", "") + &route("/b", "") + &route("/c", "");
    let line = with("", "").lines().count() + 1;
    for (defaults, expected) in [
        (
            "basic = 1",
            "route_defaults.basic: expected true, false or \"only\", found an integer",
        ),
        (
            "scopse = []",
            "route_defaults.scopse: unknown key; did you mean scopes?",
        ),
        (
            "timeouts = { conect = \"1s\" }",
            "route_defaults.timeouts.conect: unknown key; did you mean connect?",
        ),
        (
            "orgs = [\"octo-org/platform\"]",
            "route_defaults.orgs[0]: names a team; move it to teams",
        ),
        (
            "path = \"/x\"",
            "route_defaults.path: is each route's own; write it there",
        ),
        (
            "anonymous = true",
            "route_defaults.anonymous: would open each route that does not say otherwise; write it there",
        ),
    ] {
        let expected = format!("configuration:{}: {expected}", line - 1);
        assert_eq!(errors(defaults, &routes), [expected], "{defaults}");
    }
    let errors = errors("", "[[routes]]\npath = \"a\"\nupstream = \"http://a\"\n");
    assert!(
        errors[0].contains("routes[0].path"),
        "a route's own: {errors:?}"
    );
    let toml = GOOD.replace("[cache]", "[route_default]\nbasic = true\n[cache]");
    let errors = Config::parse(&toml, []).unwrap_err().to_string();
    assert!(errors.contains("did you mean route_defaults?"), "{errors}");
}

#[test]
fn variables_are_defaults_as_well() {
    let variable = |name: &str, text: &str| (format!("{PREFIX}{name}"), text.to_owned());
    let toml = with("basic = true", &route("/a", ""));
    let config = Config::parse(
        &toml,
        [
            variable("ROUTE_DEFAULTS__BASIC", "only"),
            variable("ROUTE_DEFAULTS__SCOPES", "[\"repo\"]"),
        ],
    );
    let route = &config.unwrap().routes[0];
    assert_eq!(
        (route.basic, &*route.scopes.join(" ")),
        (RouteBasic::Only, "repo")
    );
    let errors = Config::parse(&toml, [variable("ROUTE_DEFAULTS__MODE", "never")]).unwrap_err();
    let errors = errors.to_string();
    let expected = format!("{PREFIX}ROUTE_DEFAULTS__MODE: route_defaults.mode: ");
    assert!(errors.starts_with(&expected), "{errors}");
}
