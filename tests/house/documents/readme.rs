//! What the README has that no chapter has.

use ghes_gatekeeper::config::Config;
use toml::{Table, Value};

use super::README;
use super::configurations::Files;

const PACKAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));

/// Of the README, the block below a header.
fn block(header: &str, language: &str) -> &'static str {
    let (_, section) = README.split_once(header).expect(header);
    let (_, rest) = section
        .split_once(&format!("```{language}\n"))
        .expect(language);
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_configuration_of_the_readme_works_and_is_short() {
    let files = Files::new("readme");
    let toml = block("## In front of any tool\n", "toml");
    assert!(toml.lines().count() <= 12);
    // It has all that one needs, so nothing is added but the files.
    let mut table: Table = toml.parse().expect("TOML");
    files.name_in(&mut table);
    let config = Config::parse(&table.to_string(), []).expect("a configuration");
    assert_eq!(config.routes[0].scopes.join(" "), "read:org");
}

/// What a reader pastes is what this package has: its name, its features, and versions that the
/// program beside it is compiled with.
#[test]
fn the_dependencies_are_those_of_the_program() {
    let lines = block("## In a Rust app\n", "toml");
    let pasted: Table = lines.parse().expect("TOML");
    let pasted = pasted["dependencies"].as_table().expect("dependencies");
    let own: Table = PACKAGE.parse().expect("TOML");
    let ours = &pasted[own["package"]["name"].as_str().expect("a name")];
    assert_eq!(ours["version"], own["package"]["version"]);
    for feature in ours["features"].as_array().expect("features") {
        let name = feature.as_str().expect("a name");
        assert!(own["features"].get(name).is_some(), "{name}");
    }
    assert_eq!(ours["default-features"].as_bool(), Some(false));
    for name in ["axum", "tokio"] {
        let version = |table: &Value| {
            let version = table.get("version").unwrap_or(table).as_str();
            let version = version.expect("a version").to_owned();
            version.split('.').next().map(str::to_owned)
        };
        assert_eq!(
            version(&pasted[name]),
            version(&own["dev-dependencies"][name])
        );
    }
    let program = block("## In a Rust app\n", "rust,no_run");
    for name in ["axum", "tokio", "ghes_gatekeeper"] {
        assert!(program.contains(&format!("{name}::")), "{name}");
    }
    assert_eq!(pasted.len(), 3, "{pasted:?}");
}

#[test]
fn the_two_commands_are_there() {
    for command in ["```sh\ncargo run -- demo\n```", "```sh\ncargo test\n```"] {
        assert!(README.contains(command), "{command}");
    }
}
