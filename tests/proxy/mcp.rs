//! A client of the Model Context Protocol, unmodified, finds GHES by what the gate tells it.
//!
//! It needs node and what `npm ci` installs in `tests/public_clients/javascript`, as `.ci/run` does.
//! Without, the test says `skipped: …`, and fails where `CI` is set.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::{Emulator, Operation};
use ghes_gatekeeper::proxy::Proxy;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use super::support::PATIENCE;

const SCRIPTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/public_clients/javascript"
);
const GITHUB_APP: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

#[tokio::test]
async fn an_mcp_client_goes_from_the_challenge_to_ghes_and_comes_back_with_a_token() {
    if !Path::new(SCRIPTS)
        .join("node_modules/@modelcontextprotocol/sdk")
        .exists()
    {
        return skip("npm ci was not run");
    }
    let ghes = Emulator::default();
    let ghes_url = format!("http://{}", serve_ghes(ghes.clone()).await);
    let mut command = Command::new("node");
    command.args([&format!("{SCRIPTS}/mcp.js"), &ghes_url, GITHUB_APP, SECRET]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut client) = command.kill_on_drop(true).spawn() else {
        return skip("node does not start");
    };
    let mut said = BufReader::new(client.stdout.take().expect("a pipe")).lines();
    let line = timeout(PATIENCE, said.next_line()).await.expect("in time");
    let line = line.expect("UTF-8").expect("the tool's address");
    let tool = line.strip_prefix("listening ").expect("an address");

    let gate = serve_gate(&ghes_url, tool).await;
    let mut input = client.stdin.take().expect("a pipe");
    let address = format!("http://{gate}/tools/mcp\n");
    input.write_all(address.as_bytes()).await.expect("a reader");
    let line = timeout(PATIENCE, said.next_line()).await.expect("in time");
    assert_eq!(line.expect("UTF-8").as_deref(), Some("done"));
    // One check for the token, however many requests the client makes.
    assert_eq!(ghes.calls(Operation::CheckToken), 1);
}

/// A gate before the tool, which is known by the address that it listens on.
async fn serve_gate(ghes: &str, tool: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let toml = format!(
        r#"
        [ghes]
        url = "{ghes}"
        [[ghes.apps]]
        client_id = "{GITHUB_APP}"
        client_secret = "{SECRET}"
        [authorization_server]
        issuer = "http://{address}"
        [[routes]]
        path = "/tools/mcp"
        upstream = "http://{tool}"
        strip_prefix = true
        [routes.resource]
        url = "http://{address}/tools/mcp"
        name = "A tool"
        "#
    );
    let config = Config::parse(&toml, []).expect("a configuration");
    let proxy = Proxy::new(&config).expect("a proxy");
    tokio::spawn(proxy.serve(listener, pending()));
    address
}

async fn serve_ghes(ghes: Emulator) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(ghes.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn skip(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "must not be skipped: {reason}"
    );
    println!("skipped: {reason}");
}
