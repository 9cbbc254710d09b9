use super::*;

const GHES: &str = "[ghes]\nurl = \"https://ghes.example.com\"\n";

fn errors_alone(toml: &str, environment: &[(&str, &str)]) -> String {
    let errors = GhesConfig::parse(toml, variables(environment)).unwrap_err();
    errors.to_string()
}

#[test]
fn nothing_but_the_section_matters() {
    let others = "[server]\nlisten = 1\n[surver]\n[[routes]]\npath = \"x\"\n[cache]\nactive = 1\n";
    let elsewhere = [
        ("ROUTES__5__PATH", "x"),
        ("SERVER__PORT", "1"),
        ("cache__age", "1"),
    ];
    let ghes = GhesConfig::parse(&format!("{others}{GHES}"), variables(&elsewhere))
        .unwrap()
        .remove(0);
    assert_eq!(ghes.url.to_string(), "https://ghes.example.com");
    assert!(ghes.apps.is_empty());
}

#[test]
fn there_may_be_several_apps_and_the_environment_wins() {
    let app = |id| format!("[[ghes.apps]]\nclient_id = \"{id}\"\nclient_secret = \"{SECRET}\"\n");
    let toml = format!("{GHES}{}{}", app("a"), app("b"));
    let environment = [
        ("GHES__URL", "http://127.0.0.1:9090"),
        ("GHES__APPS__1__CLIENT_ID", "c"),
    ];
    let ghes = GhesConfig::parse(&toml, variables(&environment))
        .unwrap()
        .remove(0);
    let ids: Vec<&str> = ghes.apps.iter().map(|app| &*app.client_id).collect();
    assert_eq!(ids, ["a", "c"]);
    assert_eq!(ghes.url.to_string(), "http://127.0.0.1:9090");
}

#[test]
fn every_mistake_of_the_section_is_reported_with_its_place() {
    assert_eq!(
        errors_alone(
            "[ghes]\nurl = \"http://ghes.example.com\"\nurll = 1\n[[ghes.apps]]\n",
            &[("GHES__CA", "x"), ("ghes__x", "y")]
        ),
        "configuration:2: ghes.url: http:// would show every token and the app's secret to the \
         network; use https://, or set ghes.allow_insecure_http = true for a test\n\
         configuration:3: ghes.urll: unknown key; did you mean url?\n\
         configuration:4: ghes.apps[0].client_id: missing; \
         write client_id = \"Iv1.8a61f9b3a7aba766\", \
         or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID\n\
         configuration:4: ghes.apps[0].client_secret_file: missing; \
         write client_secret_file = \"/run/secrets/...\", \
         or set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET_FILE\n\
         GHES_GATEKEEPER_GHES__CA: ghes.ca: unknown key\n\
         GHES_GATEKEEPER_ghes__x: write it in capitals"
    );
    for toml in ["", "ghes = 1"] {
        assert!(errors_alone(toml, &[]).contains("ghes"), "{toml}");
    }
    let nothing = GhesConfig::load(None, []).unwrap_err().to_string();
    assert!(nothing.starts_with("ghes.url: missing; "), "{nothing}");
    let nowhere = GhesConfig::load(Some(Path::new("/nowhere/a.toml")), []).unwrap_err();
    let nowhere = nowhere.to_string();
    assert!(
        nowhere.ends_with("; create it with at least ghes.url"),
        "{nowhere}"
    );
}
