//! The commands that call GHES, on an emulator in this process.

mod authorizations;
mod check_token;
mod completions;
mod configuration;
mod failures;
mod grants;
mod output;
mod standard_input;
mod terminal;
mod token;

use std::process::{Output, Stdio};

use ghes_gatekeeper::emulator::{Emulator, World};
use ghes_gatekeeper::proxy::serve;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::running::command;

const GITHUB_APP: &str = "Iv1.8a61f9b3a7aba766";
const OAUTH_APP: &str = "abcde12345fghij67890";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// An emulator that the commands can reach.
struct Ghes {
    emulator: Emulator,
    url: String,
}

impl Ghes {
    async fn start() -> Self {
        Self::with(World::default()).await
    }

    async fn with(world: World) -> Self {
        let emulator = Emulator::new(world);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let service = TowerToHyperService::new(emulator.clone());
        tokio::spawn(serve(
            listener,
            move |_| service.clone(),
            std::future::pending(),
        ));
        Self { emulator, url }
    }

    /// What the environment says where there is no file.
    fn variables(&self) -> [(&'static str, &str); 3] {
        [
            ("GHES_GATEKEEPER_GHES__URL", &self.url),
            ("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID", GITHUB_APP),
            ("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET", SECRET),
        ]
    }

    fn command(&self, line: &str) -> Command {
        let mut command = command(&words(line));
        command.envs(self.variables());
        command
    }

    /// Runs a command with this on its standard input.
    async fn run(&self, line: &str, input: &str) -> Done {
        run(self.command(line), input).await
    }

    /// Runs a command as octocat.
    async fn as_octocat(&self, line: &str) -> Done {
        self.run(&format!("{line} --user octocat"), "octocat\n")
            .await
    }

    /// Tells whether GHES still knows a token of the GitHub App.
    async fn knows(&self, token: &str) -> bool {
        self.run("token check", token).await.code == 0
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

async fn run(mut command: Command, input: &str) -> Done {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().expect("the command");
    let mut stdin = child.stdin.take().expect("standard input");
    // A command that needs no input may be gone before it.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    Done::new(child.wait_with_output().await.expect("an exit"))
}

/// What became of a command.
#[derive(Debug)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    /// No secret that a command is given may be on standard error, whatever happens.
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        for secret in [SECRET, TOKEN, "ghu_", "gho_", "ghp_", "SXYxLjhh"] {
            assert!(!err.contains(secret), "{secret} in {err}");
        }
        let code = output.status.code().expect("no signal");
        Self { code, out, err }
    }

    /// Expects success in silence, and returns what was printed.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        let out = self.good();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Expects this exit code, nothing printed, and one line that says all of this.
    #[track_caller]
    fn failed(&self, code: i32, says: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        for text in says {
            assert!(self.err.contains(text), "{text} not in {}", self.err);
        }
    }
}

/// Returns the rest of the line that begins with this member.
#[track_caller]
fn member<'t>(table: &'t str, name: &str) -> &'t str {
    let mut lines = table.lines();
    lines
        .find_map(|line| line.strip_prefix(&format!("{name} ")))
        .unwrap_or_else(|| panic!("no {name} in {table}"))
        .trim()
}
