//! HTTP/1.1 as bytes: what is asked is exactly what a test writes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Ends a test that would otherwise wait for ever for what does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request or a response.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its first line.
    pub(crate) line: String,
    /// Names as they came, in their order.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Message {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("a line").to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').expect("a field");
            (name.to_owned(), value.trim().to_owned())
        };
        Self {
            line,
            fields: lines.map(field).collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        let status = self.line.split(' ').nth(1).expect("a status");
        status.parse().expect("a number")
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
        let fields = self.fields.iter().filter(named);
        fields.map(|(_, value)| value.as_str()).collect()
    }
}

/// Reads one message, whose end its length or its last chunk tells; none at the end of the stream.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Message> {
    let mut bytes = Vec::new();
    while !is_complete(&bytes) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Message::parse(&String::from_utf8_lossy(&bytes)))
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains("\r\n\r\n") {
        return false;
    }
    let message = Message::parse(&text);
    if !message.all("transfer-encoding").is_empty() {
        return message.body.ends_with("0\r\n\r\n");
    }
    let length = message.all("content-length");
    let length = length
        .first()
        .map_or(0, |length| length.parse().expect("a number"));
    message.body.len() >= length
}

/// Sends a request on a connection of its own; none if there is no whole answer.
pub(crate) async fn try_exchange(address: SocketAddr, request: &str) -> Option<Message> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        read(&mut stream).await
    };
    let answer = timeout(PATIENCE, exchange).await;
    answer.unwrap_or_else(|_| panic!("no answer to {request}"))
}

pub(crate) async fn exchange(address: SocketAddr, request: &str) -> Message {
    let answer = try_exchange(address, request).await;
    answer.unwrap_or_else(|| panic!("no answer to {request}"))
}
