//! The schema of the configuration lets pass what is documented, and refuses what is none.

use std::fs;
use std::path::Path;

use ghes_gatekeeper::config::Config;
use jsonschema::{Draft, Validator};
use serde_json::Value;

fn validator() -> Validator {
    let schema = Config::schema();
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.build(&schema).expect("a schema")
}

/// Returns where a file is not as the schema has it.
fn mistakes(toml: &str) -> Vec<String> {
    let file: toml::Value = toml::from_str(toml).expect("TOML");
    let file = serde_json::to_value(file).expect("JSON");
    let errors = validator();
    let errors = errors.iter_errors(&file);
    errors
        .map(|error| error.instance_path().to_string())
        .collect()
}

/// The example with all that it only shows in force; of `cors`, the table or the word.
fn whole_example(without: &str) -> String {
    let lines = Config::EXAMPLE.lines().map(|line| {
        let shown = line.strip_prefix("# ").unwrap_or(line);
        if shown.starts_with('[') || shown.contains(" = ") {
            shown
        } else {
            line
        }
    });
    let lines = lines.filter(|line| !line.starts_with(without));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_what_the_schema_wants() {
    assert_eq!(mistakes(Config::EXAMPLE), Vec::<String>::new());
    let whole = whole_example("cors = ");
    assert!(whole.contains("\n[routes.cors]") && whole.contains("\naudience = "));
    assert_eq!(mistakes(&whole), Vec::<String>::new());
}

#[test]
fn the_documented_snippets_are_what_the_schema_wants() {
    let keys = &Config::schema()["properties"];
    let of_the_gate = |toml: &&str| {
        let file: toml::Table = toml.parse().expect("TOML");
        file.keys().any(|key| keys.get(key).is_some())
    };
    let mut snippets = 0;
    for page in pages() {
        let blocks = page.split("```toml\n").skip(1);
        let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
        for toml in blocks.filter(of_the_gate) {
            snippets += 1;
            // A snippet of a table below a route leaves out the route.
            let toml = match toml.contains("[[routes]]") {
                true => toml.to_owned(),
                false => toml.replacen("[routes.", "[[routes]]\n[routes.", 1),
            };
            assert_eq!(mistakes(&toml), Vec::<String>::new(), "{toml}");
        }
    }
    assert!(snippets > 5, "{snippets}");
}

/// The README, and the chapters of the manual.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let chapters = fs::read_dir(root.join("src/manual")).expect("the manual");
    let chapters = chapters.map(|chapter| chapter.expect("a chapter").path());
    let pages = chapters.chain([root.join("README.md")]);
    let pages = pages.filter(|page| page.extension().is_some_and(|name| name == "md"));
    pages
        .map(|page| fs::read_to_string(page).expect("a page"))
        .collect()
}

/// The environment may have the rest.
#[test]
fn a_file_need_not_have_a_key() {
    assert_eq!(mistakes(""), Vec::<String>::new());
    assert_eq!(mistakes("[[ghes]]\n[[ghes]]\n"), Vec::<String>::new());
}

#[test]
fn unknown_keys_and_values_of_another_kind_are_refused() {
    for toml in [
        "url = \"x\"",
        "[cach]",
        "[cache]\nttl = \"60s\"",
        "[cache]\nactive_max_age = 60",
        "[cache]\nactive_capacity = 0",
        "[cache]\nactive_capacity = \"100\"",
        "[server.limits]\nhead_fields = 19",
        "[server.limits]\nrate = 1",
        "[server]\nlisten = 8080",
        "[server]\nlisten = [8080]",
        "[server]\nh2c = \"yes\"",
        "[ghes]\nlimits = 5",
        "[ghes.limits]\nrate = 0",
        "[[ghes]]\nlimits.rate = 0",
        "[[ghes]]\napps = [{ client_idd = \"a\" }]",
        "[ghes.apps]",
        "[routes]",
        "[[routes]]\nupstrem = \"http://a\"",
        "[[routes]]\nmethods = \"GET\"",
        "[[routes]]\naccount_types = [\"Robot\"]",
        "[[routes]]\nidentity_headers = \"x-user\"",
        "[[routes]]\ncors = \"none\"",
        "[[routes]]\ncors.origins = []",
        "[[routes]]\ntimeouts.connect = 1",
        "[[routes]]\nuser_ids = [0]",
        "[webhook]\nsecret = 5",
    ] {
        assert!(!mistakes(toml).is_empty(), "{toml}");
    }
}

/// One slip in each key of the example, and one value of a kind that no key has.
#[test]
fn a_slip_in_any_key_is_refused() {
    let whole = whole_example("cors = ");
    let mut keys = 0;
    for (at, line) in whole.lines().enumerate() {
        let Some((key, _)) = line
            .split_once(" = ")
            .filter(|_| !line.starts_with([' ', '[']))
        else {
            continue;
        };
        keys += 1;
        for slip in [
            line.replacen(key, &format!("{key}x"), 1),
            format!("{key} = 1.5"),
        ] {
            let mut lines: Vec<&str> = whole.lines().collect();
            lines[at] = &slip;
            assert!(!mistakes(&lines.join("\n")).is_empty(), "{slip}");
        }
    }
    assert!(keys > 100, "{keys}");
}

/// What is said of each key is in the schema, too.
#[test]
fn the_schema_says_what_a_key_is_for() {
    let schema = Config::schema();
    let age = &schema["properties"]["cache"]["properties"]["active_max_age"];
    assert_eq!(
        age["description"],
        "= how long a revoked token may still work"
    );
    assert_eq!(age["default"], Value::from("1m"));
}
