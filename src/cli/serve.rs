use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, OptionFuture, join_all, try_join_all};
use ghes_gatekeeper::proxy::config::Config;
use ghes_gatekeeper::proxy::{Listener, Proxy, Tls};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::listen::{Announcer, Shutdown, bind, bind_gate};
use super::{Failure, descriptors, environment, self_check};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper serve --config gatekeeper.toml

Every key can also come from the environment, as GHES_GATEKEEPER_SERVER__LISTEN.
SIGTERM and Ctrl-C let requests under way end, for ten seconds at most.
SIGHUP reads the certificate again, which is otherwise done within five seconds.")]
pub(super) struct Arguments {
    /// The configuration; without it, the environment must say everything.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, announcer: Announcer) -> Result<(), Failure> {
    let mut config = load(arguments.config.as_deref())?;
    let descriptors = descriptors::raise_limit();
    let misfit = config.fit_descriptors(descriptors);
    for warning in config.warnings().into_iter().chain(misfit) {
        tracing::warn!("{warning}");
    }
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    let shutdown = Shutdown::on_signals()?;
    let listeners = Listeners::bind(&config).await?;
    let servers = listeners.serve(&proxy, announcer, &shutdown)?;
    tokio::spawn(self_check::run(proxy));
    join_all(servers).await;
    Ok(())
}

/// Every listener of the configuration. All are bound before one is announced: a proxy starts
/// whole or not at all.
struct Listeners {
    gates: Vec<Listener>,
    admin: Option<TcpListener>,
    webhook: Option<TcpListener>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, Failure> {
        let server = &config.server;
        let webhook = config.webhook.as_ref().map(|webhook| webhook.listen);
        if let Some(address) = server.admin_listen {
            warn_if_exposed(address);
        }
        let tls = server.tls.clone().map(Tls::load).transpose();
        let tls = tls.map_err(|error| Failure::running("cannot start", error))?;
        tokio::spawn(renew_on_hangup(tls.clone())?);
        let gate = |address| bind_gate(address, server.unix_mode, tls.as_ref());
        Ok(Self {
            gates: try_join_all(server.listen.iter().map(gate)).await?,
            admin: OptionFuture::from(server.admin_listen.map(bind))
                .await
                .transpose()?,
            webhook: OptionFuture::from(webhook.map(bind)).await.transpose()?,
        })
    }

    fn serve(
        self,
        proxy: &Proxy,
        announcer: Announcer,
        shutdown: &Shutdown,
    ) -> Result<Vec<BoxFuture<'static, ()>>, Failure> {
        let stop = || shutdown.clone().ordered();
        let mut servers = Vec::new();
        for gate in self.gates {
            announcer.announce_gate(&gate)?;
            servers.push(proxy.clone().serve(gate, stop()).boxed());
        }
        if let Some(listener) = self.admin {
            announcer.announce(&listener, "admin")?;
            servers.push(proxy.admin().serve(listener, stop()).boxed());
        }
        if let (Some(listener), Some(webhook)) = (self.webhook, proxy.webhook()) {
            announcer.announce(&listener, "webhook")?;
            servers.push(webhook.serve(listener, stop()).boxed());
        }
        Ok(servers)
    }
}

/// Reads the certificate again on each SIGHUP, as those who renew certificates expect. Without one,
/// the signal must not end the proxy, as it would if nobody took it.
fn renew_on_hangup(tls: Option<Tls>) -> Result<impl Future<Output = ()>, Failure> {
    let hangups = signal(SignalKind::hangup());
    let mut hangups =
        hangups.map_err(|error| Failure::running("cannot listen for signals", error))?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            match &tls {
                Some(tls) => tls.renew(),
                None => tracing::warn!("{NOTHING_TO_RENEW}"),
            }
        }
    })
}

const NOTHING_TO_RENEW: &str =
    "SIGHUP: there is no certificate to be read again; what else has changed takes a new start";

fn warn_if_exposed(address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "server.admin_listen: whoever can connect to {address} can purge and read metrics; \
             let only operators reach it"
        );
    }
}

/// Reads a configuration from a file and the environment, both optional.
pub(super) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let variables = environment::variables("GHES_GATEKEEPER_")?;
    Config::load(file, variables).map_err(|errors| Failure::usage(errors.to_string()))
}
