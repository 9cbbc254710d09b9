mod inherited;
mod listeners;
mod service_manager;

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::join;
use ghes_gatekeeper::config::{Config, ConfigErrors};
use ghes_gatekeeper::proxy::{Proxy, Reloader, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use self::inherited::InheritedSockets;
use self::listeners::Listeners;
use self::service_manager::ServiceManager;
use super::listen::{Announcer, Shutdown};
use super::{Failure, descriptors, environment, self_check};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper serve --config gatekeeper.toml

Every key can also come from the environment, as GHES_GATEKEEPER_SERVER__LISTEN.
On SIGTERM or Ctrl-C it accepts clients for server.shutdown_delay (0s) while /readyz says 503, and
then lets requests in progress end, for server.timeouts.drain (10s) at most. A second signal ends it
at once. SIGHUP reads the configuration, the secrets and the certificates again at once, all or none;
otherwise that takes up to ten seconds after a file has changed.

systemd may pass sockets (LISTEN_FDS). A listener with the address of such a socket uses it, and new
clients wait in it during a restart. serve tells systemd (NOTIFY_SOCKET) when it is ready, reloads
and stops, and answers its watchdog.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, announcer: Announcer) -> Result<(), Failure> {
    let inherited = InheritedSockets::from_environment()?;
    let manager = ServiceManager::from_environment()?;
    let read = reader(arguments.config)?;
    let config = read().map_err(|errors| Failure::usage(errors.to_string()))?;
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    let shutdown = Shutdown::on_signals()?;
    let listeners = Listeners::bind(&config, inherited).await?;
    let delay = config.server.shutdown_delay;
    let reloader = Reloader::new(proxy.clone(), config, read);
    let certificates = listeners.certificates().to_vec();
    let hangups = reload_on_hangup(reloader.clone(), certificates, manager.clone());
    tokio::spawn(hangups?);
    let servers = listeners.serve(&reloader, &proxy, announcer, &shutdown, delay)?;
    tokio::spawn(async move { reloader.keep_fresh().await });
    tokio::spawn(self_check::run(proxy));
    tokio::spawn(manager.clone().keep_alive());
    let told = manager.follow(shutdown.clone());
    shutdown.end_of(join(servers.run(), told).map(drop)).await;
    Ok(())
}

/// Reads the configuration again on each SIGHUP, and the certificates, as tools that renew those
/// expect.
fn reload_on_hangup(
    reloader: Reloader,
    certificates: Vec<Tls>,
    manager: ServiceManager,
) -> Result<impl Future<Output = ()>, Failure> {
    let hangups = signal(SignalKind::hangup());
    let mut hangups =
        hangups.map_err(|error| Failure::running("cannot listen for signals", error))?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            manager.reloading().await;
            certificates.iter().for_each(Tls::renew);
            let reloader = reloader.clone();
            // What comes of it is in the log.
            let _ = spawn_blocking(move || reloader.reload()).await;
            manager.ready().await;
        }
    })
}

/// Returns what reads the configuration, now and for each reload: only the file can change.
fn reader(
    file: Option<PathBuf>,
) -> Result<impl Fn() -> Result<Config, ConfigErrors> + Send + Sync, Failure> {
    let variables = environment::variables("GHES_GATEKEEPER_")?;
    let descriptors = descriptors::raise_limit();
    Ok(move || {
        let mut config = Config::load(file.as_deref(), variables.clone())?;
        let misfit = config.fit_descriptors(descriptors);
        for warning in config.warnings().into_iter().chain(misfit) {
            tracing::warn!("{warning}");
        }
        Ok(config)
    })
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let variables = environment::variables("GHES_GATEKEEPER_")?;
    Config::load(file, variables).map_err(|errors| Failure::usage(errors.to_string()))
}
