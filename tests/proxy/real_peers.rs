//! Servers and clients that others have written.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::TOKEN;
use super::recorder::{Recorder, status_of};
use super::support::{Gate, PATIENCE};

/// Tells whether a program is there; where `CI` is set, it has to be.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
pub(crate) async fn has(program: &str, version: &str) -> bool {
    let output = Command::new(program).arg(version).output().await;
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        assert!(env::var_os("CI").is_none(), "CI has {program}");
        eprintln!("skipped: {program} is not installed");
    }
    is_there
}

/// A running nginx that logs each request as `status method uri length`.
struct Nginx {
    address: SocketAddr,
    directory: PathBuf,
    process: Child,
}

impl Nginx {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let name = format!("ghes-gatekeeper-nginx-{}", address.port());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let configuration = directory.join("nginx.conf");
        fs::write(&configuration, Self::configuration(address)).expect("a file");
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&directory)
            .arg("-c")
            .arg(&configuration)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx");
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, listening)
            .await
            .expect("nginx listens");
        Self {
            address,
            directory,
            process,
        }
    }

    fn configuration(address: SocketAddr) -> String {
        format!(
            "daemon off; master_process off; pid nginx.pid; error_log /dev/null;\n\
             events {{}}\n\
             http {{\n\
               log_format seen '$status $request_method $request_uri $request_length';\n\
               access_log seen.log seen;\n\
               client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
               uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
               server {{ listen {address}; location / {{ return 200 \"$request_method $request_uri $http_x_forwarded_user\\n\"; }} }}\n\
             }}\n"
        )
    }

    /// Everything it has answered, once it has ended.
    async fn seen(mut self) -> String {
        self.process.kill().await.expect("nginx");
        let log = fs::read_to_string(self.directory.join("seen.log")).expect("a log");
        fs::remove_dir_all(&self.directory).expect("a directory");
        log
    }
}

/// What the gate lets through is one request to nginx, whatever the client wrote.
#[tokio::test]
async fn nginx_sees_one_request_for_each_that_passes() {
    if !has("nginx", "-v").await {
        return;
    }
    let nginx = Nginx::start().await;
    let gate = Gate::before(nginx.address).await;
    let head = format!("Host: a\r\nAuthorization: Bearer {TOKEN}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let smuggled = "5;x\r\nhello\r\n0\r\nHost: b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut expected = Vec::new();
    for (request, status) in [
        (format!("GET /1 HTTP/1.1\r\n{head}\r\n"), 200),
        (format!("GET http://b/2 HTTP/1.1\r\n{head}\r\n"), 200),
        (
            format!("POST /3 HTTP/1.1\r\n{head}Content-Length: 0005\r\n\r\nhello"),
            200,
        ),
        (
            format!("POST /4 HTTP/1.1\r\n{head}{chunked}\r\n{smuggled}"),
            200,
        ),
        (
            format!("GET /5 HTTP/1.1\r\n{head}{chunked}\r\n{smuggled}"),
            200,
        ),
        (
            format!("GET /6 HTTP/1.0\r\n{head}Content_Length: 9\r\nExpect: x\r\n\r\n"),
            200,
        ),
        (
            format!(
                "DELETE /7 HTTP/1.1\r\n{head}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
            ),
            200,
        ),
        (
            format!(
                "POST /8 HTTP/1.1\r\n{head}Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello"
            ),
            200,
        ),
        (format!("GET /x HTTP/1.1\r\n{head}Host: b\r\n\r\n"), 400),
        (
            format!("POST /x HTTP/1.1\r\n{head}Content-Length: 1\r\n{chunked}\r\n{smuggled}"),
            400,
        ),
        (
            format!("POST /x HTTP/1.1\r\n{head}Transfer-Encoding: x, chunked\r\n\r\n{smuggled}"),
            501,
        ),
    ] {
        assert_eq!(
            status_of(&gate, request.as_bytes()).await,
            status,
            "{request:?}"
        );
        if status == 200 {
            let method = request.split(' ').next().expect("a method");
            expected.push(format!("200 {method} /{} ", expected.len() + 1));
        }
    }
    let seen = nginx.seen().await;
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{seen}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line}, not {expected}");
    }
}

/// What curl can be made to send is odd, and legal.
#[tokio::test]
async fn curl_is_understood() {
    if !has("curl", "--version").await {
        return;
    }
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let url = format!("http://{}/p", gate.address);
    let (proxy, absolute) = (
        format!("http://{}", gate.address),
        "http://tools.example.com/p",
    );
    for (arguments, line, body, host) in [
        (&["--http1.0", &url][..], "GET /p", "", None),
        (
            &["--path-as-is", &format!("{url}/../q")],
            "GET /p/../q",
            "",
            None,
        ),
        (&["-X", "BREW", &url], "BREW /p", "", None),
        (&["-I", &url], "HEAD /p", "", None),
        (
            &["-d", "hello", "-H", "Expect: 100-continue", &url],
            "POST /p",
            "hello",
            None,
        ),
        (
            &["-d", "hello", "-H", "Transfer-Encoding: chunked", &url],
            "POST /p",
            "hello",
            None,
        ),
        (
            &[
                "-X",
                "GET",
                "-d",
                "hello",
                "-H",
                "Transfer-Encoding: chunked",
                &url,
            ],
            "GET /p",
            "hello",
            None,
        ),
        (
            &["-x", &proxy, absolute],
            "GET /p",
            "",
            Some("tools.example.com"),
        ),
    ] {
        let output = Command::new("curl")
            .args([
                "--silent",
                "--noproxy",
                "",
                "--max-time",
                "30",
                "--write-out",
                "%{http_code}",
            ])
            .args(["--output", "/dev/null", "--oauth2-bearer", TOKEN])
            .args(arguments)
            .env_remove("http_proxy")
            .output()
            .await
            .expect("curl");
        let status = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(status, "200", "{arguments:?}");
        let message = upstream.message().await;
        assert_eq!((&*message.line(), &*message.body), (line, body.as_bytes()));
        if let Some(host) = host {
            assert_eq!(message.only("x-forwarded-host"), host);
        }
    }
    upstream.assert_untouched();
}

/// What it has against the statuses themselves, which are what the client asked for.
const OF_STATUSES: [&str; 2] = [
    "didn't understand the request",
    "won't accept a URI this long",
];

/// A whole head without a credential.
const NOBODY: &str = "Host: a\r\n\r\n";

/// Mark Nottingham's linter knows more of HTTP than we could ask ourselves.
#[tokio::test]
async fn httplint_has_nothing_against_what_we_say_ourselves() {
    let program = env::var("HTTPLINT").unwrap_or_else(|_| "httplint".to_owned());
    if !has(&program, "--help").await {
        return;
    }
    let upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[
            (
                "/p",
                "methods = [\"GET\"]\nresource.url = \"https://tools.test/p\"",
            ),
            ("/admin", "scopes = [\"admin:org\"]"),
        ])
        .await;
    let good = format!("Host: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    for (line, lines, expected) in [
        ("OPTIONS *", "", 204),
        ("GET /p", "Host: b\r\n", 400),
        ("GET /p/../q", "", 400),
        ("GET /p", NOBODY, 401),
        ("GET /admin", "", 403),
        ("GET /q", "", 404),
        ("POST /p", "", 405),
        ("GET /.well-known/oauth-protected-resource/p", NOBODY, 200),
        (&format!("GET /{}", "a".repeat(9_000)), "", 414),
        ("GET /p", "Expect: x\r\n", 417),
        ("TRACE /p", "", 501),
        (
            "GET /p",
            "Via: 1.1 ghes-gatekeeper, 1.1 ghes-gatekeeper\r\n",
            508,
        ),
    ] {
        let rest = if lines == NOBODY { "" } else { &good };
        let head = format!("{line} HTTP/1.1\r\n{lines}{rest}");
        let response = gate.connect().await.exchange(&head).await;
        assert_eq!(super::support::status(&response), expected, "{line}");
        let notes = lint(&program, &response).await;
        assert!(notes.contains("[GOOD]"), "it has read something");
        let is_warning = |note: &str| note.contains("[WARN]") || note.contains("[BAD]");
        let is_status = |note: &str| OF_STATUSES.iter().any(|status| note.contains(status));
        let is_bad = notes
            .lines()
            .any(|note| is_warning(note) && !is_status(note));
        assert!(!is_bad, "{notes}\n{response}");
    }
}

async fn lint(program: &str, response: &str) -> String {
    let mut linter = Command::new(program)
        .args(["-n", "-i", "response"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("httplint");
    let mut input = linter.stdin.take().expect("an input");
    input.write_all(response.as_bytes()).await.expect("a pipe");
    drop(input);
    let output = linter.wait_with_output().await.expect("httplint");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
