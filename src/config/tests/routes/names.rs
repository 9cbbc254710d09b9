//! What routes are called.

use super::*;

#[test]
fn each_route_has_a_name_of_its_own() {
    let two = |first: &str, second: &str| {
        let route = |name: &str, path: &str| {
            format!("[[routes]]\n{name}path = \"{path}\"\nupstream = \"http://127.0.0.1:1\"\n")
        };
        let (before, _) = GOOD.split_once("[[routes]]").unwrap();
        format!("{before}{}{}", route(first, "/a"), route(second, "/b"))
    };
    let named = |name: &str| format!("name = {name}\n");
    let config = Config::parse(&two(&named("\"wiki\""), ""), []).unwrap();
    let names: Vec<&str> = config
        .routes
        .iter()
        .map(|route| route.name.as_str())
        .collect();
    assert_eq!(names, ["wiki", "/b"]);
    let printed = config.to_redacted_toml();
    assert!(
        printed.contains("name = \"wiki\"") && printed.contains("name = \"/b\""),
        "{printed}"
    );
    for (first, second) in [("\"wiki\"", "\"wiki\""), ("\"/b\"", "\"/b\"")] {
        let text = errors(&two(&named(first), &named(second)), &[]);
        assert!(
            text.contains("routes[1].name: the route at configuration:"),
            "{text}"
        );
    }
    // What one is called is not what another would be called without.
    let text = errors(&two(&named("\"/b\""), ""), &[]);
    assert!(
        text.contains("has this name, too; give each its own"),
        "{text}"
    );
    for name in [
        "\"\"",
        "\" a\"",
        "'a\"b'",
        "'a\\b'",
        "\"a\\nb\"",
        &format!("\"{}\"", "a".repeat(257)),
    ] {
        let text = errors(&two(&named(name), ""), &[]);
        assert!(
            text.contains("name: must be a short name"),
            "{name}: {text}"
        );
    }
    let text = errors(&two("name = 1\n", ""), &[]);
    assert!(text.contains("name: expected a string"), "{text}");
}

#[test]
fn a_route_without_a_name_is_called_by_what_it_is_for() {
    let (before, _) = GOOD.split_once("[[routes]]").unwrap();
    for (keys, name) in [
        ("path = \"/\"", "/"),
        (
            "path = \"/wiki\"\nhosts = [\"A.example.com\", \"b.example.com\"]",
            "a.example.com/wiki",
        ),
        ("path = \"/wiki\"\nexact = true", "/wiki alone"),
        (
            "path = \"/wiki\"\nmethods = [\"GET\", \"POST\"]",
            "GET,POST /wiki",
        ),
        ("path = \"/wiki\"\nmethods = [\"HEAD\"]", "HEAD /wiki"),
    ] {
        let route = format!("{before}[[routes]]\n{keys}\nupstream = \"http://127.0.0.1:1\"\n");
        let config = Config::parse(&route, []).unwrap();
        assert_eq!(config.routes[0].name.as_str(), name);
    }
}
