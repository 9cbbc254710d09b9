//! Where the commands take GHES from: `[ghes]`, of a file or the environment.

use std::path::PathBuf;

use super::{GITHUB_APP, Ghes, OAUTH_APP, SECRET, TOKEN, command, member, run, words};

/// A configuration that is gone when the test is.
struct Config(PathBuf);

impl Config {
    fn new(name: &str, toml: &str) -> Self {
        let file = format!("ghes-commands-{name}-{}.toml", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, toml).expect("a file");
        Self(path)
    }

    async fn run(&self, line: &str, input: &str) -> super::Done {
        let line = format!("{line} --config {}", self.0.display());
        run(command(&words(&line)), input).await
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn app(client_id: &str) -> String {
    format!("[[ghes.apps]]\nclient_id = \"{client_id}\"\nclient_secret = \"{SECRET}\"\n")
}

#[tokio::test]
async fn a_missing_configuration_says_where_to_begin() {
    let done = run(command(&["token", "check"]), TOKEN).await;
    done.failed(2, &["ghes.url: missing", "GHES_GATEKEEPER_GHES__URL"]);
    let nowhere = "grants list --user octocat --config /nowhere/a.toml";
    let done = run(command(&words(nowhere)), "octocat").await;
    done.failed(2, &["/nowhere/a.toml: cannot be read", "ghes.url"]);
    let mut without_app = command(&["token", "check"]);
    without_app.env("GHES_GATEKEEPER_GHES__URL", "http://127.0.0.1:1");
    let done = run(without_app, TOKEN).await;
    done.failed(2, &["ghes.apps: missing; begin with [[ghes.apps]]"]);
}

#[tokio::test]
async fn the_other_sections_may_be_missing_or_broken() {
    let ghes = Ghes::start().await;
    let toml = format!(
        "[surver]\n[[routes]]\npath = 1\n[ghes]\nurl = \"{}\"\n{}",
        ghes.url,
        app(GITHUB_APP)
    );
    let config = Config::new("broken", &toml);
    config.run("token check", TOKEN).await.good();
    let line = "grants list --user octocat --json";
    assert_eq!(config.run(line, "octocat").await.json()[0]["id"], 1);
}

#[tokio::test]
async fn a_user_needs_no_app() {
    let ghes = Ghes::start().await;
    let config = Config::new("no-app", &format!("[ghes]\nurl = \"{}\"\n", ghes.url));
    config
        .run("grants list --user octocat", "octocat")
        .await
        .good();
}

#[tokio::test]
async fn one_of_several_apps_is_picked_by_its_client_id() {
    let ghes = Ghes::start().await;
    let apps = app(OAUTH_APP) + &app(GITHUB_APP);
    let config = Config::new(
        "several",
        &format!("[ghes]\nurl = \"{}\"\n{apps}", ghes.url),
    );
    let done = config.run("token check", TOKEN).await;
    done.failed(2, &["several apps", "--client-id", OAUTH_APP, GITHUB_APP]);
    let picked = format!("token check --client-id {GITHUB_APP}");
    let table = config.run(&picked, TOKEN).await.good();
    assert_eq!(member(&table, "user"), "octocat");
    let other = format!("token check --client-id {OAUTH_APP}");
    config
        .run(&other, TOKEN)
        .await
        .failed(1, &["another app's"]);
    let unknown = config.run("token check --client-id a", TOKEN).await;
    unknown.failed(2, &["--client-id: ghes.apps has no such app"]);
}

#[tokio::test]
async fn one_of_several_servers_is_picked_by_its_name() {
    let (here, there) = (Ghes::start().await, Ghes::start().await);
    let server = |name, url| {
        let app = app(GITHUB_APP);
        format!("[[ghes]]\nname = \"{name}\"\nurl = \"{url}\"\n{app}")
    };
    let toml = server("here", &here.url) + &server("there", &there.url);
    let config = Config::new("servers", &toml);
    for line in ["token check", "grants list --user octocat"] {
        let done = config.run(line, TOKEN).await;
        done.failed(2, &["several servers", "--ghes", "here, there"]);
        let unknown = config.run(&format!("{line} --ghes nowhere"), TOKEN).await;
        unknown.failed(2, &["--ghes: ", "no such server", "here, there"]);
    }
    let delete = "token delete --yes --ghes there";
    config.run(delete, TOKEN).await.good();
    let check = "token check --ghes there";
    config.run(check, TOKEN).await.failed(1, &["404"]);
    config.run("token check --ghes here", TOKEN).await.good();
}

#[tokio::test]
async fn every_mistake_in_ghes_is_a_line() {
    let toml = "[ghes]\nurl = \"http://ghes.example.com\"\nurll = 1\n";
    let config = Config::new("mistakes", toml);
    for line in ["token delete --yes", "grants list --user octocat"] {
        let done = config.run(line, TOKEN).await;
        assert_eq!(
            (done.code, done.err.lines().count()),
            (2, 2),
            "{}",
            done.err
        );
        assert!(done.err.contains(":2: ghes.url: http://"), "{}", done.err);
        assert!(done.err.contains("allow_insecure_http"), "{}", done.err);
        assert!(done.err.contains(":3: ghes.urll: unknown"), "{}", done.err);
    }
}

/// It has no legacy API; it is told before the password is asked for, and before any call.
#[tokio::test]
async fn ghe_com_and_github_com_are_refused_by_name() {
    for url in ["https://octocorp.ghe.com", "https://github.com"] {
        for line in ["grants list", "authorizations delete 1 --yes"] {
            let mut command = command(&words(&format!("{line} --user octocat")));
            command.env("GHES_GATEKEEPER_GHES__URL", url);
            let done = run(command, "").await;
            let says = format!("ghes.url: {url} has no OAuth authorizations API");
            done.failed(2, &[&says]);
        }
    }
}
