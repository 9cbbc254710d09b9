//! One process after the other on the same sockets, while clients go on.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Folder, PATIENCE, Running, emulator};

/// What systemd has for trying out socket units.
const ACTIVATOR: &str = "systemd-socket-activate";

/// The sockets as systemd keeps them, whoever serves on them.
struct Sockets {
    tcp: TcpListener,
    unix: UnixListener,
    path: String,
}

impl Sockets {
    fn bind(folder: &Folder) -> Self {
        let path = folder.path("gate.sock");
        Self {
            tcp: TcpListener::bind("127.0.0.1:0").expect("a port"),
            unix: UnixListener::bind(&path).expect("a Unix socket"),
            path,
        }
    }

    fn address(&self) -> String {
        self.tcp.local_addr().expect("an address").to_string()
    }

    fn serve(&self, folder: &Folder, activator: &[&str]) -> Running {
        let tcp = self.tcp.try_clone().expect("the socket").into();
        let unix = self.unix.try_clone().expect("the socket").into();
        Running::spawn(folder.on(activator, vec![tcp, unix]))
    }

    /// Waits until a process says that it serves on both.
    async fn announced(&self, process: &mut Running) {
        let lines = async { (process.line().await, process.line().await) };
        let lines = timeout(PATIENCE, lines).await.expect("two lines");
        let tcp = format!("listening on http://{} (gate)", self.address());
        let unix = format!("listening on unix:{} (gate)", self.path);
        assert_eq!(lines, (tcp, unix));
    }
}

/// Clients that make a new connection for each request.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    fn start(sockets: &Sockets) -> Self {
        let (stop, answered) = (Arc::default(), Arc::default());
        let mut load = Self {
            stop,
            answered,
            clients: JoinSet::new(),
        };
        for _ in 0..2 {
            load.repeat(Door::Tcp(sockets.address()));
            load.repeat(Door::Unix(sockets.path.clone()));
        }
        load
    }

    fn repeat(&mut self, door: Door) {
        let (stop, answered) = (Arc::clone(&self.stop), Arc::clone(&self.answered));
        self.clients.spawn(async move {
            let mut failed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match timeout(PATIENCE, door.request()).await {
                    // The emulator answers so outside its API.
                    Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 406 ") => {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    other => failed.push(format!("{other:?}")),
                }
            }
            failed
        });
    }

    /// Waits until so many more requests were answered.
    async fn answers(&self, more: usize) {
        let wanted = self.answered.load(Ordering::Relaxed) + more;
        let answered = async {
            while self.answered.load(Ordering::Relaxed) < wanted {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, answered).await.expect("answers");
    }

    /// Stops, and returns how many were answered; none may have failed.
    async fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            let failed = client.expect("no panic");
            assert!(failed.is_empty(), "{failed:?}");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

enum Door {
    Tcp(String),
    Unix(String),
}

impl Door {
    async fn request(&self) -> io::Result<String> {
        match self {
            Self::Tcp(address) => ask(TcpStream::connect(address).await?).await,
            Self::Unix(path) => ask(UnixStream::connect(path).await?).await,
        }
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<String> {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Authorization: Bearer e72e16c7e42f292c6912e7710c838347ae178b4a\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn restart_under_load(name: &str, activator: &[&str]) {
    let (_emulator, ghes) = emulator().await;
    let folder = Folder::new(name);
    let sockets = Sockets::bind(&folder);
    let listen = format!(
        "listen = [\"{}\", \"unix:{}\"]",
        sockets.address(),
        sockets.path
    );
    folder.write(&listen, &ghes);
    // Clients need not wait for the first process, either.
    let load = Load::start(&sockets);
    let mut process = sockets.serve(&folder, activator);
    sockets.announced(&mut process).await;
    load.answers(100).await;
    for _ in 0..3 {
        assert_eq!(process.stop("-TERM").await, Some(0));
        process = sockets.serve(&folder, activator);
        sockets.announced(&mut process).await;
        load.answers(100).await;
    }
    // The next one may also be there before the last one goes.
    let mut next = sockets.serve(&folder, activator);
    sockets.announced(&mut next).await;
    assert_eq!(process.stop("-TERM").await, Some(0));
    load.answers(100).await;
    let answered = load.end().await;
    assert!(answered >= 500, "{answered}");
    assert_eq!(next.stop("-TERM").await, Some(0));
    assert!(std::path::Path::new(&sockets.path).exists());
}

#[tokio::test]
async fn restarts_on_inherited_sockets_fail_no_request() {
    restart_under_load("load", &[]).await;
}

#[tokio::test]
async fn restarts_by_systemds_own_tool_fail_no_request() {
    if has_activator().await {
        restart_under_load("systemd", &[ACTIVATOR]).await;
    }
}

/// Where `CI` is set, it has to be there.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
async fn has_activator() -> bool {
    let output = Command::new(ACTIVATOR).arg("--version").output().await;
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "CI has {ACTIVATOR}");
        eprintln!("skipped: {ACTIVATOR} is not installed");
    }
    is_there
}
