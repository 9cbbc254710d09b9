//! An upstream that reads strictly, and the clients that send it anything.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::carrier::{Carrier, Front};
use super::support::{Gate, PATIENCE, route};
use super::wire::{self, Message};

/// An upstream that keeps every whole request, and says `hello` to each.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    messages: mpsc::UnboundedReceiver<Result<Message, String>>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(record(stream, sender.clone()));
            }
        });
        Self { address, messages }
    }

    /// A gate whose only route, for people with a token, leads here.
    pub(crate) async fn gate(&self) -> Gate {
        Gate::before(self.address).await
    }

    /// A gate with these routes, of which each `(path, more)` leads here.
    pub(crate) async fn gate_with(&self, routes: &[(&str, &str)]) -> Gate {
        Gate::start(&self.routes(routes)).await
    }

    /// The same as [`gate`](Self::gate), reached by one protocol.
    pub(crate) async fn front(&self, carrier: Carrier) -> Front {
        self.front_with(carrier, "", &[("/", "")]).await
    }

    /// The same with these lines of `[server]` and routes of which each `(path, more)` leads here.
    pub(crate) async fn front_with(
        &self,
        carrier: Carrier,
        server: &str,
        routes: &[(&str, &str)],
    ) -> Front {
        Front::start(carrier, server, &self.routes(routes)).await
    }

    fn routes(&self, routes: &[(&str, &str)]) -> String {
        let routes = routes.iter();
        let routes = routes.map(|(path, more)| route(path, self.address, more));
        routes.collect()
    }

    /// The next request, which holds what we say and nothing else that looks like it.
    pub(crate) async fn message(&mut self) -> Message {
        let message = tokio::time::timeout(PATIENCE, self.messages.recv());
        let message = message.await.expect("in time").expect("a request");
        let message = message.unwrap_or_else(|why| panic!("malformed: {why}"));
        wire::assert_clean(&message);
        message
    }

    /// All requests that are whole by now, checked like those of [`Recorder::message`].
    pub(crate) fn messages_so_far(&mut self) -> Vec<Message> {
        let received = std::iter::from_fn(|| self.messages.try_recv().ok());
        let checked = received.map(|message| {
            let message = message.unwrap_or_else(|why| panic!("malformed: {why}"));
            wire::assert_clean(&message);
            message
        });
        checked.collect()
    }

    /// Fails if there was a request that nobody asked for.
    pub(crate) fn assert_untouched(&mut self) {
        if let Ok(message) = self.messages.try_recv() {
            panic!("{message:?}");
        }
    }
}

async fn record(mut stream: TcpStream, sender: mpsc::UnboundedSender<Result<Message, String>>) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        loop {
            match wire::read(&bytes) {
                Ok(None) => break,
                Ok(Some((message, length))) => {
                    bytes.drain(..length);
                    // The test may have ended by the time a request comes.
                    let _ = sender.send(Ok(message));
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                    let _ = stream.write_all(answer).await;
                }
                Err(why) => {
                    let _ = sender.send(Err(why));
                    return;
                }
            }
        }
    }
}

/// Sends these bytes on a connection of their own, and returns the status of the first answer,
/// interim ones aside; 0 if there was none.
pub(crate) async fn status_of(gate: &Gate, bytes: &[u8]) -> u16 {
    status_over(gate.connect().await.0, bytes).await
}

/// The same on any connection on which nothing was said yet.
pub(crate) async fn status_over(stream: impl AsyncRead + AsyncWrite, bytes: &[u8]) -> u16 {
    let answer = tokio::time::timeout(PATIENCE, answer_to(stream, bytes)).await;
    let answer = answer.unwrap_or_else(|_| panic!("no answer to {:?}", lossy(bytes)));
    let mut answer = &*answer;
    while let Some(rest) = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n") {
        answer = rest;
    }
    let status = answer.split(' ').nth(1);
    status.map_or(0, |status| status.parse().expect("a status"))
}

/// Sends these bytes, and returns the head of what comes back.
async fn answer_to(stream: impl AsyncRead + AsyncWrite, bytes: &[u8]) -> String {
    let mut answer = Vec::new();
    let (mut reader, mut writer) = tokio::io::split(stream);
    // Who refuses a request need not read it to its end.
    let writing = async { writer.write_all(bytes).await.ok() };
    let reading = async {
        while !is_final(&answer) {
            if !reader
                .read_buf(&mut answer)
                .await
                .is_ok_and(|read| read > 0)
            {
                break;
            }
        }
    };
    tokio::join!(writing, reading);
    lossy(&answer)
}

fn is_final(answer: &[u8]) -> bool {
    let text = lossy(answer);
    let text = text.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    text.contains("\r\n\r\n")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
