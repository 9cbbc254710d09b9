//! Gates that are made to forget, and what is said of each.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use http::Request;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::running::{Running, run};

/// Octocat's, of the documents.
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const HASH: &str = "98e8d6bfbc2ec60a2c48b09b45f5c05c7b35b9f3f5a2a6e1d1bfb5c3c0f0f4ab";
const SECRET: &str = "CANARY0123456789abcdef0123456789";

/// An emulator, and two gates before it.
struct Site {
    folder: PathBuf,
    gates: Vec<(Running, String, String)>,
    _emulator: Running,
}

impl Site {
    async fn start(name: &str) -> Self {
        let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
        let ghes = emulator.address("emulator").await;
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("ghes-gatekeeper-purge-{name}-{id}"));
        fs::create_dir(&folder).expect("a directory");
        fs::write(folder.join("admin"), format!("{SECRET}\n")).expect("a file");
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [admin]\nsecret_file = \"{}\"\n[ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n",
            folder.join("admin").display()
        );
        fs::write(folder.join("gate.toml"), toml).expect("a file");
        let mut site = Self {
            folder,
            gates: Vec::new(),
            _emulator: emulator,
        };
        for _ in 0..2 {
            let config = site.file("gate.toml");
            let mut gate = Running::start(&["serve", "--config", &config]);
            let address = gate.address("gate").await;
            let admin = format!("http://{}", gate.address("admin").await);
            site.gates.push((gate, address, admin));
        }
        site
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Lets octocat in at each gate, so that each has something to forget.
    async fn remember(&self) {
        for (_, address, _) in &self.gates {
            let request = Request::get(format!("http://{address}/"));
            let request = request.header("authorization", format!("Bearer {TOKEN}"));
            let client = Client::builder(TokioExecutor::new()).build_http();
            let request = request.body(Empty::<bytes::Bytes>::new());
            let response = client.request(request.expect("a request")).await;
            // The emulator answers so outside its API.
            assert_eq!(response.expect("a response").status(), 406);
        }
    }

    async fn purge(&self, arguments: &[&str]) -> Output {
        let secret = self.file("admin");
        let common = ["purge", "--secret-file", &secret];
        let urls = self.gates.iter().flat_map(|(_, _, admin)| ["--url", admin]);
        let all: Vec<&str> = common
            .into_iter()
            .chain(urls)
            .chain(arguments.iter().copied())
            .collect();
        run(&all).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn each_gate_forgets_whom_one_names() {
    let site = Site::start("names").await;
    let config = site.file("gate.toml");
    for (arguments, count) in [
        (&["--user-id", "1"][..], 1),
        (&["--user-id", "2"], 0),
        (&["--login", "octocat", "--config", &config], 1),
        (&["--login", "OctoCat", "--config", &config], 1),
        (&["--login", "hubot", "--config", &config], 0),
        (&["--client-id", "Iv1.8a61f9b3a7aba766"], 1),
        (&["--hashed-token", HASH], 0),
        (&["--authorization-id", "404"], 0),
    ] {
        site.remember().await;
        let output = site.purge(arguments).await;
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let tokens = if count == 1 { "token" } else { "tokens" };
        let lines = site
            .gates
            .iter()
            .map(|(_, _, admin)| format!("{admin}/: {count} {tokens} forgotten\n"));
        assert_eq!(text(&output.stdout), lines.collect::<String>());
    }
    // Among all is the token that the gate has made up to find out whether GHES answers.
    site.remember().await;
    let output = site.purge(&["--all"]).await;
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        assert!(
            line.contains(" forgotten") && !line.contains(": 0 "),
            "{line}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_line() {
    let site = Site::start("refused").await;
    let admin = &*site.gates[0].2;
    let config = site.file("gate.toml");
    fs::write(site.file("other"), "guessed").expect("a file");
    let other = site.file("other");
    for (arguments, code, said) in [
        (
            &["--all", "--url", admin][..],
            1,
            "answered 401 Unauthorized: send Authorization: Bearer and the secret of [admin]; \
             give --secret-file with the secret of [admin]",
        ),
        (
            &["--all", "--url", admin, "--secret-file", &other],
            1,
            "answered 401 Unauthorized",
        ),
        (
            &["--all", "--url", "http://127.0.0.1:1"],
            3,
            "http://127.0.0.1:1/: ",
        ),
        (
            &["--all", "--secret-file", "/nowhere"],
            2,
            "/nowhere: cannot be read: ",
        ),
        (
            &["--login", "nobody", "--config", &config],
            1,
            "GHES knows no user nobody; check the login, or give the id",
        ),
        (&["--login", "octocat"], 2, "ghes.url: missing"),
        (&[], 2, "--user-id"),
        (&["--all", "--user-id", "1"], 2, "cannot be used with"),
        (&["--user-id", "octocat"], 2, "invalid digit"),
        (
            &["--all", "--url", "http://127.0.0.1:9901/purge"],
            2,
            "without a path",
        ),
        (
            &["--all", "--url", "https://127.0.0.1:9901"],
            2,
            "write it like",
        ),
    ] {
        let output = run(&[&["purge"], arguments].concat()).await;
        let errors = text(&output.stderr);
        assert!(errors.contains(said), "{arguments:?}: {errors}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(
            !errors.contains(SECRET) && !errors.contains("guessed"),
            "{errors}"
        );
        assert_eq!(text(&output.stdout), "");
    }
    let output = site.purge(&["--hashed-token", TOKEN]).await;
    assert!(text(&output.stderr).contains("answered 400 Bad Request: hashed_token: "));
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn one_gate_that_is_away_keeps_no_other_from_forgetting() {
    let site = Site::start("away").await;
    site.remember().await;
    let nowhere = "http://127.0.0.1:1";
    let output = site.purge(&["--all", "--url", nowhere]).await;
    assert_eq!(text(&output.stdout).lines().count(), 2);
    let errors = text(&output.stderr);
    assert!(errors.starts_with(nowhere), "{errors}");
    assert_eq!(output.status.code(), Some(3));
}
