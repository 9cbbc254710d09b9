//! What stands behind a front, and who it takes a request to be from.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::message::{Message, read};

/// A tool that keeps each request and says `hello`.
pub(crate) struct Tool {
    pub(crate) address: SocketAddr,
    requests: UnboundedReceiver<Message>,
}

impl Tool {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, sender.clone()));
            }
        });
        Self { address, requests }
    }

    /// The request of an answer that has come: it was kept before.
    pub(crate) fn request(&mut self) -> Message {
        self.requests.try_recv().expect("a request")
    }

    pub(crate) fn forget(&mut self) {
        while self.requests.try_recv().is_ok() {}
    }

    /// Fails if there was a request that may not have come.
    pub(crate) fn assert_untouched(&mut self) {
        if let Ok(request) = self.requests.try_recv() {
            panic!("the tool got {request:?}");
        }
    }
}

async fn answer(mut stream: TcpStream, sender: UnboundedSender<Message>) {
    while let Some(request) = read(&mut stream).await {
        // The test may have ended by the time a request comes.
        let _ = sender.send(request);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        let _ = stream.write_all(answer).await;
    }
}

/// Families of names by which tools tell who asks, which token that is, or what is asked for. The
/// dash at the end of a family belongs to it.
const BELIEVED: [&str; 23] = [
    "authorization",
    "forwarded",
    "impersonate-",
    "remote-",
    "x-auth-request-",
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-method",
    "x-forwarded-preferred-username",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-gatekeeper-",
    "x-github-",
    "x-http-method",
    "x-method-override",
    "x-oauth-",
    "x-original-",
    "x-real-ip",
    "x-remote-",
    "x-rewrite-",
    "x-webauth-",
];

/// What a tool takes a name for if it is as sloppy as CGI.
fn fold(name: &str) -> String {
    let one = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    name.chars().map(one).collect()
}

/// All that a tool could believe, by what it takes the name for. An empty value says nothing.
pub(crate) fn believed(request: &Message) -> Vec<(String, String)> {
    let is_believed = |name: &str| {
        let folded = fold(name);
        BELIEVED
            .iter()
            .any(|family| match family.strip_suffix('-') {
                Some(_) => folded.starts_with(family),
                None => folded == *family || folded.starts_with("x-http-method"),
            })
    };
    let fields = request.fields.iter();
    let fields = fields.filter(|(name, value)| is_believed(name) && !value.is_empty());
    // An address that the front writes is that of its client.
    let fields = fields.filter(|(name, value)| name != "X-Real-IP" || value != "127.0.0.1");
    let mut all: Vec<_> = fields
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    all.sort();
    all
}

/// Fails unless a tool takes the request for that of this person and nobody else's, with no more
/// and no less than the gate says.
pub(crate) fn assert_from(request: &Message, person: &[(&str, &str)]) {
    let mut told = believed(request);
    // The login, by the name that the route's `identity_headers` choose, where the front copies it.
    let login = person
        .iter()
        .find(|(name, _)| *name == "x-auth-request-user");
    told.retain(|(name, value)| {
        name != "x-forwarded-user" || login.is_none_or(|(_, login)| login != value)
    });
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(told, person, "{request:?}");
}

/// Fails unless a tool takes the request for nobody's.
pub(crate) fn assert_from_nobody(request: &Message) {
    assert_from(request, &[]);
}
