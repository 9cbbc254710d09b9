//! What a service manager hears.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as Datagrams};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::time::{Instant, timeout};

use super::{Folder, PATIENCE, Running};

/// The end of a service manager.
struct Manager(UnixDatagram);

impl Manager {
    fn bind(address: &SocketAddr) -> Self {
        let socket = Datagrams::bind_addr(address).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Self(UnixDatagram::from_std(socket).expect("a socket"))
    }

    async fn hears(&self) -> String {
        let mut bytes = [0; 256];
        let heard = timeout(PATIENCE, self.0.recv(&mut bytes)).await;
        let length = heard.expect("a message").expect("a message");
        String::from_utf8(bytes[..length].to_vec()).expect("UTF-8")
    }
}

/// Starts `serve` with what a manager sets, and returns it with its gate's address.
async fn serve(folder: &Folder, variables: &[(&str, &str)]) -> (Running, String) {
    folder.write("listen = \"127.0.0.1:0\"", "127.0.0.1:1");
    let mut command = folder.on(&[], Vec::new());
    command.envs(variables.iter().copied());
    let mut process = Running::spawn(command);
    let gate = process.address("gate").await;
    (process, gate)
}

/// As `MONOTONIC_USEC` counts.
fn now() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[tokio::test]
async fn a_manager_hears_of_the_start_of_reloads_and_of_the_end() {
    let folder = Folder::new("notified");
    let path = folder.path("notify");
    let name = format!("ghes-gatekeeper-{}", std::process::id());
    let at_path = SocketAddr::from_pathname(&path).expect("an address");
    let abstractly = SocketAddr::from_abstract_name(&name).expect("an address");
    for (address, text) in [(at_path, path), (abstractly, format!("@{name}"))] {
        let manager = Manager::bind(&address);
        let (process, gate) = serve(&folder, &[("NOTIFY_SOCKET", &text)]).await;
        assert_eq!(manager.hears().await, "READY=1");
        TcpStream::connect(&gate)
            .await
            .expect("a gate that accepts");
        // The second configuration is refused; the gate serves by the old one, and so it is ready.
        for further in ["realm = \"other\"", "realm = 1"] {
            folder.write(
                &format!("listen = \"127.0.0.1:0\"\n{further}"),
                "127.0.0.1:1",
            );
            let before = now();
            process.signal("-HUP").await;
            let message = manager.hears().await;
            let began = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
            let began = began.and_then(|began| began.parse().ok());
            let began: i64 = began.unwrap_or_else(|| panic!("{message}"));
            assert!((before..=now()).contains(&began), "{before} {began}");
            assert_eq!(manager.hears().await, "READY=1");
        }
        process.signal("-TERM").await;
        assert_eq!(manager.hears().await, "STOPPING=1");
        ended(process).await;
        assert!(folder.log().contains("server.realm: expected a string"));
    }
}

async fn ended(mut process: Running) {
    let code = timeout(PATIENCE, process.end()).await;
    assert_eq!(code.expect("an end"), Some(0));
}

#[tokio::test]
async fn a_watchdog_hears_twice_in_its_period() {
    let folder = Folder::new("watchdog");
    let path = folder.path("notify");
    let manager = Manager::bind(&SocketAddr::from_pathname(&path).expect("an address"));
    let variables = [("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "1000000")];
    let (process, _) = serve(&folder, &variables).await;
    assert_eq!(manager.hears().await, "READY=1");
    let ready = Instant::now();
    for _ in 0..5 {
        assert_eq!(manager.hears().await, "WATCHDOG=1");
    }
    // Less than five periods, in which it would have been heard once each.
    let elapsed = ready.elapsed();
    let expected = Duration::from_millis(2_400)..Duration::from_millis(4_900);
    assert!(expected.contains(&elapsed), "{elapsed:?}");
    process.signal("-TERM").await;
    ended(process).await;
}

#[tokio::test]
async fn the_watchdog_of_another_process_hears_nothing() {
    let folder = Folder::new("other-watchdog");
    let path = folder.path("notify");
    let manager = Manager::bind(&SocketAddr::from_pathname(&path).expect("an address"));
    let variables = [
        ("NOTIFY_SOCKET", &*path),
        ("WATCHDOG_USEC", "2000"),
        ("WATCHDOG_PID", "1"),
    ];
    let (process, _) = serve(&folder, &variables).await;
    assert_eq!(manager.hears().await, "READY=1");
    // Reloads take longer than a millisecond, at which it would be heard.
    for _ in 0..10 {
        process.signal("-HUP").await;
        assert!(manager.hears().await.starts_with("RELOADING=1\n"));
        assert_eq!(manager.hears().await, "READY=1");
    }
    process.signal("-TERM").await;
    assert_eq!(manager.hears().await, "STOPPING=1");
    ended(process).await;
}

#[tokio::test]
async fn what_a_manager_cannot_mean_is_refused() {
    let folder = Folder::new("nonsense");
    folder.write("listen = \"127.0.0.1:0\"", "127.0.0.1:1");
    for (variables, line) in [
        (
            [("NOTIFY_SOCKET", "vsock:2:1234"), ("WATCHDOG_USEC", "1")],
            "NOTIFY_SOCKET: vsock:2:1234: invalid input parameter; \
             expected an absolute path, or @ and a name\n",
        ),
        (
            [("NOTIFY_SOCKET", "@nobody"), ("WATCHDOG_USEC", "0")],
            "WATCHDOG_USEC: 0: expected a number of microseconds above 0\n",
        ),
    ] {
        let mut command = folder.on(&[], Vec::new());
        command.envs(variables);
        assert_eq!(Running::spawn(command).end().await, Some(2));
        let log = folder.log();
        assert!(log.ends_with(line), "{log}");
    }
}

/// The first messages go nowhere, and the gate serves.
#[tokio::test]
async fn a_manager_that_is_gone_is_told_of_in_the_log() {
    let folder = Folder::new("gone");
    let path = folder.path("notify");
    let (process, gate) = serve(&folder, &[("NOTIFY_SOCKET", &path)]).await;
    TcpStream::connect(&gate)
        .await
        .expect("a gate that accepts");
    assert_eq!(process.stop("-TERM").await, Some(0));
    let log = folder.log();
    let line = "cannot notify the service manager at NOTIFY_SOCKET: No such file or directory";
    assert!(log.contains(line), "{log}");
}
