//! How long a tool may take, by its route.

use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::TOKEN;
use super::support::{Gate, read_message, route, status};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

/// How long a client of a route with these keys waits for a tool that never answers.
async fn waited(timeouts: &str) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let gate = Gate::start(&route("/", address, timeouts)).await;
    let mut client = gate.connect().await;
    client.send(&get("/")).await;
    let (mut tool, _) = listener.accept().await.expect("a connection");
    read_message(&mut tool).await.expect("a request");
    tokio::time::pause();
    let began_at = Instant::now();
    let response = client.response().await;
    assert_eq!(status(&response), 504);
    began_at.elapsed()
}

#[tokio::test]
async fn a_tool_has_as_long_for_a_response_as_its_route_says() {
    for (timeouts, seconds) in [
        ("", 60),
        ("[routes.timeouts]\nresponse = \"5s\"", 5),
        ("[routes.timeouts]\nresponse = \"10m\"", 600),
        ("[routes.timeouts]\nresponse = \"2h\"", 7200),
    ] {
        let waited = waited(timeouts).await.as_secs();
        assert!((seconds - 1..=seconds + 1).contains(&waited), "{waited}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_tool_without_a_limit_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let endless = "[routes.timeouts]\nresponse = \"0s\"";
    let gate = Gate::start(&route("/", address, endless)).await;
    let mut client = gate.connect().await;
    client.send(&get("/")).await;
    let (mut tool, _) = listener.accept().await.expect("a connection");
    read_message(&mut tool).await.expect("a request");
    tokio::time::pause();
    let week = Duration::from_secs(7 * 24 * 3600);
    assert!(timeout(week, client.response()).await.is_err());
}

/// One connection serves both, and each has its own time.
#[tokio::test]
async fn routes_to_the_same_tool_have_their_own_times() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = [
        route("/slow", address, "[routes.timeouts]\nresponse = \"10m\""),
        route("/quick", address, "[routes.timeouts]\nresponse = \"2s\""),
    ];
    let gate = Gate::start(&routes.concat()).await;
    let mut client = gate.connect().await;
    client.send(&get("/slow")).await;
    let (mut tool, _) = listener.accept().await.expect("a connection");
    read_message(&mut tool).await.expect("a request");
    // Later than at once, so that it is measured.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(300)).await;
    tokio::time::resume();
    let hello = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut tool, hello)
        .await
        .expect("a connection");
    assert_eq!(status(&client.response().await), 200);
    client.send(&get("/quick")).await;
    read_message(&mut tool).await.expect("a request");
    tokio::time::pause();
    let began_at = Instant::now();
    assert_eq!(status(&client.response().await), 504);
    assert!(began_at.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_tool_has_as_long_to_accept_as_its_route_says() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let listener = socket.listen(0).expect("a queue");
    let address = listener.local_addr().expect("an address");
    // From here on, the kernel lets newcomers wait.
    let _queued = TcpStream::connect(address).await.expect("a place");
    let soon = "[routes.timeouts]\nconnect = \"20ms\"";
    let gate = Gate::start(&route("/", address, soon)).await;
    let began_at = Instant::now();
    let response = gate.connect().await.exchange(&get("/")).await;
    assert_eq!(status(&response), 504);
    assert!(
        began_at.elapsed() < Duration::from_secs(1),
        "it has a second"
    );
}
