//! Files that `serve` is given and cannot serve on.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use super::{Folder, Running};

const NOWHERE: &str = "127.0.0.1:1";

/// Starts `serve`, which must end by itself, and returns what it says.
async fn refusal(folder: &Folder, sockets: Vec<OwnedFd>) -> String {
    folder.write("listen = \"127.0.0.1:0\"", NOWHERE);
    let mut process = Running::spawn(folder.on(&[], sockets));
    assert_eq!(process.end().await, Some(2));
    folder.log()
}

#[tokio::test]
async fn sockets_that_no_listener_has_are_named() {
    let folder = Folder::new("unwanted");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = tcp.local_addr().expect("an address");
    let path = folder.path("gate.sock");
    let unix = UnixListener::bind(&path).expect("a Unix socket");
    let log = refusal(&folder, vec![tcp.into(), unix.into()]).await;
    let line = |address: &str| {
        format!(
            "inherited socket {address}: no listener of the configuration has this address; \
             name it there, or remove it from the socket unit\n"
        )
    };
    let lines = [line(&address.to_string()), line(&format!("unix:{path}"))];
    assert!(log.ends_with(&lines.concat()), "{log}");
    assert!(std::path::Path::new(&path).exists());
}

#[tokio::test]
async fn one_listener_takes_one_socket() {
    let folder = Folder::new("twice");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = tcp.local_addr().expect("an address");
    let again = tcp.try_clone().expect("the socket");
    folder.write(&format!("listen = \"{address}\""), NOWHERE);
    let mut process = Running::spawn(folder.on(&[], vec![tcp.into(), again.into()]));
    assert_eq!(process.end().await, Some(2));
    let refused = format!("inherited socket {address}: no listener ");
    let log = folder.log();
    let lines = log.lines().filter(|line| line.starts_with(&refused));
    assert_eq!(lines.count(), 1, "{log}");
}

#[tokio::test]
async fn a_connection_is_no_listener() {
    let folder = Folder::new("connection");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let _client = TcpStream::connect(address).expect("a connection");
    let (accepted, _) = listener.accept().expect("a connection");
    let log = refusal(&folder, vec![accepted.into()]).await;
    assert_eq!(
        log,
        format!(
            "inherited socket {address}: this is a connection, not a listener; \
             set Accept=no in its socket unit\n"
        )
    );
}

#[tokio::test]
async fn a_file_is_no_socket() {
    let folder = Folder::new("file");
    let file = File::open("/dev/null").expect("a file");
    let log = refusal(&folder, vec![file.into()]).await;
    assert_eq!(
        log,
        "cannot use an inherited socket: fd 3 is not a socket; the socket unit may have TCP and \
         Unix stream sockets only\n"
    );
}

#[tokio::test]
async fn sockets_for_another_process_are_left_alone() {
    let folder = Folder::new("other");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    folder.write("listen = \"127.0.0.1:0\"", NOWHERE);
    let mut command = folder.on(&[], vec![tcp.into()]);
    command.env("LISTEN_PID", "1");
    let mut process = Running::spawn(command);
    process.address("gate").await;
    assert_eq!(process.stop("-TERM").await, Some(0));
}
