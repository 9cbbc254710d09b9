//! Several servers, several apps, and the routes that take their tokens.

use super::*;

/// Two servers, the first of which has two apps, and a route for each.
const SEVERAL: &str = r#"[[ghes]]
name = "eu"
url = "https://ghes.example.com"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[[ghes.apps]]
client_id = "abcde12345fghij67890"
client_secret = "f7cc3eea3bf74008f4bb6cab73da95c015da4fe3"
[[ghes]]
url = "https://GHES.example.org:8443"
[ghes.limits]
rate = 50
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[[routes]]
path = "/eu"
upstream = "http://127.0.0.1:3000"
ghes = "eu"
[[routes]]
path = "/us"
upstream = "http://127.0.0.1:4000"
ghes = "ghes.example.org:8443"
[[routes]]
path = "/open"
upstream = "http://127.0.0.1:5000"
anonymous = true
[authorization_server]
issuer = "https://tools.example.com"
ghes = "eu"
"#;

fn several(from: &str, to: &str) -> String {
    assert!(SEVERAL.contains(from), "{from}");
    SEVERAL.replacen(from, to, 1)
}

fn names(toml: &str) -> Vec<String> {
    let config = Config::parse(toml, []).unwrap();
    config.ghes.into_iter().map(|ghes| ghes.name).collect()
}

fn tokens(config: &Config, route: usize) -> (&str, Vec<&str>) {
    let tokens = config.routes[route].tokens.as_ref().unwrap();
    let apps = tokens.apps.iter().map(String::as_str);
    (&tokens.ghes, apps.collect())
}

#[test]
fn a_server_is_called_by_its_name_or_else_its_host() {
    assert_eq!(names(SEVERAL), ["eu", "ghes.example.org:8443"]);
    assert_eq!(names(GOOD), ["ghes.example.com"]);
    assert_eq!(names(&edited("url = ", "name = 'a'\nurl = ")), ["a"]);
}

#[test]
fn each_server_has_apps_and_limits_of_its_own() {
    let config = Config::parse(SEVERAL, []).unwrap();
    let apps: Vec<usize> = config.ghes.iter().map(|ghes| ghes.apps.len()).collect();
    let rates: Vec<u32> = config.ghes.iter().map(|g| g.limits.rate.get()).collect();
    assert_eq!((apps, rates), (vec![2, 1], vec![200, 50]));
    assert_eq!(config.authorization_server.unwrap().ghes, "eu");
}

#[test]
fn a_route_takes_tokens_of_one_server_and_of_all_its_apps_unless_it_names_some() {
    let config = Config::parse(SEVERAL, []).unwrap();
    let both = vec!["Iv1.8a61f9b3a7aba766", "abcde12345fghij67890"];
    assert_eq!(tokens(&config, 0), ("eu", both.clone()));
    let only = ("ghes.example.org:8443", vec!["Iv1.8a61f9b3a7aba766"]);
    assert_eq!(tokens(&config, 1), only);
    assert_eq!(config.routes[2].tokens, None);
    assert!(config.issuer_of(&config.routes[2]).is_none());

    // In the order of the server's apps, whatever the order here.
    let toml = several(
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = ['abcde12345fghij67890', 'Iv1.8a61f9b3a7aba766']",
    );
    assert_eq!(tokens(&Config::parse(&toml, []).unwrap(), 0), ("eu", both));
    let toml = several(
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = ['abcde12345fghij67890']",
    );
    let config = Config::parse(&toml, []).unwrap();
    let (ghes, apps) = config.issuer_of(&config.routes[0]).unwrap();
    assert_eq!(ghes.name, "eu");
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].client_id, "abcde12345fghij67890");
}

#[test]
fn where_there_is_one_server_no_route_has_to_name_it() {
    let config = Config::parse(GOOD, []).unwrap();
    let only = ("ghes.example.com", vec!["Iv1.8a61f9b3a7aba766"]);
    assert_eq!(tokens(&config, 0), only);
    let named = edited("scopes = [", "ghes = \"ghes.example.com\"\nscopes = [");
    assert_eq!(tokens(&Config::parse(&named, []).unwrap(), 0), only);
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    let printed = Config::parse(SEVERAL, []).unwrap().to_redacted_toml();
    assert_eq!(printed.matches("\n[[ghes]]\n").count(), 2, "{printed}");
    assert_eq!(printed.matches("\n[[ghes.apps]]\n").count(), 3);
    assert!(!printed.contains(SECRET) && !printed.contains(NEXT_SECRET));
    let filled = printed.replace("[redacted]", SECRET);
    let again = Config::parse(&filled, []).unwrap().to_redacted_toml();
    assert_eq!(again, printed);
    let one = Config::parse(GOOD, []).unwrap().to_redacted_toml();
    assert!(one.contains("\n[ghes]\n"), "{one}");
}

#[test]
fn the_environment_counts_servers_as_the_file_does() {
    let environment = [
        ("GHES__0__APPS__0__CLIENT_SECRET", NEXT_SECRET),
        ("GHES__1__NAME", "us"),
        ("ROUTES__1__GHES", "us"),
        ("ROUTES__0__APPS", "[\"abcde12345fghij67890\"]"),
    ];
    let config = Config::parse(SEVERAL, variables(&environment)).unwrap();
    let secret = config.ghes[0].apps[0].client_secret.expose_secret();
    assert_eq!(secret, NEXT_SECRET);
    assert_eq!(tokens(&config, 1), ("us", vec!["Iv1.8a61f9b3a7aba766"]));
    assert_eq!(tokens(&config, 0), ("eu", vec!["abcde12345fghij67890"]));

    let alone = [
        ("GHES__0__URL", "https://ghes.example.com"),
        ("GHES__0__APPS__0__CLIENT_ID", "a"),
        ("GHES__0__APPS__0__CLIENT_SECRET", "s"),
        ("ROUTES__0__PATH", "/"),
        ("ROUTES__0__UPSTREAM", "http://127.0.0.1:3000"),
    ];
    let config = Config::load(None, variables(&alone)).unwrap();
    assert_eq!(tokens(&config, 0), ("ghes.example.com", vec!["a"]));
}

#[test]
fn a_variable_does_not_replace_all_servers_of_the_file() {
    assert_eq!(
        errors(SEVERAL, &[("GHES__URL", "https://ghes.example.com")]),
        "GHES_GATEKEEPER_GHES__URL: ghes.url: configuration:1 has several servers; \
         number them, as in GHES_GATEKEEPER_GHES__0__URL"
    );
    assert_eq!(
        errors(GOOD, &[("GHES__0__URL", "https://ghes.example.com")]),
        "GHES_GATEKEEPER_GHES__0__URL: ghes[0]: configuration:4 has one server, in [ghes]; \
         leave out the number, or write [[ghes]] there"
    );
}

#[test]
fn whoever_only_calls_a_server_may_have_several_and_no_app() {
    let toml = "[[ghes]]\nurl = 'https://a'\n[[ghes]]\nurl = 'https://b'\n[[routes]]\nx = 1\n";
    let servers = GhesConfig::parse(toml, []).unwrap();
    let names: Vec<&str> = servers.iter().map(|ghes| &*ghes.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn what_is_wrong_with_a_server_is_told_once_and_not_again_by_its_routes() {
    let toml = several("https://ghes.example.com", "http://ghes.example.com");
    let text = errors(&toml, &[]);
    assert!(text.starts_with("configuration:3: ghes[0].url: http://"));
    assert_eq!(text.lines().count(), 1, "{text}");
    let toml = several("url = \"https://ghes.example.com\"", "");
    let text = errors(&toml, &[]);
    let missing = "configuration:1: ghes[0].url: missing; write url = \
                   \"https://ghes.example.com\", or set GHES_GATEKEEPER_GHES__0__URL";
    assert_eq!(text, missing);
}

#[test]
fn warnings_are_about_the_apps_of_the_route() {
    let said = |toml: &str| Config::parse(toml, []).unwrap().warnings();
    let scoped = |route: &str| several(route, &format!("{route}\nscopes = ['gist']"));
    assert!(said(SEVERAL).is_empty());
    assert!(said(&scoped("ghes = \"eu\"")).is_empty());
    let shut = said(&scoped("ghes = \"ghes.example.org:8443\""));
    assert!(shut[0].starts_with("routes[1].scopes: "), "{shut:?}");
    let narrowed = "ghes = \"eu\"\napps = ['Iv1.8a61f9b3a7aba766']\nscopes = ['gist']";
    let shut = said(&several("ghes = \"eu\"", narrowed));
    assert!(shut[0].starts_with("routes[0].scopes: "), "{shut:?}");

    let unused = said(&several(
        "ghes = \"ghes.example.org:8443\"",
        "ghes = \"eu\"",
    ));
    assert_eq!(
        unused,
        [
            "ghes[1]: no route accepts tokens of ghes.example.org:8443; \
          name it as ghes in a route, or drop it"
        ]
    );
}

#[test]
fn every_key_about_servers_and_apps_is_refused_where_it_cannot_be_kept() {
    assert!(Config::parse(SEVERAL, []).is_ok());
    for (from, to, error) in REFUSED {
        assert_eq!(
            errors(&several(from, to), &[]),
            format!("configuration:{error}")
        );
    }
}

/// What stands in [`SEVERAL`], what is written instead, and what is said about it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "name = \"eu\"",
        "name = \"\"",
        "2: ghes[0].name: not a name; write letters, digits, dots and hyphens, like ghes-eu",
    ),
    (
        "name = \"eu\"",
        "name = 1",
        "2: ghes[0].name: expected a string, found an integer",
    ),
    (
        "https://GHES.example.org:8443",
        "https://ghes.example.com:443",
        "11: ghes[1].url: is that of ghes[0] too; put all its apps there",
    ),
    (
        "url = \"https://GHES",
        "name = \"eu\"\nurl = \"https://GHES",
        "11: ghes[1].name: eu is the name of ghes[0] too; give one of them another",
    ),
    (
        "https://GHES.example.org:8443",
        "https://Ghes.Example.Com",
        "11: ghes[1].url: is that of ghes[0] too; put all its apps there",
    ),
    (
        "url = \"https://GHES",
        "nam = \"us\"\nurl = \"https://GHES",
        "11: ghes[1].nam: unknown key; did you mean name?",
    ),
    (
        "abcde12345fghij67890",
        "Iv1.8a61f9b3a7aba766",
        "8: ghes[0].apps[1].client_id: is that of apps[0] too; keep one of them",
    ),
    (
        "ghes = \"eu\"",
        "",
        "17: routes[0].ghes: missing; a token is sent to one server only: write ghes = \"eu\"; \
         there are eu, ghes.example.org:8443",
    ),
    (
        "ghes = \"eu\"",
        "ghes = \"us\"",
        "20: routes[0].ghes: no server has this name; there are eu, ghes.example.org:8443",
    ),
    (
        "ghes = \"ghes.example.org:8443\"",
        "ghes = \"ghes.example.org:843\"",
        "24: routes[1].ghes: no server has this name; did you mean ghes.example.org:8443?",
    ),
    (
        "ghes = \"eu\"",
        "ghes = [\"eu\"]",
        "20: routes[0].ghes: expected a string, found an array",
    ),
    (
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = []",
        "21: routes[0].apps: names no app; leave it out to mean all apps",
    ),
    (
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = \"abcde12345fghij67890\"",
        "21: routes[0].apps: expected an array, found a string; put it in brackets",
    ),
    (
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = [\"abcde12345fghij67891\"]",
        "21: routes[0].apps[0]: eu has no such app; did you mean abcde12345fghij67890?",
    ),
    (
        "ghes = \"ghes.example.org:8443\"",
        "ghes = \"ghes.example.org:8443\"\napps = [\"abcde12345fghij67890\"]",
        "25: routes[1].apps[0]: ghes.example.org:8443 has no such app; \
         there are Iv1.8a61f9b3a7aba766",
    ),
    (
        "ghes = \"eu\"",
        "ghes = \"eu\"\napps = [\"abcde12345fghij67890\", \"abcde12345fghij67890\"]",
        "21: routes[0].apps[1]: is listed twice; keep one",
    ),
    (
        "anonymous = true",
        "anonymous = true\nghes = \"eu\"",
        "29: routes[2].ghes: has no effect on an anonymous route; drop ghes or anonymous",
    ),
    (
        "anonymous = true",
        "anonymous = true\napps = [\"abcde12345fghij67890\"]",
        "29: routes[2].apps: has no effect on an anonymous route; drop apps or anonymous",
    ),
    (
        "issuer = \"https://tools.example.com\"\nghes = \"eu\"",
        "issuer = \"https://tools.example.com\"",
        "29: authorization_server.ghes: missing; it describes one server: \
         write ghes = \"eu\"; there are eu, ghes.example.org:8443",
    ),
    (
        "issuer = \"https://tools.example.com\"\nghes = \"eu\"",
        "issuer = \"https://tools.example.com\"\nghes = \"us\"",
        "31: authorization_server.ghes: no server has this name; \
         there are eu, ghes.example.org:8443",
    ),
];

#[test]
fn a_server_without_an_app_says_where_to_begin() {
    let toml = "[[ghes]]\nurl = 'https://a'\n[[routes]]\npath = '/'\nupstream = 'http://b'\n";
    assert_eq!(
        errors(toml, &[]),
        "configuration:1: ghes[0].apps: missing; begin with [[ghes.apps]] and its client_id, \
         or set GHES_GATEKEEPER_GHES__0__APPS__0__CLIENT_ID"
    );
    let none = errors(
        "ghes = []\n[[routes]]\npath = '/'\nupstream = 'http://b'\n",
        &[],
    );
    assert_eq!(
        none,
        "configuration:1: ghes: missing; begin with [[ghes]] and its url, \
         or set GHES_GATEKEEPER_GHES__0__URL"
    );
}

/// An administrator's login at one server may be any user's at the other.
#[test]
fn an_upstream_that_gets_people_of_two_servers_is_warned_about() {
    let warnings = |toml: &str| Config::parse(toml, []).unwrap().warnings();
    let mixed = several("http://127.0.0.1:4000", "http://127.0.0.1:3000");
    assert_eq!(
        warnings(&mixed),
        [
            "routes[1].upstream: http://127.0.0.1:3000 gets people of eu, too, by routes[0], and \
             cannot tell them from people with the same login or id at ghes.example.org:8443; give \
             each server its own upstream"
        ]
    );
    let one_of_several = "['http://127.0.0.1:4000', 'http://127.0.0.1:3000']";
    let mixed = several("\"http://127.0.0.1:4000\"", one_of_several);
    assert_eq!(warnings(&mixed).len(), 1);
    let open = several("http://127.0.0.1:5000", "http://127.0.0.1:3000");
    assert!(warnings(&open).is_empty(), "nobody is told to it");
    let same = several("ghes = \"ghes.example.org:8443\"", "ghes = \"eu\"");
    let same = same.replace("127.0.0.1:4000", "127.0.0.1:3000");
    assert_eq!(warnings(&same).len(), 1, "the server that is not used");
}

const GH: &str = "client_id = \"Iv1.8a61f9b3a7aba766\"\n\
    client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n";

#[test]
fn the_gh_command_is_an_app_that_nobody_registers() {
    let config = Config::parse(&edited(GH, "preset = \"gh-cli\"\n"), []).unwrap();
    let [app] = &config.ghes[0].apps[..] else {
        panic!("one app");
    };
    assert_eq!(app.preset, Some(AppPreset::GhCli));
    assert_eq!(app.client_id, "178c6fc778ccc68e1d6a");
    assert_eq!(app.client_secret.expose_secret().len(), 40);
    assert_eq!(tokens(&config, 0).1, ["178c6fc778ccc68e1d6a"]);
    let printed = config.to_redacted_toml();
    assert!(
        printed.contains("[[ghes.apps]]\npreset = \"gh-cli\"\n"),
        "{printed}"
    );
    assert!(!printed.contains("client_id ="), "{printed}");
    let again = Config::parse(&printed, []).unwrap();
    assert_eq!(again.to_redacted_toml(), printed);
}

#[test]
fn the_gh_command_stands_beside_an_app_of_ones_own_and_once() {
    let more = |more: &str| edited("[cache]", &format!("[[ghes.apps]]\n{more}\n[cache]"));
    let config = Config::parse(&more("preset = \"gh-cli\""), []).unwrap();
    assert_eq!(config.ghes[0].apps.len(), 2);
    let twice = more("preset = \"gh-cli\"\n[[ghes.apps]]\npreset = \"gh-cli\"");
    assert_eq!(
        errors(&twice, &[]),
        "configuration:13: ghes.apps[2].client_id: is that of apps[1] too; keep one of them"
    );
}

/// Anybody can get a token of that app, so it opens nothing by having been written somewhere else.
#[test]
fn beside_another_app_the_gh_command_is_accepted_where_it_is_named() {
    const OWN: &str = "Iv1.8a61f9b3a7aba766";
    const ID: &str = "178c6fc778ccc68e1d6a";
    let read = |edits: &[(&str, &str)]| {
        let beside = edited("[cache]", "[[ghes.apps]]\npreset = \"gh-cli\"\n[cache]");
        let toml = edits
            .iter()
            .fold(beside, |toml, (from, to)| toml.replace(from, to));
        Config::parse(&toml, []).unwrap()
    };
    let named = |ids: &str| format!("apps = [{ids}]\nforward_token = false");
    for (apps, accepted) in [
        (None, &[OWN][..]),
        (Some(format!("\"{OWN}\"")), &[OWN]),
        (Some(format!("\"{ID}\"")), &[ID]),
        (Some(format!("\"{ID}\", \"{OWN}\"")), &[OWN, ID]),
    ] {
        let line = apps.map_or_else(|| "forward_token = false".to_owned(), |ids| named(&ids));
        let config = read(&[("forward_token = false", &line)]);
        assert_eq!(tokens(&config, 0).1, accepted);
        let told = config.warnings().iter().any(|line| line.contains(ID));
        assert_eq!(told, !accepted.contains(&ID), "{:?}", config.warnings());
        let printed = config.to_redacted_toml();
        assert!(
            printed.contains(&format!("\napps = {accepted:?}\n")),
            "{printed}"
        );
    }
    let config = read(&[]);
    let warning = "ghes.apps: beside other apps of ghes.example.com, gh-cli is accepted only where \
         apps names it, and nothing does; write apps = [\"178c6fc778ccc68e1d6a\"] on a route, or drop it";
    assert!(
        config.warnings().iter().any(|line| line == warning),
        "{:?}",
        config.warnings()
    );
}

#[test]
fn no_tool_is_given_tokens_of_the_gh_command() {
    let given = |toml: String| toml.replace("forward_token = false", "forward_token = true");
    let gh = edited(GH, "preset = \"gh-cli\"\n");
    // The app is the same without the word.
    let by_id = edited("Iv1.8a61f9b3a7aba766", "178c6fc778ccc68e1d6a");
    let beside = edited("[cache]", "[[ghes.apps]]\npreset = \"gh-cli\"\n[cache]");
    let id = "apps = [\"178c6fc778ccc68e1d6a\"]\nforward_token = false";
    let named = beside.replace("forward_token = false", id);
    for toml in [&gh, &by_id, &named] {
        let text = errors(&given(toml.clone()), &[]);
        assert!(
            text.contains("forward_token: would hand this tool tokens of the gh command"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let apps = "apps = [\"Iv1.8a61f9b3a7aba766\"]\nforward_token = true";
    let other = beside.replace("forward_token = false", apps);
    assert!(Config::parse(&other, []).is_ok(), "other apps may be");
}
