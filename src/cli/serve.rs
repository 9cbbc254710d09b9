use std::path::PathBuf;

use clap::Args;
use futures_util::future::join_all;
use ghes_gatekeeper::proxy::config::Config;
use ghes_gatekeeper::proxy::{Proxy, serve};
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::Failure;
use super::listen::{Shutdown, announce, bind};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper serve --config gatekeeper.toml

Every key can also come from the environment, as GHES_GATEKEEPER_SERVER__LISTEN.
SIGTERM and Ctrl-C let requests under way end, for ten seconds at most.")]
pub(super) struct Arguments {
    /// The configuration; without it, the environment must say everything.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?;
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    let shutdown = Shutdown::on_signals()?;
    let mut servers = Vec::new();
    for &address in &config.server.listen {
        let listener = bind(address).await?;
        announce(&listener, "gate")?;
        servers.push(serve_gate(listener, proxy.clone(), shutdown.clone()));
    }
    join_all(servers).await;
    Ok(())
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&std::path::Path>) -> Result<Config, Failure> {
    // A variable that is no UTF-8 cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(file, environment).map_err(|errors| Failure::usage(errors.to_string()))
}

/// Serves a proxy on one address until the order to stop.
pub(super) async fn serve_gate(listener: TcpListener, proxy: Proxy, shutdown: Shutdown) {
    let make_service = |peer| {
        let proxy = proxy.clone();
        service_fn(move |request: Request<Incoming>| {
            let proxy = proxy.clone();
            async move { Ok::<_, std::convert::Infallible>(proxy.handle(request, peer).await) }
        })
    };
    serve(listener, make_service, shutdown.ordered()).await;
}
