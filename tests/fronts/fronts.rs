//! The servers, how each is started on its example, and what it makes of the gate's answers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{env, fs};

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::HOST;
use crate::message::{PATIENCE, try_exchange};

/// A server that asks the gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Front {
    Nginx,
    Haproxy,
    Caddy,
    /// Caddy of Debian, some versions older.
    DebiansCaddy,
    Traefik,
    EnvoyHttp,
    EnvoyGrpc,
    /// It cannot ask, and sends everything through the gate.
    Apache,
}

/// Makes one test of each function for each server. The function takes the [`Front`], and the test
/// is called `function::front`.
macro_rules! every_front {
    ($($row:ident),+ $(,)?) => {
        $(every_front!(@ $row
            nginx Nginx, haproxy Haproxy, caddy Caddy, debians_caddy DebiansCaddy,
            traefik Traefik, envoy_http EnvoyHttp, envoy_grpc EnvoyGrpc,
            apache Apache);)+
    };
    (@ $row:ident $($test:ident $front:ident),+) => {
        mod $row {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$row(crate::fronts::Front::$front).await;
                }
            )+
        }
    };
}

/// What a server makes of the gate's answers where it differs from others.
#[derive(Clone, Copy)]
pub(crate) struct Habits {
    /// Clients get the gate's problem, which says why.
    pub(crate) has_problem: bool,
    /// A 503 has its `Retry-After`, and its problem.
    pub(crate) has_whole_outage: bool,
    /// What clients get while the gate itself is away.
    pub(crate) status_without_gate: u16,
    /// The gate is told of a body with a length.
    pub(crate) tells_bodies: bool,
}

/// Where all that a configuration names is in a test, in place of its ports.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) front: SocketAddr,
    pub(crate) gate: SocketAddr,
    pub(crate) tool: SocketAddr,
}

impl Addresses {
    fn put_into(self, text: &str) -> String {
        let ports = [
            ("8000", self.front),
            ("8081", self.gate),
            ("8080", self.gate),
            ("3000", self.tool),
        ];
        let mut text = text.to_owned();
        for (port, address) in ports {
            text = text.replace(port, &format!("\u{1}{}\u{1}", address.port()));
        }
        // One after the other, a port could be taken for another.
        text.replace('\u{1}', "")
    }
}

impl Front {
    pub(crate) const fn habits(self) -> Habits {
        let (has_problem, has_whole_outage, status_without_gate) = match self {
            // auth_request keeps no body.
            Self::Nginx => (false, true, 503),
            Self::Haproxy => (true, true, 503),
            Self::Caddy | Self::DebiansCaddy => (true, true, 502),
            Self::Traefik => (true, true, 500),
            Self::EnvoyGrpc | Self::Apache => (true, true, 503),
            // It takes every 5xx for an error, and writes `status_on_error`.
            Self::EnvoyHttp => (true, false, 503),
        };
        Habits {
            has_problem,
            has_whole_outage,
            status_without_gate,
            tells_bodies: matches!(self, Self::EnvoyGrpc | Self::Apache),
        }
    }

    /// The files of `examples/fronts` that it is started on.
    pub(crate) const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Haproxy => &["haproxy.cfg", "gate.lua"],
            Self::Caddy | Self::DebiansCaddy => &["Caddyfile"],
            Self::Traefik => &["traefik.yaml", "traefik-routes.yaml"],
            Self::EnvoyHttp => &["envoy-http.yaml"],
            Self::EnvoyGrpc => &["envoy-grpc.yaml"],
            Self::Apache => &["apache.conf"],
        }
    }

    /// What is put around an example: what a machine has outside of it, and ports that all servers
    /// of a kind would share.
    const fn surroundings(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Nginx => Some((
                "main.conf",
                "daemon off; master_process off; pid nginx.pid; error_log stderr; events {}\n\
                 http { access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
                 fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
                 include nginx.conf; }\n",
            )),
            Self::Caddy | Self::DebiansCaddy => {
                Some(("main.caddy", "{\n\tadmin off\n}\nimport Caddyfile\n"))
            }
            Self::Apache => Some((
                "main.conf",
                "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
                 LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n\
                 LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n\
                 LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n\
                 LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so\n\
                 ServerRoot ${XDG_DATA_HOME}\nServerName localhost\nPidFile apache.pid\n\
                 User www-data\nGroup www-data\nMutex posixsem\nErrorLog /dev/stderr\n\
                 Include apache.conf\n",
            )),
            _ => None,
        }
    }

    /// Whether it asks, and sends requests to the tool itself.
    pub(crate) fn asks(self) -> bool {
        self != Self::Apache
    }

    fn program(self) -> String {
        let (variable, name) = match self {
            Self::Nginx => return "nginx".to_owned(),
            Self::Haproxy => return "haproxy".to_owned(),
            Self::DebiansCaddy => return "caddy".to_owned(),
            Self::Apache => return "apache2".to_owned(),
            Self::Caddy => ("CADDY", "no caddy of PyPI"),
            Self::Traefik => ("TRAEFIK", "traefik"),
            Self::EnvoyHttp | Self::EnvoyGrpc => ("ENVOY", "envoy"),
        };
        env::var(variable).unwrap_or_else(|_| name.to_owned())
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["-p", ".", "-c", "main.conf"],
            Self::Haproxy => &["-db", "-f", "haproxy.cfg"],
            Self::Caddy | Self::DebiansCaddy => {
                &["run", "--adapter", "caddyfile", "--config", "main.caddy"]
            }
            Self::Traefik => &["--configfile", "traefik.yaml"],
            Self::EnvoyHttp => &[
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "-c",
                "envoy-http.yaml",
            ],
            Self::EnvoyGrpc => &[
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "-c",
                "envoy-grpc.yaml",
            ],
            // Alone, it needs no directory but its own.
            Self::Apache => &["-X", "-d", ".", "-f", "main.conf"],
        }
    }

    /// Starts it; none if it is not installed.
    pub(crate) async fn start(self, addresses: Addresses) -> Option<Server> {
        self.start_on("examples/fronts", addresses).await
    }

    /// Starts it on the files of this folder.
    pub(crate) async fn start_on(self, folder: &str, addresses: Addresses) -> Option<Server> {
        let name = format!("ghes-gatekeeper-front-{}", addresses.front.port());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        for file in self.files() {
            let root = env!("CARGO_MANIFEST_DIR");
            let text = fs::read_to_string(format!("{root}/{folder}/{file}"));
            let text = addresses.put_into(&text.expect("an example"));
            fs::write(directory.join(file), text).expect("a file");
        }
        if let Some((file, text)) = self.surroundings() {
            fs::write(directory.join(file), text).expect("a file");
        }
        let process = self.spawn(&directory)?;
        let mut server = Server {
            front: self,
            directory,
            process,
        };
        server.wait_for(addresses.front).await;
        Some(server)
    }

    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn spawn(self, directory: &PathBuf) -> Option<Child> {
        let log = fs::File::create(directory.join("log")).expect("a file");
        let process = Command::new(self.program())
            .args(self.arguments())
            .current_dir(directory)
            .env("XDG_CONFIG_HOME", directory)
            .env("XDG_DATA_HOME", directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        if process.is_err() {
            assert!(env::var_os("CI").is_none(), "CI has {self:?}");
            eprintln!("skipped: {self:?} is not installed");
            let _ = fs::remove_dir_all(directory);
        }
        process.ok()
    }
}

/// A running server.
pub(crate) struct Server {
    front: Front,
    directory: PathBuf,
    process: Child,
}

impl Server {
    /// Waits until it passes on what is open to all. Some listen before they know their routes.
    async fn wait_for(&mut self, address: SocketAddr) {
        let ready = format!("GET /open/ready HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        let waiting = async {
            loop {
                let answer = try_exchange(address, &ready).await;
                if answer.is_some_and(|answer| answer.status() == 200) {
                    return true;
                }
                if self.process.try_wait().expect("a process").is_some() {
                    return false;
                }
                yield_now().await;
            }
        };
        let is_ready = timeout(PATIENCE, waiting).await.unwrap_or(false);
        assert!(is_ready, "{:?} does not work: {}", self.front, self.log());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.start_kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port below those that the system gives to connections, which could take it before the server
/// does: hundreds of them begin while servers start.
pub(crate) async fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 200).expect("small") * 50;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (first + next) % 12_000;
        if let Ok(free) = TcpListener::bind(("127.0.0.1", port)).await {
            return free.local_addr().expect("an address");
        }
    }
}
