use std::path::PathBuf;

use clap::Args;
use futures_util::future::join_all;
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::config::Config;

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
        servers.push(proxy.clone().serve(listener, shutdown.clone().ordered()));
    }
    join_all(servers).await;
    Ok(())
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&std::path::Path>) -> Result<Config, Failure> {
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        // A name that is no UTF-8 cannot be one of ours; a value can.
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => environment.push((name, value)),
            Err(_) if name.starts_with("GHES_GATEKEEPER_") => {
                return Err(Failure::usage(format!("{name}: is not UTF-8")));
            }
            Err(_) => {}
        }
    }
    Config::load(file, environment).map_err(|errors| Failure::usage(errors.to_string()))
}
