use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

/// One connection to the gate.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::by(1, address).await
    }

    /// One of many clients of this machine, by its number.
    pub(crate) async fn by(number: u8, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let own = SocketAddr::from(([127, 0, 0, number], 0));
        socket.bind(own).expect("an address of ours");
        Self(socket.connect(address).await.expect("a connection"))
    }

    /// One that has begun with these bytes.
    pub(crate) async fn that_sent(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut client = Self::to(address).await;
        client.0.write_all(bytes).await.expect("a server");
        client
    }

    /// Asks for something, and returns when it has been answered well.
    pub(crate) async fn get(&mut self) {
        self.0.write_all(GET).await.expect("a server");
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            let read = self.0.read_buf(&mut answer).await.expect("a connection");
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }

    /// Waits until the connection is closed, whatever comes before that.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        // A reset is an end as well.
        let _ = timeout(PATIENCE, read).await.expect("an end");
    }
}

/// How long a new client waits for its answer.
pub(crate) async fn probe(address: SocketAddr) -> Duration {
    probe_by(1, address).await
}

pub(crate) async fn probe_by(number: u8, address: SocketAddr) -> Duration {
    let began_at = Instant::now();
    let asked = async { Client::by(number, address).await.get().await };
    timeout(PATIENCE, asked).await.expect("an answer");
    began_at.elapsed()
}

/// The same as [`probes`], but by nine other clients than the one that this machine is otherwise.
pub(crate) async fn probes_of_nine(
    address: SocketAddr,
    end: impl Future<Output = ()>,
) -> Vec<Duration> {
    let (stop, stopped) = tokio::sync::watch::channel(());
    let nine = (2..=10).map(|number| {
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    // Each asks once at least, however soon it is over.
                    _ = stopped.changed(), if !took.is_empty() => return took,
                    time = probe_by(number, address) => took.push(time),
                }
            }
        })
    });
    let nine: Vec<_> = nine.collect();
    end.await;
    drop(stop);
    let mut took = Vec::new();
    for one in nine {
        took.extend(one.await.expect("no panic"));
    }
    took.sort_unstable();
    took
}

/// Asks again and again until `end` completes, and returns how long each answer took, sorted.
pub(crate) async fn probes(address: SocketAddr, end: impl Future<Output = ()>) -> Vec<Duration> {
    let mut end = std::pin::pin!(end);
    let mut took = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = &mut end => break,
            time = probe(address) => took.push(time),
        }
    }
    took.sort_unstable();
    took
}

pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Ends a test that would otherwise wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
