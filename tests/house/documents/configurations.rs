//! Each configuration that is shown is read, and warned of nowhere.

use std::path::PathBuf;
use std::{env, fs, iter, process};

use ghes_gatekeeper::config::Config;
use rcgen::{CertifiedKey, KeyPair, PKCS_ED25519, generate_simple_self_signed};
use toml::{Table, Value};

use super::{Snippet, snippets_in};

/// A directory with the files that configurations name.
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn new(test: &str) -> Self {
        let name = format!("ghes-gatekeeper-{test}-{}", process::id());
        let files = Self(env::temp_dir().join(name));
        fs::create_dir_all(&files.0).expect("a directory");
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["gate.example.com".to_owned()]).expect("a certificate");
        let assertion = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        files.write("certificate.pem", &cert.pem());
        files.write("key.pem", &signing_key.serialize_pem());
        files.write("assertion.pem", &assertion.serialize_pem());
        files.write("secret", "0123456789abcdef0123456789abcdef");
        files
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Puts files that are there in place of those that a reader has.
    pub(super) fn name_in(&self, table: &mut Table) {
        let is_session = table.contains_key("login_url");
        for (key, value) in table.iter_mut() {
            let there = match key.as_str() {
                "ca_file" | "cert_file" => self.path("certificate.pem").into(),
                "key_file" => self.path("key.pem").into(),
                "key_files" if is_session => vec![self.path("secret")].into(),
                "key_files" => vec![self.path("assertion.pem")].into(),
                key if key.ends_with("secret_file") => self.path("secret").into(),
                _ => {
                    tables_in(value).for_each(|table| self.name_in(table));
                    continue;
                }
            };
            *value = there;
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The tables that a value is, or has in its array.
fn tables_in(value: &mut Value) -> Box<dyn Iterator<Item = &mut Table> + '_> {
    match value {
        Value::Table(table) => Box::new(iter::once(table)),
        Value::Array(values) => Box::new(values.iter_mut().filter_map(Value::as_table_mut)),
        _ => Box::new(iter::empty()),
    }
}

/// Makes a part of a configuration whole: a GHES, an app and a route, where it has none.
pub(super) fn completed(part: &str, files: &Files) -> String {
    let whole: Table = WHOLE.parse().expect("TOML");
    let mut table: Table = part.parse().expect("TOML");
    if let Some(Value::Table(of_route)) = table.get("routes").cloned() {
        let mut route = whole["routes"][0].as_table().expect("a route").clone();
        route.extend(of_route);
        table.insert("routes".to_owned(), vec![route].into());
    }
    let apps = &whole["ghes"]["apps"];
    if let Some(Value::Table(ghes)) = table.get_mut("ghes") {
        ghes.entry("apps").or_insert_with(|| apps.clone());
    }
    for (key, value) in &whole {
        table.entry(key).or_insert_with(|| value.clone());
    }
    files.name_in(&mut table);
    table.to_string()
}

const WHOLE: &str = r#"
    [ghes]
    url = "https://ghes.example.com"
    [[ghes.apps]]
    client_id = "abcde12345fghij67890"
    client_secret = "secret"
    [[routes]]
    path = "/"
    upstream = "http://127.0.0.1:3000"
"#;

pub(super) fn configurations() -> impl Iterator<Item = Snippet> {
    let of_others = ["[dependencies]", "[[users]]"];
    let is_ours = move |snippet: &Snippet| !of_others.iter().any(|of| snippet.text.starts_with(of));
    snippets_in("toml").into_iter().filter(is_ours)
}

#[test]
fn every_configuration_is_read_and_warned_of_nowhere() {
    let files = Files::new("manual");
    let mut count = 0;
    for Snippet { document, text, .. } in configurations() {
        let config = Config::parse(&completed(&text, &files), []);
        let config = config.unwrap_or_else(|errors| panic!("{document}: {errors}\n{text}"));
        let warnings = config.warnings();
        assert!(warnings.is_empty(), "{document}: {warnings:?}\n{text}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn a_configuration_with_a_key_that_does_not_exist_would_be_found() {
    let files = Files::new("nonsense");
    let mut count = 0;
    for Snippet { document, text, .. } in configurations() {
        let nonsense = text.replacen("]\n", "]\nnonsense = 1\n", 1);
        let errors = Config::parse(&completed(&nonsense, &files), []).expect_err(&document);
        assert!(errors.to_string().contains("nonsense"), "{errors}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn the_configuration_of_several_servers_has_their_apps() {
    let files = Files::new("servers");
    let mut all = configurations();
    let servers = all.find(|snippet| snippet.text.starts_with("[[ghes]]"));
    let toml = completed(&servers.expect("the servers").text, &files);
    let config = Config::parse(&toml, []).expect("a configuration");
    let apps = |ghes: &str| {
        let mut servers = config.ghes.iter();
        let server = servers.find(|server| server.name == ghes).expect(ghes);
        server.apps.len()
    };
    assert_eq!((apps("eu"), apps("us")), (2, 1));
}

#[cfg(feature = "emulator")]
#[test]
fn the_world_of_the_emulator_is_one() {
    let mut all = snippets_in("toml").into_iter();
    let world = all.find(|snippet| snippet.text.starts_with("[[users]]"));
    let toml = world.expect("the world").text;
    let world = ghes_gatekeeper::emulator::World::from_toml(&toml);
    assert!(world.is_ok(), "{world:?}");
    let unknown = toml.replace("octocat\"\nscopes", "nobody\"\nscopes");
    assert!(ghes_gatekeeper::emulator::World::from_toml(&unknown).is_err());
}
