use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::PATIENCE;
use super::frames::{GOAWAY, HEADERS, RST_STREAM, preface};

/// A client of HTTP/2 that speaks bytes.
pub(crate) struct Multiplexed(TcpStream);

impl Multiplexed {
    /// One that gives each stream so large a window and sends these frames.
    pub(crate) async fn that_sent(address: SocketAddr, window: u32, frames: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(&preface(window)).await.expect("a server");
        stream.write_all(frames).await.expect("a server");
        Self(stream)
    }

    /// Reads until so many responses have begun or been refused.
    pub(crate) async fn answered(&mut self, streams: usize) {
        self.frames(&[HEADERS, RST_STREAM], streams).await;
    }

    /// Reads until so many streams have been reset.
    pub(crate) async fn reset(&mut self, streams: usize) {
        self.frames(&[RST_STREAM], streams).await;
    }

    async fn frames(&mut self, kinds: &[u8], count: usize) {
        let reading = async {
            let mut seen = 0;
            while seen < count {
                let kind = self.frame().await;
                assert_ne!(kind, GOAWAY, "after {seen} of {count}");
                seen += usize::from(kinds.contains(&kind));
            }
        };
        timeout(PATIENCE, reading).await.expect("all of them");
    }

    async fn frame(&mut self) -> u8 {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.expect("a payload");
        head[3]
    }
}
