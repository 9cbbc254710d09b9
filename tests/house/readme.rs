//! What the README shows is true. Its Rust code is run as a doctest.

use ghes_gatekeeper::config::Config;

const README: &str = include_str!("../../README.md");

fn block(language: &str) -> &'static str {
    let (_, front) = README.split_once("## In front of any tool\n").expect("it");
    let (_, rest) = front
        .split_once(&format!("```{language}\n"))
        .expect(language);
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_configuration_works_but_for_the_secret() {
    let toml = block("toml");
    assert!(toml.lines().count() <= 12);
    let secret_file = r#"client_secret_file = "/run/secrets/ghes-client-secret""#;
    assert!(toml.contains(secret_file));
    let toml = toml.replace(secret_file, r#"client_secret = "secret""#);
    let config = Config::parse(&toml, []).expect("a configuration");
    assert_eq!(config.routes[0].scopes.join(" "), "read:org");
}

#[test]
fn the_configuration_of_several_servers_works_but_for_the_secrets() {
    let (_, section) = README
        .split_once("### Several apps, several servers\n\n```toml\n")
        .expect("the section");
    let (toml, _) = section.split_once("```").expect("its end");
    let toml = toml.replace("client_secret_file = \"/run/secrets/", "client_secret = \"");
    let config = Config::parse(&toml, []).expect("a configuration");
    let apps = |ghes: &str| {
        let mut servers = config.ghes.iter();
        servers
            .find(|server| server.name == ghes)
            .expect(ghes)
            .apps
            .len()
    };
    assert_eq!((apps("eu"), apps("us")), (2, 1));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}

#[cfg(feature = "emulator")]
#[test]
fn the_world_of_the_emulator_is_one() {
    let (_, section) = README
        .split_once("(`--world world.toml`):\n\n```toml\n")
        .expect("the section");
    let (toml, _) = section.split_once("```").expect("its end");
    let world = ghes_gatekeeper::emulator::World::from_toml(toml);
    assert!(world.is_ok(), "{world:?}");
    let unknown = toml.replace("octocat\"\nscopes", "nobody\"\nscopes");
    assert!(ghes_gatekeeper::emulator::World::from_toml(&unknown).is_err());
}

/// What a reader pastes is what this package has: its name, its features, and versions that the
/// program beside it is compiled with.
#[test]
fn the_dependencies_are_those_of_the_program() {
    let (_, section) = README
        .split_once("## In a Rust app\n")
        .expect("the section");
    let (_, section) = section.split_once("```toml\n").expect("the lines");
    let (lines, _) = section.split_once("```").expect("its end");
    let pasted: toml::Table = lines.parse().expect("TOML");
    let pasted = pasted["dependencies"].as_table().expect("dependencies");
    let own: toml::Table = include_str!("../../Cargo.toml").parse().expect("TOML");
    let ours = &pasted[own["package"]["name"].as_str().expect("a name")];
    assert_eq!(ours["version"], own["package"]["version"]);
    for feature in ours["features"].as_array().expect("features") {
        let name = feature.as_str().expect("a name");
        assert!(own["features"].get(name).is_some(), "{name}");
    }
    assert_eq!(ours["default-features"].as_bool(), Some(false));
    for name in ["axum", "tokio"] {
        let version = |table: &toml::Value| {
            let version = table.get("version").unwrap_or(table).as_str();
            let version = version.expect("a version").to_owned();
            version.split('.').next().map(str::to_owned)
        };
        assert_eq!(
            version(&pasted[name]),
            version(&own["dev-dependencies"][name])
        );
    }
    let (program, _) = README.split_once("```toml").expect("the lines");
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
