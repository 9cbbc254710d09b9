//! nginx and Apache as upstreams, over all that they speak, and curl as the client.

use std::fs;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Empty};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::TOKEN;
use super::peers::run;
use super::streaming_http2::client;
use super::support::{Gate, PATIENCE};
use super::upstreams::{Authority, Temporary, temporary};

/// A running server with files, which logs each request as `protocol status uri number`, where the
/// number counts those on its connection, if Apache does so: in HTTP/2 it counts nothing.
struct Server {
    directory: PathBuf,
    /// Where it is reached, as a route has it.
    upstreams: Vec<String>,
    /// Gone with the server.
    _files: Temporary,
    process: Child,
}

/// What it serves: more than a buffer of anybody's.
fn file() -> String {
    (0..30_000).map(|number| format!("{number}\n")).collect()
}

impl Server {
    async fn nginx() -> Option<Self> {
        run("nginx", &["-v"]).await?;
        let [http, h2c, https] = free();
        let authority = Authority::new();
        Some(
            Self::start("nginx", [http, h2c, https], |directory| {
                let put = |name: &str, text: String| fs::write(directory.join(name), text);
                let (certificate, key) = authority.certify("localhost");
                let (ours, our_key) = authority.certify("gate");
                let written = [
                    ("ca.pem", authority.0.pem()),
                    ("tls.crt", certificate),
                    ("tls.key", key),
                    ("gate.crt", ours),
                    ("gate.key", our_key),
                ("files/trailing", "body".to_owned()),
                ];
                for (name, text) in written {
                    put(name, text).expect("a file");
                }
                let shown = directory.display();
                let configuration = format!(
                    "daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n\
                 events {{}}\n\
                 http {{\n\
                   log_format seen '$server_protocol $status $uri $connection_requests'; access_log seen.log seen;\n\
                   client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
                   uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
                   gzip on; gzip_types *; gzip_proxied any;\n\
                   ssl_certificate {shown}/tls.crt; ssl_certificate_key {shown}/tls.key;\n\
                   ssl_client_certificate {shown}/ca.pem; ssl_verify_client on;\n\
                   server {{\n\
                     listen {http}; listen {h2c} http2; listen {https} ssl http2;\n\
                     listen unix:{shown}/sock;\n\
                     root files; client_max_body_size 1k; dav_methods PUT;\n\
                     location /put {{ client_max_body_size 100m; }}\n\
                     location /trailing {{\n\
                       add_trailer grpc-status 0; add_trailer x-other 1;\n\
                     }}\n\
                   }}\n\
                 }}\n"
                );
                let tls = format!(
                    "[routes.upstream_tls]\nca_file = \"{shown}/ca.pem\"\n\
                 client_cert_file = \"{shown}/gate.crt\"\nclient_key_file = \"{shown}/gate.key\"\n"
                );
                let upstreams = vec![
                    format!("\"http://{http}\""),
                    format!("\"h2c://{h2c}\""),
                    format!("\"https://localhost:{}\"\n{tls}", https.port()),
                    format!("\"unix:{shown}/sock\""),
                ];
                (configuration, upstreams)
            })
            .await,
        )
    }

    async fn apache() -> Option<Self> {
        run("apache2", &["-v"]).await?;
        let addresses @ [http, h2c] = free();
        Some(
            Self::start("apache2", addresses, |directory| {
                let shown = directory.display();
                let modules = [
                    "mpm_event",
                    "authz_core",
                    "dav",
                    "dav_fs",
                    "deflate",
                    "filter",
                    "http2",
                ];
                let load = |name: &str| {
                    format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                };
                let modules: String = modules.into_iter().map(load).collect();
                let configuration = format!(
                    "{modules}ServerRoot {shown}\nServerName localhost\nPidFile apache.pid\n\
                 User www-data\nGroup www-data\nMutex posixsem\nStartServers 1\n\
                 Listen {http}\nListen {h2c}\nProtocols http/1.1\n\
                 <VirtualHost {h2c}>\nProtocols h2c\n</VirtualHost>\n\
                 ErrorLog /dev/stderr\nLogLevel crit\n\
                 LogFormat \"%H %>s %U %k\" seen\nGlobalLog seen.log seen\n\
                 DocumentRoot {shown}/files\nDavLockDB {shown}/lock\nLimitRequestBody 1024\n\
                 SetOutputFilter DEFLATE\nFileETag MTime Size\nDeflateAlterETag NoChange\n\
                 <Location />\nDav On\n</Location>\n\
                 <Location /put>\nLimitRequestBody 0\n</Location>\n"
                );
                let upstreams = vec![format!("\"http://{http}\""), format!("\"h2c://{h2c}\"")];
                (configuration, upstreams)
            })
            .await,
        )
    }

    async fn start<const N: usize>(
        program: &str,
        addresses: [SocketAddr; N],
        configure: impl FnOnce(&Path) -> (String, Vec<String>),
    ) -> Self {
        let directory = temporary(program);
        let path = directory.0.clone();
        // Apache changes its user.
        for name in ["", "files", "files/put"] {
            let path = path.join(name);
            fs::create_dir(&path).expect("a directory");
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("a directory");
        }
        fs::write(path.join("files/file"), file()).expect("a file");
        let (configuration, upstreams) = configure(&path);
        fs::write(path.join("conf"), configuration).expect("a file");
        let arguments: &[&str] = match program {
            "nginx" => &["-p", ".", "-c", "conf"],
            _ => &["-X", "-f"],
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&path)
            .kill_on_drop(true);
        if program != "nginx" {
            command.arg(path.join("conf"));
        }
        let process = command.stdin(Stdio::null()).spawn().expect("a server");
        for address in addresses {
            let listening = async {
                while TcpStream::connect(address).await.is_err() {
                    tokio::task::yield_now().await;
                }
            };
            let listening = tokio::time::timeout(PATIENCE, listening).await;
            listening.unwrap_or_else(|_| panic!("{program} listens"));
        }
        Self {
            directory: path,
            upstreams,
            _files: directory,
            process,
        }
    }
}

pub(super) fn free<const N: usize>() -> [SocketAddr; N] {
    // All at once, so that they differ.
    let bound = [(); N].map(|()| StdListener::bind("127.0.0.1:0").expect("a port"));
    bound.map(|listener| listener.local_addr().expect("an address"))
}

/// What curl got.
struct Answer {
    /// `version status`, such as `2 200`.
    line: String,
    /// The last head, with names in lower case.
    head: String,
    body: Vec<u8>,
}

/// curl, which has a token and speaks one version of HTTP.
struct Curl<'a> {
    gate: &'a Gate,
    version: &'static str,
    directory: &'a Path,
}

impl Curl<'_> {
    async fn ask(&self, path: &str, more: &[&str]) -> Answer {
        let at = |name: &str| self.directory.join(name).display().to_string();
        let (head, body) = (at("got.head"), at("got.body"));
        // What is left from before is no answer.
        fs::write(&body, "").expect("a file");
        let url = format!("http://{}{path}", self.gate.address);
        let common = [
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "30",
            self.version,
            "--oauth2-bearer",
            TOKEN,
            "-D",
            &head,
            "-o",
            &body,
            "-w",
            "%{http_version} %{http_code}",
            &url,
        ];
        let output = run("curl", &[more, &common].concat()).await.expect("curl");
        let head = fs::read_to_string(head).expect("a head");
        let last = head.trim_end().rsplit("\r\n\r\n").next();
        let lines = last.unwrap_or_default().lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            format!("{}: {value}\r\n", name.to_ascii_lowercase())
        });
        Answer {
            line: String::from_utf8_lossy(&output.stdout).into_owned(),
            head: lines.collect(),
            body: fs::read(body).expect("a body"),
        }
    }
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u16, lines: &[&str]) -> Vec<u8> {
        let got = self.line.split(' ').nth(1).unwrap_or_default();
        assert_eq!(got, status.to_string(), "{} {}", self.line, self.head);
        for line in lines {
            assert!(self.head.contains(line), "{line} in {}", self.head);
        }
        self.body
    }

    fn field(&self, name: &str) -> String {
        let mut lines = self.head.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value
            .unwrap_or_else(|| panic!("{name} in {}", self.head))
            .to_owned()
    }
}

/// Everything that is asked of each server, over each way to it, by each kind of client.
async fn ask_everything(curl: &Curl<'_>, files: &Path) {
    let file = file();
    let whole = curl.ask("/file", &[]).await;
    let etag = whole.field("etag");
    let length = format!("content-length: {}", file.len());
    assert!(whole.expect(200, &[&length]) == file.as_bytes());
    let empty = curl.ask("/file", &["-I"]).await.expect(200, &[&length]);
    assert!(!empty.starts_with(b"0\n"), "a HEAD has no body");
    let range = format!("content-range: bytes 2-5/{}", file.len());
    let part = curl
        .ask("/file", &["-r", "2-5"])
        .await
        .expect(206, &[&range, "content-length: 4\r"]);
    assert_eq!(part, b"1\n2\n");
    curl.ask("/file", &["-r", "9999999-"])
        .await
        .expect(416, &[]);
    let match_it = format!("If-None-Match: {etag}");
    let unchanged = curl
        .ask("/file", &["-H", &match_it])
        .await
        .expect(304, &["etag"]);
    assert!(unchanged.is_empty());
    let packed = curl.ask("/file", &["-H", "Accept-Encoding: gzip"]).await;
    assert!(
        !packed.head.contains("content-length"),
        "chunked, {}",
        packed.head
    );
    let packed = packed.expect(200, &["content-encoding: gzip"]);
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < file.len());
    let unpacked = curl.ask("/file", &["--compressed"]).await;
    assert!(unpacked.expect(200, &["content-encoding: gzip"]) == file.as_bytes());

    // With a length and without, and asked whether it may come (over HTTP/1.1).
    let large = file.repeat(20);
    let body = curl.directory.join("large");
    fs::write(&body, &large).expect("a file");
    let body = body.display().to_string();
    for more in [
        &["-H", "Expect: 100-continue"][..],
        &["-H", "Transfer-Encoding: chunked"],
        &["-H", "Expect:"],
    ] {
        let stored = files.join("put/large");
        let _ = fs::remove_file(&stored);
        let answer = curl
            .ask("/put/large", &[&["-T", &body], more].concat())
            .await;
        answer.expect(201, &[]);
        assert!(
            fs::read_to_string(&stored).expect("a file") == large,
            "{more:?}"
        );
        // An answer before the end of the upload is the answer. (RFC 9113 §8.1: so it is where the
        // stream is reset after it, but curl 7.88 may forget the answer then.)
        if curl.version == "--http1.1" {
            let upload = [&["-T", &body], more].concat();
            curl.ask("/too-large", &upload).await.expect(413, &[]);
        }
    }
    curl.ask("/nothing", &[]).await.expect(404, &[]);
}

/// A client that knows the gate by a name, and not always the scheme that Apache knows.
async fn ask_to_move(curl: &Curl<'_>, files: &Path) {
    let at = |name: &str| files.join("put").join(name);
    let host = "Host: tools.example.com";
    for destination in [
        "/put/b",
        "http://tools.example.com/put/b",
        "https://tools.example.com/put/b",
    ] {
        fs::write(at("a"), "a").expect("a file");
        let _ = fs::remove_file(at("b"));
        let destination = format!("Destination: {destination}");
        let arguments = ["-X", "MOVE", "-H", host, "-H", &destination];
        curl.ask("/put/a", &arguments).await.expect(201, &[]);
        assert!(at("b").exists() && !at("a").exists(), "{destination}");
    }
    let elsewhere = "Destination: http://evil.example/put/b";
    let arguments = ["-X", "MOVE", "-H", host, "-H", elsewhere];
    curl.ask("/put/b", &arguments).await.expect(400, &[]);
    assert!(at("b").exists());
}

/// Only the status of gRPC passes.
async fn ask_for_trailers(gate: &Gate) {
    let request = Request::get("http://tools/trailing")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Empty::new());
    let response = client(gate).await.send_request(request.expect("a request"));
    let body = response.await.expect("a response").into_body();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().expect("trailers");
    assert_eq!(
        (trailers.len(), &trailers["grpc-status"]),
        (1, &HeaderValue::from_static("0"))
    );
    assert_eq!(body.to_bytes(), "body");
}

async fn ask(mut server: Server) {
    for upstream in &server.upstreams {
        let routes =
            format!("[server]\nh2c = true\n[[routes]]\npath = \"/\"\nupstream = {upstream}\n");
        let gate = Gate::start(&routes).await;
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let curl = Curl {
                gate: &gate,
                version,
                directory: &server.directory,
            };
            ask_everything(&curl, &server.directory.join("files")).await;
            if server.directory.join("apache.pid").exists() {
                ask_to_move(&curl, &server.directory.join("files")).await;
            }
        }
        if server.directory.join("files/trailing").exists() {
            ask_for_trailers(&gate).await;
        }
    }
    server.process.kill().await.expect("a server");
    let seen = fs::read_to_string(server.directory.join("seen.log")).expect("a log");
    let numbers = seen.lines().filter(|line| line.starts_with("HTTP/1.1 "));
    let numbers: Vec<&str> = numbers.filter_map(|line| line.rsplit(' ').next()).collect();
    let first = numbers.first().expect("a request");
    let connections = numbers.iter().filter(|number| *number == first).count();
    assert!(
        numbers.len() >= 3 * connections,
        "connections are used again\n{seen}"
    );
}

#[tokio::test]
async fn nginx_is_served_in_all_that_it_speaks() {
    if let (Some(nginx), Some(_)) = (Server::nginx().await, run("curl", &["-V"]).await) {
        ask(nginx).await;
    }
}

#[tokio::test]
async fn apache_is_served_in_all_that_it_speaks() {
    if let (Some(apache), Some(_)) = (Server::apache().await, run("curl", &["-V"]).await) {
        ask(apache).await;
    }
}
