use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A client that keeps its connection.
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(gate: SocketAddr) -> Self {
        let stream = TcpStream::connect(gate).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        let received = Vec::with_capacity(4096);
        Self { stream, received }
    }

    /// Makes a request, and returns the status of its response once all of it is there.
    pub(crate) async fn ask(&mut self, token: &str) -> u16 {
        let request =
            format!("GET / HTTP/1.1\r\nHost: gate.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        let written = self.stream.write_all(request.as_bytes()).await;
        written.expect("a connection");
        self.received.clear();
        while !self.is_whole() {
            let read = self.stream.read_buf(&mut self.received).await;
            assert!(read.expect("a connection") > 0, "the gate closed");
        }
        let status = &self.received["HTTP/1.1 ".len()..][..3];
        let status = str::from_utf8(status).expect("a status");
        status.parse().expect("a status")
    }

    fn is_whole(&self) -> bool {
        let text = str::from_utf8(&self.received).expect("ASCII");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().expect("a length"))
        });
        body.len() == length.expect("a length")
    }
}
