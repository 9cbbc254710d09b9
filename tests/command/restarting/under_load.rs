//! One process after the other on the same sockets, while clients go on.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tower::BoxError;

use super::super::load::{Load, is_installed};
use super::{Folder, PATIENCE, Running, emulator};

/// What systemd has for trying out socket units.
const ACTIVATOR: &str = "systemd-socket-activate";

/// The sockets that systemd keeps open from one process to the next.
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
fn load(sockets: &Sockets) -> Load {
    let mut load = Load::default();
    for _ in 0..2 {
        for door in [
            Door::Tcp(sockets.address()),
            Door::Unix(sockets.path.clone()),
        ] {
            load.repeat(move || door.clone().request());
        }
    }
    load
}

#[derive(Clone)]
enum Door {
    Tcp(String),
    Unix(String),
}

impl Door {
    async fn request(self) -> Result<u16, BoxError> {
        let answer = match self {
            Self::Tcp(address) => ask(TcpStream::connect(address).await?).await?,
            Self::Unix(path) => ask(UnixStream::connect(path).await?).await?,
        };
        let status = answer.split(' ').nth(1).ok_or("no status")?;
        Ok(status.parse()?)
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
    let load = load(&sockets);
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
    if is_installed(ACTIVATOR, "--version").await {
        restart_under_load("systemd", &[ACTIVATOR]).await;
    }
}
