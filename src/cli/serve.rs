use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, OptionFuture, join_all, try_join_all};
use ghes_gatekeeper::config::{Config, ConfigErrors};
use ghes_gatekeeper::proxy::{CertificateFiles, Listener, Proxy, Reloader, Tls};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::listen::{Announcer, Shutdown, bind, bind_door};
use super::{Failure, descriptors, environment, self_check};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper serve --config gatekeeper.toml

Every key can also come from the environment, as GHES_GATEKEEPER_SERVER__LISTEN.
On SIGTERM or Ctrl-C it accepts clients for server.shutdown_delay (0s) while /readyz says 503, and
then lets requests in progress end, for server.timeouts.drain (10s) at most. A second signal ends it
at once. SIGHUP reads the configuration, the secrets and the certificates again at once, all or none;
otherwise that takes up to ten seconds after a file has changed.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, announcer: Announcer) -> Result<(), Failure> {
    let read = reader(arguments.config)?;
    let config = read().map_err(|errors| Failure::usage(errors.to_string()))?;
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    let shutdown = Shutdown::on_signals()?;
    let listeners = Listeners::bind(&config).await?;
    let delay = config.server.shutdown_delay;
    let reloader = Reloader::new(proxy.clone(), config, read);
    tokio::spawn(reload_on_hangup(reloader.clone(), listeners.tls.clone())?);
    let servers = listeners.serve(&reloader, &proxy, announcer, &shutdown, delay)?;
    tokio::spawn(async move { reloader.keep_fresh().await });
    tokio::spawn(self_check::run(proxy));
    shutdown.end_of(servers.run()).await;
    Ok(())
}

/// Every listener of the configuration. All are bound before one is announced: a proxy starts
/// whole or not at all.
struct Listeners {
    gates: Vec<Listener>,
    decisions: Vec<Listener>,
    admin: Option<TcpListener>,
    probes: Option<TcpListener>,
    webhook: Option<TcpListener>,
    /// The certificates of all of them.
    tls: Vec<Tls>,
}

/// What is served, by when it stops.
#[derive(Default)]
struct Servers {
    /// Those that have clients to serve.
    first: Vec<BoxFuture<'static, ()>>,
    /// Those that tell how the first ones do, and stop when these have ended.
    last: Vec<BoxFuture<'static, ()>>,
    /// Closed by being dropped, at which the last ones stop.
    drained: Option<watch::Sender<()>>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, Failure> {
        let server = &config.server;
        let webhook = config.webhook.as_ref().map(|webhook| webhook.listen);
        if let Some(address) = server.admin_listen {
            warn_if_exposed(address);
        }
        let tls = load_certificate(server.tls.as_ref())?;
        let decisions = config.decisions.as_ref();
        let of_decisions = decisions.and_then(|decisions| decisions.tls.as_ref());
        let of_decisions = load_certificate(of_decisions)?;
        let gate = |address| bind_door(address, server.unix_mode, tls.as_ref());
        let decision = |address| bind_door(address, server.unix_mode, of_decisions.as_ref());
        let asked_at = decisions
            .into_iter()
            .flat_map(|decisions| &decisions.listen);
        Ok(Self {
            gates: try_join_all(server.listen.iter().map(gate)).await?,
            decisions: try_join_all(asked_at.map(decision)).await?,
            admin: OptionFuture::from(server.admin_listen.map(bind))
                .await
                .transpose()?,
            probes: OptionFuture::from(server.probe_listen.map(bind))
                .await
                .transpose()?,
            webhook: OptionFuture::from(webhook.map(bind)).await.transpose()?,
            tls: tls.iter().chain(&of_decisions).cloned().collect(),
        })
    }

    fn serve(
        self,
        reloader: &Reloader,
        proxy: &Proxy,
        announcer: Announcer,
        shutdown: &Shutdown,
        delay: Duration,
    ) -> Result<Servers, Failure> {
        let stop = || stop_accepting(shutdown.clone(), proxy.clone(), delay);
        let (drained, has_drained) = watch::channel(());
        let ended = || end_of_drain(has_drained.clone());
        let mut servers = Servers {
            drained: Some(drained),
            ..Servers::default()
        };
        for gate in self.gates {
            announcer.announce_door(&gate, "gate")?;
            servers
                .first
                .push(proxy.clone().serve(gate, stop()).boxed());
        }
        for door in self.decisions {
            announcer.announce_door(&door, "decisions")?;
            let decisions = proxy.decisions();
            servers.first.push(decisions.serve(door, stop()).boxed());
        }
        if let Some(listener) = self.admin {
            announcer.announce(&listener, "admin")?;
            let admin = proxy.admin().with_reloader(reloader.clone());
            servers.last.push(admin.serve(listener, ended()).boxed());
        }
        if let Some(listener) = self.probes {
            announcer.announce(&listener, "probes")?;
            servers
                .last
                .push(proxy.probes().serve(listener, ended()).boxed());
        }
        if let (Some(listener), Some(webhook)) = (self.webhook, proxy.webhook()) {
            announcer.announce(&listener, "webhook")?;
            servers.first.push(webhook.serve(listener, stop()).boxed());
        }
        Ok(servers)
    }
}

impl Servers {
    async fn run(self) {
        let first = async {
            join_all(self.first).await;
            drop(self.drained);
        };
        tokio::join!(first, join_all(self.last));
    }
}

/// Waits for the order to stop, makes it known, and gives those who send clients time to notice.
async fn stop_accepting(shutdown: Shutdown, proxy: Proxy, delay: Duration) {
    shutdown.ordered().await;
    proxy.begin_shutdown();
    tokio::time::sleep(delay).await;
}

async fn end_of_drain(mut has_drained: watch::Receiver<()>) {
    // Nothing is ever sent; it ends with the sender.
    while has_drained.changed().await.is_ok() {}
}

fn load_certificate(files: Option<&CertificateFiles>) -> Result<Option<Tls>, Failure> {
    let tls = files.cloned().map(Tls::load).transpose();
    tls.map_err(|error| Failure::running("cannot start", error))
}

/// Reads the configuration again on each SIGHUP, and the certificates, as tools that renew those
/// expect.
fn reload_on_hangup(
    reloader: Reloader,
    certificates: Vec<Tls>,
) -> Result<impl Future<Output = ()>, Failure> {
    let hangups = signal(SignalKind::hangup());
    let mut hangups =
        hangups.map_err(|error| Failure::running("cannot listen for signals", error))?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            certificates.iter().for_each(Tls::renew);
            let reloader = reloader.clone();
            // What comes of it is in the log.
            let _ = spawn_blocking(move || reloader.reload()).await;
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

fn warn_if_exposed(address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "server.admin_listen: every client that reaches {address} may purge and read metrics; \
             let only operators reach it"
        );
    }
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let variables = environment::variables("GHES_GATEKEEPER_")?;
    Config::load(file, variables).map_err(|errors| Failure::usage(errors.to_string()))
}
