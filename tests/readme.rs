//! What the README shows is true. Its Rust code is run as a doctest.
#![cfg(feature = "proxy")]

use ghes_gatekeeper::proxy::config::Config;

const README: &str = include_str!("../README.md");

fn block(language: &str) -> &'static str {
    let (_, rest) = README
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

#[test]
fn the_two_commands_are_there() {
    for command in ["```sh\ncargo run -- demo\n```", "```sh\ncargo test\n```"] {
        assert!(README.contains(command), "{command}");
    }
}
