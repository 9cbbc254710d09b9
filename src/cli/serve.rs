use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::future::join_all;
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::config::Config;

use super::listen::{Shutdown, announce, bind};
use super::{Failure, environment};

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
        servers.push(proxy.clone().serve(listener, shutdown.clone().ordered()));
    }
    join_all(servers).await;
    Ok(())
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let variables = environment::variables("GHES_GATEKEEPER_")?;
    Config::load(file, variables).map_err(|errors| Failure::usage(errors.to_string()))
}
