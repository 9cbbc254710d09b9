//! A WebSocket whose token stands among its subprotocols, as a page in a browser sends it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::TOKEN;
use super::carrier::{Ask, Carrier, Front};
use super::peers::run;
use super::support::{Client, Gate, Upstream, headers, read_message, route, status};
use super::websocket::HANDSHAKE;
use super::websocket_http2::{agreement_with, client, handshake};

const ON: &str = "websocket_protocol = true";

fn kubernetes(token: &str) -> String {
    let token = BASE64_URL_SAFE_NO_PAD.encode(token);
    format!("base64url.bearer.authorization.k8s.io.{token}")
}

/// A tool that answers with this line about its subprotocol.
async fn start(more: &str) -> (TcpListener, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let gate = Gate::start(&format!(
        "[server]\nh2c = true\n{}",
        route("/", address, more)
    ))
    .await;
    (listener, gate)
}

/// What the tool was offered, and what the client is answered, if the tool chooses that.
async fn offered_and_answered(offered: &str, chosen: &str) -> (Vec<String>, Vec<String>) {
    let (listener, gate) = start(ON).await;
    let tool = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let request = read_message(&mut stream).await.expect("a request");
        let answer = agreement_with(&request, chosen);
        stream
            .write_all(answer.as_bytes())
            .await
            .expect("a connection");
        (stream, request)
    };
    let mut client = gate.connect().await;
    let handshake = format!("{HANDSHAKE}Sec-WebSocket-Protocol: {offered}\r\n\r\n");
    let (answer, (_stream, request)) = tokio::join!(client.exchange(&handshake), tool);
    assert_eq!(status(&answer), 101, "{offered}");
    assert!(
        !answer.contains(TOKEN) && !answer.contains("k8s.io."),
        "{answer}"
    );
    assert_nothing_is_told(&request);
    (protocols(&request), protocols(&answer))
}

fn assert_nothing_is_told(request: &str) {
    assert!(
        headers(request).contains(&"x-forwarded-user: octocat"),
        "{request}"
    );
    let encoded = BASE64_URL_SAFE_NO_PAD.encode(TOKEN);
    assert!(
        !request.contains(TOKEN) && !request.contains(&encoded),
        "{request}"
    );
}

fn protocols(message: &str) -> Vec<String> {
    let lines = headers(message).into_iter();
    let lines = lines.filter_map(|line| line.strip_prefix("sec-websocket-protocol: "));
    lines.map(str::to_owned).collect()
}

/// The rows: what is offered, what the tool sees of it and chooses, and what is answered.
fn rows() -> Vec<(String, &'static str, &'static str, &'static str)> {
    let form = kubernetes(TOKEN);
    vec![
        (format!("bearer, {TOKEN}"), "", "", "bearer"),
        (format!("bearer, {TOKEN}, chat"), "chat", "", "bearer"),
        (format!("bearer, {TOKEN}, chat, v2"), "chat, v2", "v2", "v2"),
        (format!("chat, bearer, {TOKEN}"), "chat", "chat", "chat"),
        (format!("{form}, chat"), "chat", "chat", "chat"),
        (format!("a, {form}, b"), "a, b", "b", "b"),
        // As it would be without a token: the client decides what that means.
        (format!("{form}, chat"), "chat", "", ""),
        // A client would fail at what it did not offer.
        (format!("bearer, {TOKEN}, chat"), "chat", "other", "bearer"),
        (format!("bearer, {TOKEN}, chat"), "chat", TOKEN, "bearer"),
        (format!("{form}, chat"), "chat", "other", ""),
    ]
}

fn list(value: &str) -> Vec<String> {
    let value = (!value.is_empty()).then(|| value.to_owned());
    value.into_iter().collect()
}

#[tokio::test]
async fn the_token_is_taken_out_and_never_answered() {
    for (offered, seen, chosen, answered) in rows() {
        let got = offered_and_answered(&offered, chosen).await;
        assert_eq!(got, (list(seen), list(answered)), "{offered} {chosen}");
    }
}

#[tokio::test]
async fn the_token_is_taken_out_and_never_answered_over_http_2() {
    for (offered, seen, chosen, answered) in rows() {
        let (listener, gate) = start(ON).await;
        let tool = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let request = read_message(&mut stream).await.expect("a request");
            let answer = agreement_with(&request, chosen);
            stream
                .write_all(answer.as_bytes())
                .await
                .expect("a connection");
            (stream, request)
        };
        let mut request = handshake("x");
        request.headers_mut().remove("authorization");
        let value = HeaderValue::try_from(&offered).expect("a value");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", value);
        let mut client = client(&gate).await;
        let (answer, (_stream, request)) = tokio::join!(client.send_request(request), tool);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{offered}");
        let told = answer.headers().get_all("sec-websocket-protocol").iter();
        let told: Vec<_> = told
            .map(|value| value.to_str().expect("ASCII").to_owned())
            .collect();
        assert_nothing_is_told(&request);
        assert_eq!(
            (protocols(&request), told),
            (list(seen), list(answered)),
            "{offered}"
        );
    }
}

/// Status and reason of a handshake that offers this, with these lines beside it.
async fn refused(gate: &Gate, offered: &str, lines: &str) -> (u16, String) {
    let handshake = format!("{HANDSHAKE}Sec-WebSocket-Protocol: {offered}\r\n{lines}\r\n");
    let answer = gate.connect().await.exchange(&handshake).await;
    assert!(!answer.contains(TOKEN), "{answer}");
    (status(&answer), answer)
}

#[tokio::test]
async fn what_is_no_single_good_token_opens_nothing() {
    let (listener, gate) = start(ON).await;
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let good = format!("bearer, {TOKEN}");
    let form = kubernetes(TOKEN);
    for (offered, lines, expected, words) in [
        ("bearer, gho_nobody".to_owned(), "", 401, "invalid_token"),
        (
            format!("{}, chat", kubernetes("gho_nobody")),
            "",
            401,
            "invalid_token",
        ),
        (
            format!("bearer, {}", "a".repeat(1025)),
            "",
            401,
            "longer than any",
        ),
        ("chat".to_owned(), "", 401, "missing_token"),
        ("Bearer, chat".to_owned(), "", 401, "missing_token"),
        ("bearer".to_owned(), "", 400, "announces an access token"),
        (
            form.replace("io.", "io.="),
            "",
            400,
            "announces an access token",
        ),
        (form.clone(), "", 400, "only WebSocket subprotocol"),
        (good.clone(), &bearer, 400, "more than one credential"),
        (
            format!("{form}, chat"),
            &bearer,
            400,
            "more than one credential",
        ),
        (
            format!("{good}, {form}"),
            "",
            400,
            "more than one credential",
        ),
        (
            format!("{good}, {good}"),
            "",
            400,
            "more than one credential",
        ),
    ] {
        let (status, answer) = refused(&gate, &offered, lines).await;
        assert_eq!(status, expected, "{offered}: {answer}");
        assert!(answer.contains(words), "{offered}: {answer}");
    }
    let accepted = futures_util::future::FutureExt::now_or_never(listener.accept());
    assert!(accepted.is_none());
}

/// Only the token is taken out of a bad offer: what the tool knows, it is still offered.
#[tokio::test]
async fn a_route_that_only_observes_keeps_what_else_is_offered() {
    let form = kubernetes("gho_x");
    for (offered, lines, seen) in [
        ("chat, bearer".to_owned(), "", "chat, bearer"),
        ("bearer, \"gho_x\", chat".to_owned(), "", "chat"),
        (format!("chat, {form}, {form}, v2"), "", "chat, v2"),
        (format!("bearer, gho_x, {form}, chat"), "", "chat"),
        (format!("{}, chat", form.replace("io.", "io.=")), "", "chat"),
        (form.clone(), "", ""),
        (
            "bearer, gho_x, chat".to_owned(),
            "Authorization: Bearer gho_y\r\n",
            "chat",
        ),
    ] {
        for is_http_2 in [false, true] {
            let (listener, gate) = start(&format!("{ON}\nmode = \"observe\"")).await;
            let tool = async {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read_message(&mut stream).await.expect("a request");
                let answer = agreement_with(&request, "chat");
                let sent = stream.write_all(answer.as_bytes()).await;
                sent.expect("a connection");
                (stream, request)
            };
            let ask = async {
                if !is_http_2 {
                    let field = format!("Sec-WebSocket-Protocol: {offered}\r\n{lines}\r\n");
                    let mut client = gate.connect().await;
                    let answer = client.exchange(&format!("{HANDSHAKE}{field}")).await;
                    return (status(&answer), protocols(&answer));
                }
                let mut request = handshake("gho_y");
                let headers = request.headers_mut();
                if lines.is_empty() {
                    headers.remove("authorization");
                }
                let value = HeaderValue::try_from(&offered).expect("a value");
                headers.insert("sec-websocket-protocol", value);
                let answer = client(&gate).await.send_request(request).await;
                let answer = answer.expect("an answer");
                let told = answer.headers().get_all("sec-websocket-protocol").iter();
                let told = told.map(|value| value.to_str().expect("ASCII").to_owned());
                (answer.status().as_u16(), told.collect())
            };
            let ((status, answered), (_stream, request)) = tokio::join!(ask, tool);
            assert_eq!(status, if is_http_2 { 200 } else { 101 }, "{offered}");
            assert_eq!(protocols(&request), list(seen), "{offered}");
            assert!(!request.contains("gho_") && !request.contains("k8s.io."));
            assert!(!request.contains("x-forwarded-user"), "{request}");
            let chat = seen.contains("chat");
            // The tool answers only what it was offered; else the marker, where there is one.
            let expected = match (chat, offered.contains("bearer, ")) {
                (true, _) => list("chat"),
                (false, true) => list("bearer"),
                (false, false) => vec![],
            };
            assert_eq!(answered, expected, "{offered}");
        }
    }
}

#[tokio::test]
async fn no_other_route_takes_a_token_from_there() {
    let (_listener, gate) = start("").await;
    let (status, _) = refused(&gate, &format!("bearer, {TOKEN}"), "").await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn no_other_request_carries_a_token_there() {
    for on in [Carrier::Http1, Carrier::H2c] {
        let mut upstream = Upstream::start().await;
        let front = Front::start(on, "", &route("/", upstream.address, ON)).await;
        let offer = |ask: Ask| ask.line("Sec-WebSocket-Protocol", format!("bearer, {TOKEN}"));
        front.assert_status(&offer(Ask::get("/")), 401).await;
        front.assert_status(&offer(Ask::known("/")), 200).await;
        let request = upstream.request().await;
        assert_eq!(protocols(&request), [""; 0], "{request}");
        assert!(!request.contains(TOKEN), "{request}");
    }
}

#[tokio::test]
async fn a_tool_that_may_see_the_token_sees_it_as_bearer() {
    let (listener, gate) = start(&format!("{ON}\nforward_token = true")).await;
    let mut client = Client::to(gate.address).await;
    client
        .send(&format!(
            "{HANDSHAKE}Sec-WebSocket-Protocol: bearer, {TOKEN}, chat\r\n\r\n"
        ))
        .await;
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut stream).await.expect("a request");
    let line = format!("authorization: Bearer {TOKEN}");
    assert!(headers(&request).contains(&&*line), "{request}");
    assert_eq!(protocols(&request), ["chat"]);
}

/// A tool that knows the subprotocol `chat`, and sends back one message.
async fn chat(listener: TcpListener) -> JoinHandle<()> {
    #[expect(clippy::result_large_err, reason = "that is how tungstenite has it")]
    fn choose(
        request: &Request,
        mut response: Response,
    ) -> Result<Response, http::Response<Option<String>>> {
        let offered = request.headers().get("sec-websocket-protocol");
        if offered.is_some_and(|offered| offered == "chat") {
            let chat = HeaderValue::from_static("chat");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", chat);
        }
        Ok(response)
    }
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = accept_hdr_async(stream, choose).await.expect("a handshake");
            if let Some(Ok(message)) = socket.next().await {
                socket.send(message).await.expect("a connection");
            }
            let _ = socket.close(None).await;
        }
    })
}

/// Says which subprotocol was answered and what came back, or that it was refused.
const NODE: &str = "
const socket = new WebSocket(process.argv[1], process.argv.slice(2));
socket.onopen = () => socket.send('hello');
socket.onmessage = (event) => { console.log(socket.protocol, event.data); process.exit(0); };
socket.onerror = () => { console.log('refused'); process.exit(0); };
";

const PYTHON: &str = "
import sys
from websockets.sync.client import connect
from websockets.exceptions import InvalidStatus
try:
    with connect(sys.argv[1], subprotocols=sys.argv[2:], proxy=None) as socket:
        socket.send('hello')
        print(socket.subprotocol, socket.recv())
except InvalidStatus:
    print('refused')
";

/// The Python of the tools' own environment, where that has the package.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn python() -> Option<PathBuf> {
    let python = std::env::var("WEB_TOOLS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = run(&python, &["-c", "import websockets.sync.client"]).await?;
    if !has.status.success() {
        assert!(
            std::env::var_os("CI").is_none(),
            "websockets is not installed"
        );
        eprintln!("skipped: websockets is not installed");
        return None;
    }
    Some(PathBuf::from(python))
}

/// node's own client is a browser's (WHATWG): it fails unless one of its subprotocols is answered.
/// Older ones have it behind this switch, and the oldest have none.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn has_websocket() -> bool {
    let question = "process.exit(typeof WebSocket === 'function' ? 0 : 1)";
    let asked = ["--experimental-websocket", "-e", question];
    let Some(output) = run("node", &asked).await else {
        return false;
    };
    if !output.status.success() {
        assert!(
            std::env::var_os("CI").is_none(),
            "this node has no WebSocket"
        );
        eprintln!("skipped: this node has no WebSocket");
    }
    output.status.success()
}

async fn assert_clients(program: &Path, switches: &[&str], script: &str) {
    let (listener, gate) = start(ON).await;
    let tool = chat(listener).await;
    let url = format!("ws://{}/", gate.address);
    let form = kubernetes(TOKEN);
    let nobody = kubernetes("gho_nobody");
    for (offered, expected) in [
        (&["bearer", TOKEN][..], "bearer hello\n"),
        (&["bearer", TOKEN, "chat"], "chat hello\n"),
        (&[&form, "chat"], "chat hello\n"),
        (&["bearer", "gho_nobody", "chat"], "refused\n"),
        (&[&nobody, "chat"], "refused\n"),
        (&[&form], "refused\n"),
    ] {
        let arguments = [switches, &[script, &url], offered].concat();
        let output = run(program.to_str().expect("UTF-8"), &arguments).await;
        let output = output.expect("a client");
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, expected, "{offered:?}: {errors}");
    }
    tool.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_websocket_is_let_in() {
    if has_websocket().await {
        assert_clients(
            Path::new("node"),
            &["--no-warnings", "--experimental-websocket", "-e"],
            NODE,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_websockets_are_let_in() {
    if let Some(python) = python().await {
        assert_clients(&python, &["-c"], PYTHON).await;
    }
}

/// The connection is the tool's from then on.
#[tokio::test]
async fn bytes_pass_both_ways_after_the_marker_was_answered() {
    let (listener, gate) = start(ON).await;
    let mut client = gate.connect().await;
    client
        .send(&format!(
            "{HANDSHAKE}Sec-WebSocket-Protocol: bearer, {TOKEN}\r\n\r\n"
        ))
        .await;
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut stream).await.expect("a request");
    let answer = agreement_with(&request, "");
    stream
        .write_all(answer.as_bytes())
        .await
        .expect("a connection");
    assert_eq!(protocols(&client.response().await), ["bearer"]);
    stream.write_all(b"x").await.expect("a connection");
    assert_eq!(client.0.read_u8().await.expect("a byte"), b'x');
}
