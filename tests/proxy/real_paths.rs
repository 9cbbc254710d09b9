//! Paths that real clients write and real frameworks decode: npm before the gate, Django behind it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::TOKEN;
use super::carrier::{Ask, Carrier, Front};
use super::peers::run;
use super::support::{Gate, PATIENCE, route};
use super::upstreams::{Temporary, temporary};

over!(@ django_shows_nobody_what_is_gated http1 Http1, h2c H2c);
over!(@ django_gets_what_has_one_route http1 Http1, h2c H2c, h2_tls H2Tls);

/// A registry that has one package, and keeps the paths that it is asked for.
#[derive(Clone)]
struct Registry {
    /// Where npm finds it.
    public: SocketAddr,
    tarball: Arc<[u8]>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    fn answer(&self, uri: &Uri) -> axum::response::Response {
        let path = uri.path();
        self.asked.lock().expect("no panic").push(path.to_owned());
        match path {
            "/npm/@octo%2ftool" => {
                let tarball = format!("http://{}/npm/@octo/tool/-/tool-1.2.3.tgz", self.public);
                let version = json!({
                    "name": "@octo/tool", "version": "1.2.3", "dist": {"tarball": tarball},
                });
                let package = json!({
                    "name": "@octo/tool", "dist-tags": {"latest": "1.2.3"},
                    "versions": {"1.2.3": version},
                });
                axum::Json(package).into_response()
            }
            "/npm/@octo/tool/-/tool-1.2.3.tgz" => self.tarball.to_vec().into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

/// npm, in a directory of its own and with a token for the gate.
struct Npm {
    directory: Temporary,
    registry: String,
}

impl Npm {
    fn new(gate: SocketAddr) -> Self {
        let directory = temporary("npm");
        fs::create_dir(&directory.0).expect("a directory");
        let at = |name: &str| directory.0.join(name);
        fs::write(at("npmrc"), format!("//{gate}/npm/:_authToken={TOKEN}\n")).expect("a file");
        let package = r#"{"name": "@octo/tool", "version": "1.2.3"}"#;
        fs::create_dir(at("tool")).expect("a directory");
        fs::write(at("tool/package.json"), package).expect("a file");
        fs::create_dir(at("app")).expect("a directory");
        fs::write(at("app/package.json"), r#"{"name": "app"}"#).expect("a file");
        Self {
            directory,
            registry: format!("--registry=http://{gate}/npm/"),
        }
    }

    /// What it prints, which is an error if it fails.
    async fn run(&self, directory: &str, arguments: &[&str]) -> String {
        let home = &self.directory.0;
        let mut command = Command::new("npm");
        for name in ["http_proxy", "https_proxy", "all_proxy", "npm_config_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command
            .args(arguments)
            .args([
                "--no-audit",
                "--no-fund",
                "--no-update-notifier",
                &self.registry,
            ])
            .current_dir(home.join(directory))
            .env("HOME", home)
            .env("npm_config_userconfig", home.join("npmrc"))
            .env("npm_config_cache", home.join("cache"))
            .env("npm_config_fetch_retries", "0")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.expect("npm");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }
}

/// npm writes the slash of a scoped name as `%2f`.
#[tokio::test(flavor = "multi_thread")]
async fn npm_installs_a_scoped_package_from_behind_the_gate() {
    if run("npm", &["--version"]).await.is_none() {
        return;
    }
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (gate, upstream) = (bind().await.expect("a port"), bind().await.expect("a port"));
    let public = gate.local_addr().expect("an address");
    let npm = Npm::new(public);
    npm.run("tool", &["pack", "--pack-destination", ".."]).await;
    let tarball = fs::read(npm.directory.0.join("octo-tool-1.2.3.tgz")).expect("a tarball");
    let registry = Registry {
        public,
        tarball: tarball.into(),
        asked: Arc::default(),
    };
    let address = upstream.local_addr().expect("an address");
    let answering = registry.clone();
    let answer = move |uri: Uri| std::future::ready(answering.answer(&uri));
    tokio::spawn(async move { axum::serve(upstream, Router::new().fallback(answer)).await });
    let health = route("/healthz", address, "exact = true\nanonymous = true");
    let _gate = Gate::start_on(gate, &(route("/npm", address, "") + &health));

    let version = npm.run("app", &["view", "@octo/tool", "version"]).await;
    assert_eq!(version.trim(), "1.2.3");
    npm.run("app", &["install", "@octo/tool"]).await;
    let installed = npm
        .directory
        .0
        .join("app/node_modules/@octo/tool/package.json");
    assert!(installed.exists());
    let asked = registry.asked.lock().expect("no panic").clone();
    assert!(asked.contains(&"/npm/@octo%2ftool".to_owned()), "{asked:?}");
}

/// The tool of Django, which ends with this.
struct Django {
    address: SocketAddr,
    _process: Child,
}

impl Django {
    /// None if it is not installed.
    async fn start() -> Option<Self> {
        let python = env::var("DJANGO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let output = run(&python, &["-c", "import django"]).await?;
        if !output.status.success() {
            skip("Django is not installed");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django/tool.py");
        let mut command = Command::new(python);
        let command = command.arg("-B").arg(script).stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Python");
        let mut lines = BufReader::new(process.stdout.take().expect("standard output")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("in time").expect("a line").expect("a port");
        Some(Self {
            address: SocketAddr::from(([127, 0, 0, 1], line.parse().expect("a port"))),
            _process: process,
        })
    }

    async fn front(&self, on: Carrier) -> Front {
        let routes = [
            route("/", self.address, ""),
            route("/pub", self.address, "anonymous = true"),
            route("/pub/admin", self.address, "users = [\"root\"]"),
        ];
        Front::start(on, "", &routes.concat()).await
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(reason: &str) {
    assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
    eprintln!("skipped: {reason}");
}

/// Whatever is between the two names, and after them: who has no token sees what is open, and who
/// has one does not see what is another's.
async fn django_shows_nobody_what_is_gated(on: Carrier) {
    let Some(django) = Django::start().await else {
        return;
    };
    let front = django.front(on).await;
    let (mut open, mut refused) = (0, 0);
    for between in [
        "/",
        "//",
        "%2f",
        "/%2F",
        "/./",
        "/x/../",
        "/x%2f..%2f",
        ";a/",
        "%5c",
        "\\",
        "%252f",
        "%ef%bc%8f",
        "/%2e/",
        "/x//..//../",
    ] {
        for name in ["admin", "%61dmin", "Admin", "administrator"] {
            for end in [
                "", "/", "/x", "%20", ".", ";a", "%c2%a0", "%2fx", "?admin", "%00",
            ] {
                let path = format!("/pub{between}{name}{end}");
                let answer = front.answer(&Ask::get(&path)).await;
                let said = String::from_utf8_lossy(&answer.body);
                match answer.status {
                    200 => open += usize::from(said.starts_with("pub ")),
                    _ => refused += 1,
                }
                assert!(
                    answer.status != 200 || said.starts_with("pub "),
                    "{path}: {said}"
                );
                let answer = front.answer(&Ask::known(&path)).await;
                let said = String::from_utf8_lossy(&answer.body);
                assert!(
                    answer.status != 200 || !said.starts_with("admin "),
                    "{path}: {said}"
                );
            }
        }
    }
    assert!(open > 20 && refused > 200, "{open} open, {refused} refused");
}

async fn django_gets_what_has_one_route(on: Carrier) {
    let Some(django) = Django::start().await else {
        return;
    };
    let front = django.front(on).await;
    for (path, said) in [
        ("/api/v4/projects/a%2Fb", "other /api/v4/projects/a/b"),
        ("/api/queues/%2F/q", "other /api/queues///q"),
        ("/wiki/100%25", "other /wiki/100%"),
        ("/login;jsessionid=1", "other /login;jsessionid=1"),
        ("/wiki/why%3F", "other /wiki/why?"),
        ("/pub/a%2Fb", "pub /pub/a/b"),
        ("/pub//a", "pub /pub//a"),
        ("/pub/etc.", "pub /pub/etc."),
    ] {
        let ask = match path.starts_with("/pub") {
            true => Ask::get(path),
            false => Ask::known(path),
        };
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 200, "{path}");
        let body = String::from_utf8_lossy(&answer.body);
        assert_eq!(body, said, "{path}");
    }
}
