//! A real Chromium goes through the whole, over TLS.

use std::process::Stdio;

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Scene;
use super::journeys::field;
use crate::peers::run;
use crate::support::{PATIENCE, Upstream};
use crate::tls::Directory;

/// What a script does in a browser, and where it waits.
struct Browsing {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Browsing {
    fn start(scene: &Scene, modules: &str, chromium: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chromium/day.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .env("PLAYWRIGHT", modules)
            .env("CHROMIUM", chromium)
            .env("GATE_PORT", scene.gate.port().to_string())
            .env("GHES_PORT", scene.ghes.port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node");
        let (said, told) = (process.stdout.take(), process.stdin.take());
        Self {
            said: BufReader::new(said.expect("a pipe")).lines(),
            told: told.expect("a pipe"),
            process,
        }
    }

    async fn pauses_at(&mut self, name: &str) {
        let line = tokio::time::timeout(PATIENCE, self.said.next_line()).await;
        let line = line.expect("in time").expect("a pipe");
        assert_eq!(line.as_deref(), Some(name), "see the output of the script");
    }

    async fn goes_on(&mut self) {
        self.told.write_all(b"\n").await.expect("a pipe");
    }
}

/// Where a browser and what drives it are; none where they are not installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn installed() -> Option<(String, String)> {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let modules = std::env::var("PLAYWRIGHT").ok();
    let has_browser = run(&chromium, &["--version"]).await.is_some();
    match modules.filter(|_| has_browser) {
        Some(modules) => Some((modules, chromium)),
        None => {
            assert!(
                std::env::var_os("CI").is_none(),
                "Chromium is not installed"
            );
            eprintln!("skipped: Chromium or playwright-core is not installed");
            None
        }
    }
}

async fn request_for(tool: &mut Upstream, path: &str) -> String {
    loop {
        let request = tool.request().await;
        // Browsers ask for their icon.
        if request.split(' ').nth(1) == Some(path) {
            return request;
        }
    }
}

#[tokio::test]
async fn a_day_in_chromium() {
    let Some((modules, chromium)) = installed().await else {
        return;
    };
    let directory = Directory::new();
    let hosts = ["login", "tool", "other"].map(|name| format!("{name}.example.com"));
    directory.write(&generate_simple_self_signed(hosts).expect("a certificate"));
    let mut scene = Scene::over_tls(directory.tls(), "forward_token = true").await;
    let mut browsing = Browsing::start(&scene, &modules, &chromium);
    browsing.pauses_at("logged in").await;
    let seen = request_for(&mut scene.tool, "/page?x=1").await;
    assert_eq!(field(&seen, "x-forwarded-user"), Some("octocat"));
    assert_eq!(field(&seen, "cookie"), None, "{seen}");
    let token = field(&seen, "authorization").and_then(|line| line.strip_prefix("Bearer "));
    let token = token.expect("a token").to_owned();
    let seen = request_for(&mut scene.tool, "/").await;
    assert_eq!(field(&seen, "x-forwarded-user"), Some("octocat"));
    browsing.goes_on().await;
    browsing.pauses_at("revoke the token").await;
    let seen = request_for(&mut scene.tool, "/change").await;
    assert_eq!(
        field(&seen, "host").map(|host| host.starts_with("other.")),
        Some(true)
    );
    assert!(scene.emulator.revoke(&token));
    scene.purge().await;
    browsing.goes_on().await;
    browsing.pauses_at("cut GHES off").await;
    let seen = request_for(&mut scene.tool, "/again").await;
    let renewed = field(&seen, "authorization").expect("a token");
    assert!(!renewed.contains(&token), "another one");
    let down = Fault::status(StatusCode::SERVICE_UNAVAILABLE);
    scene.emulator.fail(down.times(1_000));
    scene.purge().await;
    browsing.goes_on().await;
    browsing.pauses_at("back again").await;
    scene.emulator.clear_faults();
    browsing.goes_on().await;
    browsing.pauses_at("good night").await;
    let ended = tokio::time::timeout(PATIENCE, browsing.process.wait()).await;
    let ended = ended.expect("in time").expect("an end");
    assert!(ended.success(), "{ended}");
}
