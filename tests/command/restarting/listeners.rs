//! Every listener of the configuration takes a socket that is there for it.

use std::net::TcpListener;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Folder, PATIENCE, Running};

/// The sockets with the lines of the configuration and the roles of what serves on them.
async fn assert_served(folder: &Folder, [first, second]: [(&str, &str); 2]) {
    let sockets = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let addresses = sockets
        .each_ref()
        .map(|socket| socket.local_addr().expect("an address").to_string());
    let mut server = "listen = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]".to_owned();
    for ((line, _), address) in [first, second].into_iter().zip(&addresses) {
        server += &format!("\n{}", line.replace("ADDRESS", address));
    }
    folder.write(&server, "127.0.0.1:1");
    let passed = sockets.map(Into::into).into();
    let mut process = Running::spawn(folder.on(&[], passed));
    // It has no socket, and binds its address itself.
    let gate = process.address("gate").await;
    assert!(!addresses.contains(&gate), "{gate}");
    for ((_, role), address) in [first, second].into_iter().zip(&addresses) {
        assert_eq!(process.address(role).await, *address);
        let status = timeout(PATIENCE, status(address)).await;
        assert_eq!(status.expect("an answer"), "HTTP/1.1 ", "{role}");
    }
    assert_eq!(process.stop("-TERM").await, Some(0));
}

/// The beginning of whatever is answered.
async fn status(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("a connection");
    let mut bytes = [0; 9];
    stream.read_exact(&mut bytes).await.expect("an answer");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn each_kind_of_listener_takes_its_socket() {
    let folder = Folder::new("listeners");
    let admin = ("admin_listen = \"ADDRESS\"", "admin");
    let probes = ("probe_listen = \"ADDRESS\"", "probes");
    assert_served(&folder, [admin, probes]).await;
    let decisions = ("[decisions]\nlisten = [\"ADDRESS\"]", "decisions");
    let webhook = ("[webhook]\nlisten = \"ADDRESS\"\nsecret = \"s\"", "webhook");
    assert_served(&folder, [decisions, webhook]).await;
}
