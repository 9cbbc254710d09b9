use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use ghes_gatekeeper::config::{Config, DEFAULT_LISTEN};
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::proxy::Proxy;
use tokio::net::TcpListener;

use super::Failure;
use super::emulator::serve_emulator;
use super::listen::{Announcer, Shutdown, bind};
use super::sample_upstream::serve_sample;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper demo
  ghes-gatekeeper demo --listen 127.0.0.1:0

Everything runs in this process, on loopback; Ctrl-C stops it.")]
pub(super) struct Arguments {
    /// The address of the gate; by default 127.0.0.1:8080, or any free port if that is taken.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(arguments: Arguments, announcer: Announcer) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals()?;
    let ghes = bind(ANY_PORT).await?;
    let upstream = bind(ANY_PORT).await?;
    let gate = bind_door(arguments.listen).await?;
    let ghes_address = announcer.announce(&ghes, "emulator")?;
    let upstream_address = announcer.announce(&upstream, "upstream")?;
    let gate_address = announcer.announce(&gate, "gate")?;

    let toml = configuration(ghes_address, upstream_address);
    let config = Config::parse(&toml, []).map_err(|errors| Failure::usage(errors.to_string()))?;
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    announcer.tell(&lines_to_try(gate_address))?;
    let servers = async {
        tokio::join!(
            serve_emulator(ghes, Emulator::default(), shutdown.clone()),
            serve_sample(upstream, shutdown.clone()),
            proxy.serve(gate, shutdown.clone().ordered()),
        );
    };
    shutdown.clone().end_of(servers).await;
    Ok(())
}

async fn bind_door(listen: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    match listen {
        Some(address) => bind(address).await,
        None => match bind(DEFAULT_LISTEN).await {
            Err(_) => bind(ANY_PORT).await,
            bound => bound,
        },
    }
}

/// What an operator would write for this GHES and this tool.
fn configuration(ghes: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        r#"
        [ghes]
        url = "http://{ghes}"

        [[ghes.apps]]
        client_id = "{CLIENT_ID}"
        client_secret = "{CLIENT_SECRET}"

        [[routes]]
        path = "/"
        upstream = "http://{upstream}"

        [[routes]]
        path = "/admin"
        upstream = "http://{upstream}"
        scopes = ["admin:org"]
        "#
    )
}

fn lines_to_try(gate: SocketAddr) -> String {
    format!(
        "
The emulator plays GitHub Enterprise Server, the upstream an internal tool. Try:

no token: 401
  curl -i http://{gate}/
a token that GHES does not know: 401
  curl -i http://{gate}/ -H 'Authorization: Bearer gho_nobody'
a good token, octocat's: 200
  curl -i http://{gate}/ -H 'Authorization: Bearer {TOKEN}'
the same where the scope admin:org is needed: 403
  curl -i http://{gate}/admin -H 'Authorization: Bearer {TOKEN}'

Ctrl-C ends it.
"
    )
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

// The world of GitHub's documents, which is the emulator's by default.
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const CLIENT_SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
