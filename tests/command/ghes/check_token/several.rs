//! Several apps and several servers: which of them were asked, in which order, and which said so.

use ghes_gatekeeper::emulator::{Fault, Operation};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{Done, GITHUB_APP, Ghes, OAUTH_APP, SECRET, TOKEN, command, member, run, words};

/// Two servers, of which the first has two apps.
struct Servers {
    main: Ghes,
    other: Ghes,
    config: std::path::PathBuf,
}

impl Servers {
    async fn start(name: &str, oauth_secret: &str) -> Self {
        let (main, other) = (Ghes::start().await, Ghes::start().await);
        let app = |id: &str, secret: &str| {
            format!("[[ghes.apps]]\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n")
        };
        let toml = format!(
            "[[ghes]]\nname = \"main\"\nurl = \"{}\"\n{}{}\
             [[ghes]]\nname = \"other\"\nurl = \"{}\"\n{}\
             [[routes]]\npath = \"/\"\nghes = \"main\"\nupstream = \"http://127.0.0.1:1\"\n\
             teams = [\"octo-org/platform\"]\n\
             [[routes]]\npath = \"/one\"\nghes = \"main\"\napps = [\"{OAUTH_APP}\"]\n\
             upstream = \"http://127.0.0.1:1\"\n\
             [[routes]]\npath = \"/other\"\nghes = \"other\"\nupstream = \"http://127.0.0.1:1\"\n",
            main.url,
            app(OAUTH_APP, oauth_secret),
            app(GITHUB_APP, SECRET),
            other.url,
            app(GITHUB_APP, SECRET),
        );
        let file = format!("check-token-{name}-{}.toml", std::process::id());
        let config = std::env::temp_dir().join(file);
        std::fs::write(&config, toml).expect("a file");
        Self {
            main,
            other,
            config,
        }
    }

    async fn check(&self, line: &str, token: &str) -> Done {
        let line = format!("check token --config {} {line}", self.config.display());
        let done = run(command(&words(&line)), token).await;
        assert!(!done.out.contains(token), "{}", done.out);
        done
    }

    async fn json(&self, line: &str, token: &str) -> (i32, Value) {
        let done = self.check(&format!("{line} --json"), token).await;
        let json = serde_json::from_str(&done.out);
        (done.code, json.expect("JSON"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

/// Each app that was asked, and what came of it.
fn asked(trace: &Value) -> Vec<[&str; 3]> {
    let apps = trace["apps"].as_array().expect("a list").iter();
    apps.map(|app| ["ghes", "client_id", "outcome"].map(|name| app[name].as_str().expect("a word")))
        .collect()
}

#[tokio::test]
async fn it_is_told_which_app_was_asked_and_which_answered() {
    let servers = Servers::start("order", SECRET).await;
    let (code, trace) = servers.json("", TOKEN).await;
    assert_eq!((code, &trace["allowed"]), (0, &json!(true)));
    assert_eq!(trace["route"]["ghes"], "main");
    assert_eq!(trace["route"]["apps"], json!([OAUTH_APP, GITHUB_APP]));
    let answers = [
        ["main", OAUTH_APP, "inactive"],
        ["main", GITHUB_APP, "active"],
    ];
    assert_eq!(asked(&trace), answers);
    assert_eq!(trace["apps"][1]["identity"]["client_id"], GITHUB_APP);
    assert_eq!(trace["memberships"][0]["membership"], "member");
    let text = servers.check("", TOKEN).await.good();
    let tokens = format!("{OAUTH_APP}, {GITHUB_APP} on main");
    assert_eq!(member(&text, " tokens of"), tokens);
    let places = ["not valid: wrong", OAUTH_APP, "active (", GITHUB_APP].map(|said| {
        let apps = text.find("\nGHES").expect("the apps");
        text[apps..].find(said).expect(said)
    });
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_route_of_some_apps_or_of_another_server_asks_those_alone() {
    let servers = Servers::start("some", SECRET).await;
    let (code, trace) = servers.json("--path /one", TOKEN).await;
    assert_eq!(
        (code, asked(&trace)),
        (1, vec![["main", OAUTH_APP, "inactive"]])
    );
    assert_eq!(trace["rules"], json!([]));
    let token = servers.main.emulator.mint(GITHUB_APP, "hubot", &[], None);
    let asked_before = servers.main.emulator.calls(Operation::CheckToken);
    let (code, trace) = servers
        .json("--path /other", &token.expect("a token"))
        .await;
    assert_eq!(
        (code, asked(&trace)),
        (1, vec![["other", GITHUB_APP, "inactive"]])
    );
    assert_eq!(servers.other.emulator.calls(Operation::CheckToken), 1);
    let asked = servers.main.emulator.calls(Operation::CheckToken);
    assert_eq!(
        asked, asked_before,
        "the token was sent to a server of another route"
    );
}

#[tokio::test]
async fn an_app_whose_credentials_are_refused_keeps_nobody_out_whom_another_knows() {
    let servers = Servers::start("refused", "wrong").await;
    let (code, trace) = servers.json("", TOKEN).await;
    let answers = [
        ["main", OAUTH_APP, "unavailable"],
        ["main", GITHUB_APP, "active"],
    ];
    assert_eq!((code, asked(&trace)), (0, answers.to_vec()));
    assert_eq!(trace["apps"][0]["reason"], "client_auth_failed");
    // Who is known to nobody might be known to the app that could not ask.
    let (code, trace) = servers.json("", "gho_nobody").await;
    assert_eq!((code, &trace["decision"]["status"]), (3, &json!(503)));
    let answers = [
        ["main", OAUTH_APP, "unavailable"],
        ["main", GITHUB_APP, "inactive"],
    ];
    assert_eq!(asked(&trace), answers);
}

#[tokio::test]
async fn an_outage_of_the_server_ends_the_questions() {
    let servers = Servers::start("outage", SECRET).await;
    let fault = Fault::status(StatusCode::BAD_GATEWAY);
    servers.main.emulator.fail(fault);
    let (code, trace) = servers.json("", TOKEN).await;
    assert_eq!(
        (code, asked(&trace)),
        (3, vec![["main", OAUTH_APP, "unavailable"]])
    );
}
