//! Proxies and balancers that others have written, in front of the gate.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::TOKEN;
use super::real_peers::has;
use super::recorder::Recorder;
use super::support::{Client, Gate, PATIENCE, Upstream, body, route};

/// A running proxy with a configuration of its own.
pub(crate) struct Front {
    directory: PathBuf,
    _process: Child,
}

impl Front {
    /// Runs a program on a configuration, and waits until somebody listens on `address`.
    async fn start(program: &str, arguments: &[&str], configuration: &str, at: SocketAddr) -> Self {
        let name = format!("ghes-gatekeeper-{program}-{}", at.port());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let file = directory.join("front.conf");
        fs::write(&file, configuration).expect("a file");
        let process = Command::new(program)
            .args(arguments)
            .arg(&file)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program");
        let listening = async {
            while TcpStream::connect(at).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        let listening = tokio::time::timeout(PATIENCE, listening).await;
        listening.unwrap_or_else(|_| panic!("{program} does not listen"));
        Self {
            directory,
            _process: process,
        }
    }

    pub(crate) async fn nginx(locations: &str, http1: SocketAddr, http2: SocketAddr) -> Self {
        let configuration = format!(
            "daemon off; master_process off; pid nginx.pid; error_log /dev/null;\n\
             events {{}}\n\
             http {{\n\
               access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
               fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
               server {{ listen {http1}; listen {http2} http2; {locations} }}\n\
             }}\n"
        );
        let directory = env::temp_dir().join(format!("ghes-gatekeeper-nginx-{}", http1.port()));
        let prefix = directory.to_str().expect("UTF-8").to_owned();
        Self::start("nginx", &["-p", &prefix, "-c"], &configuration, http1).await
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub(crate) async fn free() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    free.local_addr().expect("an address")
}

/// The block that the manual tells people to paste, before another gate.
fn manual_block(gate: SocketAddr) -> String {
    let chapter = include_str!("../../src/manual/listening.md");
    let (_, block) = chapter.split_once("```nginx\n").expect("the block");
    let (block, _) = block.split_once("```").expect("its end");
    assert!(block.contains("http://127.0.0.1:8080;"), "{block}");
    block.replace("http://127.0.0.1:8080;", &format!("http://{gate};"))
}

/// What the manual warns of: it sets the host, and passes on what it does not name.
fn usual_snippet(gate: SocketAddr) -> String {
    format!(
        "location / {{ proxy_pass http://{gate}; proxy_set_header Host $host;\n\
         proxy_set_header X-Real-IP $remote_addr;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         proxy_set_header X-Forwarded-Proto $scheme; }}"
    )
}

async fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "", "--max-time", "30"])
        .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
        .args(["--oauth2-bearer", TOKEN])
        .args(arguments)
        .env_remove("http_proxy")
        .output()
        .await
        .expect("curl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One for people, and one that is open.
fn routes(upstream: &Recorder) -> String {
    let wiki = route("/", upstream.address, "hosts = [\"wiki.example.com\"]");
    let open = "hosts = [\"open.example.com\"]\nanonymous = true";
    let open = route("/", upstream.address, open);
    format!("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n{wiki}{open}")
}

/// What a client writes that wants to be taken for somebody else, or to get elsewhere.
const FORGED: [&str; 8] = [
    "X-Forwarded-Host: open.example.com",
    "X_Forwarded_Host: open.example.com",
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Port: 6",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Proto: https",
    "X-Request-Id: evil",
    "X-Real-IP: 6.6.6.6",
];

#[tokio::test]
async fn nginx_with_the_block_of_the_manual_lets_nobody_say_who_or_where_they_are() {
    if !(has("nginx", "-v").await && has("curl", "--version").await) {
        return;
    }
    let mut upstream = Recorder::start().await;
    let gate = Gate::start(&routes(&upstream)).await;
    let (http1, http2) = (free().await, free().await);
    let _nginx = Front::nginx(&manual_block(gate.address), http1, http2).await;
    let forged = FORGED.iter().flat_map(|line| ["-H", line]);
    let forged: Vec<&str> = forged.collect();
    for (protocol, address) in [
        ("--http1.0", http1),
        ("--http1.1", http1),
        ("--http2-prior-knowledge", http2),
    ] {
        let url = format!("http://{address}/p?q");
        let port = address.port().to_string();
        for lines in [&[][..], &forged[..]] {
            let mut arguments = vec![protocol, &*url, "-H", "Host: wiki.example.com"];
            arguments.extend(lines);
            assert_eq!(curl(&arguments).await, "200", "{arguments:?}");
            let message = upstream.message().await;
            assert_eq!(message.line(), "GET /p?q");
            assert_eq!(message.only("x-forwarded-host"), "wiki.example.com");
            assert_eq!(message.only("x-forwarded-for"), "127.0.0.1, 127.0.0.1");
            assert_eq!(message.only("x-forwarded-proto"), "http");
            assert_eq!(message.only("x-forwarded-port"), port);
            assert!(message.all("x-forwarded-prefix").is_empty(), "{message:?}");
            // nginx's own, of 32 digits, and not one of ours.
            let id = message.only("x-request-id");
            let is_nginxs = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_nginxs, "{id}");
            assert_eq!(message.only("x-forwarded-user"), "octocat");
        }
        let body = [
            "-d",
            "hello",
            protocol,
            &*url,
            "-H",
            "Host: wiki.example.com",
        ];
        assert_eq!(curl(&body).await, "200");
        assert_eq!(upstream.message().await.body, b"hello");
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn nginx_that_passes_on_what_clients_write_is_refused_where_the_host_decides() {
    if !(has("nginx", "-v").await && has("curl", "--version").await) {
        return;
    }
    let mut upstream = Recorder::start().await;
    let gate = Gate::start(&routes(&upstream)).await;
    let (http1, http2) = (free().await, free().await);
    let _nginx = Front::nginx(&usual_snippet(gate.address), http1, http2).await;
    for (protocol, address) in [("--http1.1", http1), ("--http2-prior-knowledge", http2)] {
        let url = format!("http://{address}/p");
        let host = ["-H", "Host: wiki.example.com", protocol, &*url];
        for (forged, status) in [
            ("X-Forwarded-Host: open.example.com", "421"),
            ("X-Forwarded-Host: OPEN.example.com:80", "421"),
            ("X-Forwarded-Host: nowhere.example.com", "421"),
            ("X-Forwarded-Host: wiki.example.com", "200"),
            ("Accept: */*", "200"),
        ] {
            let arguments = [&host[..], &["-H", forged]].concat();
            assert_eq!(curl(&arguments).await, status, "{forged}");
            if status == "200" {
                let message = upstream.message().await;
                assert_eq!(message.only("x-forwarded-host"), "wiki.example.com");
            }
        }
    }
    upstream.assert_untouched();
}

/// A line of `HAProxy`'s statistics: the state of a server, and what its last check said.
async fn state(statistics: SocketAddr, server: &str) -> (String, String) {
    let request = "GET /;csv HTTP/1.0\r\n\r\n";
    let csv = async {
        let mut client = Client::to(statistics).await;
        client.send(request).await;
        client.rest().await
    };
    let csv = csv.await;
    let lines = body(&csv).lines().map(|line| line.split(',').collect());
    let line = lines
        .map(|cells: Vec<&str>| cells)
        .find(|cells| cells.get(1) == Some(&server))
        .unwrap_or_else(|| panic!("{csv}"));
    // The columns `status` and `check_status` of its manual, §9.1.
    (line[17].to_owned(), line[36].to_owned())
}

/// `HAProxy`, with one server for each `(name, address, options)` and these lines.
fn haproxy(statistics: SocketAddr, servers: &[(&str, SocketAddr, String)]) -> String {
    let mut text = format!(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n  \
         timeout check 30s\nfrontend statistics\n  bind {statistics}\n  stats enable\n  stats uri /\n"
    );
    for (name, address, options) in servers {
        let (lines, options) = options.split_once('|').expect("lines and options");
        text += &format!(
            "backend of_{name}\n  {lines}\n  server {name} {address} check inter 50ms fall 1 \
             rise 1 {options}\n"
        );
    }
    text
}

/// None of these says a host: `OPTIONS / HTTP/1.0` is all that `option httpchk` sends.
#[tokio::test]
async fn haproxys_checks_without_a_host_mark_the_gate_up() {
    if !has("haproxy", "-v").await {
        return;
    }
    let upstream = Upstream::start().await;
    let open = "exact = true\nanonymous = true";
    let routes = [
        route("/", upstream.address, ""),
        route("/", upstream.address, open),
    ];
    let gate = Gate::start(&routes.concat()).await;
    let closed = Gate::before(upstream.address).await;
    let by_host = route("/", upstream.address, "hosts = [\"a\"]");
    let by_host = Gate::start(&by_host).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let probes = listener.local_addr().expect("an address").port();
    tokio::spawn(
        by_host
            .proxy
            .probes()
            .serve(listener, std::future::pending()),
    );
    let bearer = format!("http-check send hdr Authorization \"Bearer {TOKEN}\"");
    let plain = "option httpchk";
    let statistics = free().await;
    let configuration = haproxy(
        statistics,
        &[
            ("default", gate.address, format!("{plain}|")),
            ("token", closed.address, format!("{plain}\n  {bearer}|")),
            (
                "path",
                closed.address,
                format!("option httpchk GET /x\n  {bearer}|"),
            ),
            (
                "probes",
                by_host.address,
                format!("option httpchk GET /readyz|port {probes}"),
            ),
            ("nobody", closed.address, format!("{plain}|")),
            ("host", by_host.address, format!("{plain}\n  {bearer}|")),
        ],
    );
    let _haproxy = Front::start("haproxy", &["-db", "-f"], &configuration, statistics).await;
    for (server, up, check) in [
        ("default", "UP", "L7OK"),
        ("token", "UP", "L7OK"),
        ("path", "UP", "L7OK"),
        ("probes", "UP", "L7OK"),
        // 401 and 400: it does ask the gate, and is told the truth.
        ("nobody", "DOWN", "L7STS"),
        ("host", "DOWN", "L7STS"),
    ] {
        let reached = async {
            while state(statistics, server).await != (up.to_owned(), check.to_owned()) {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(
            reached.is_ok(),
            "{server}: {:?}",
            state(statistics, server).await
        );
    }
}
