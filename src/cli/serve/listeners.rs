use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::proxy::{CertificateFiles, ListenAddress, Listener, Proxy, Reloader, Tls};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::inherited::InheritedSockets;
use crate::cli::Failure;
use crate::cli::listen::{Announcer, Shutdown, bind, bind_door};

/// Every listener of the configuration. All are bound before one is announced: a proxy starts
/// whole or not at all.
pub(super) struct Listeners {
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
pub(super) struct Servers {
    /// Those that have clients to serve.
    first: Vec<BoxFuture<'static, ()>>,
    /// Those that tell how the first ones do, and stop when these have ended.
    last: Vec<BoxFuture<'static, ()>>,
    /// Closed by being dropped, at which the last ones stop.
    drained: Option<watch::Sender<()>>,
}

impl Listeners {
    /// Takes the sockets that the process was started with, and binds all others.
    pub(super) async fn bind(
        config: &Config,
        inherited: InheritedSockets,
    ) -> Result<Self, Failure> {
        let server = &config.server;
        if let Some(address) = server.admin_listen {
            warn_if_exposed(address);
        }
        let decisions = config.decisions.as_ref();
        let webhook = config.webhook.as_ref().map(|webhook| webhook.listen);
        let of_decisions = decisions.map_or(&[][..], |decisions| &decisions.listen);
        inherited.refuse_unwanted(addresses(config))?;
        let mut sockets = Sockets {
            inherited,
            unix_mode: server.unix_mode,
        };
        let tls = load_certificate(server.tls.as_ref())?;
        let tls_of_decisions = decisions.and_then(|decisions| decisions.tls.as_ref());
        let tls_of_decisions = load_certificate(tls_of_decisions)?;
        Ok(Self {
            gates: sockets.doors(&server.listen, tls.as_ref()).await?,
            decisions: sockets
                .doors(of_decisions, tls_of_decisions.as_ref())
                .await?,
            admin: sockets.plain(server.admin_listen).await?,
            probes: sockets.plain(server.probe_listen).await?,
            webhook: sockets.plain(webhook).await?,
            tls: tls.into_iter().chain(tls_of_decisions).collect(),
        })
    }

    pub(super) fn certificates(&self) -> &[Tls] {
        &self.tls
    }

    pub(super) fn serve(
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

/// Every address that the configuration listens on.
fn addresses(config: &Config) -> Vec<ListenAddress> {
    let server = &config.server;
    let decisions = config.decisions.iter();
    let doors = decisions.flat_map(|decisions| &decisions.listen);
    let webhook = config.webhook.as_ref().map(|webhook| webhook.listen);
    let plain = [server.admin_listen, server.probe_listen, webhook];
    let plain = plain.into_iter().flatten().map(ListenAddress::from);
    let doors = server.listen.iter().chain(doors).cloned();
    doors.chain(plain).collect()
}

/// Where listeners get their sockets from.
struct Sockets {
    inherited: InheritedSockets,
    unix_mode: u32,
}

impl Sockets {
    async fn doors(
        &mut self,
        addresses: &[ListenAddress],
        tls: Option<&Tls>,
    ) -> Result<Vec<Listener>, Failure> {
        let mut doors = Vec::with_capacity(addresses.len());
        for address in addresses {
            let door = match self.inherited.take(address)? {
                Some(door) => door,
                None => bind_door(address, self.unix_mode).await?,
            };
            doors.push(match tls {
                Some(tls) => door.with_tls(tls.clone()),
                None => door,
            });
        }
        Ok(doors)
    }

    async fn plain(&mut self, address: Option<SocketAddr>) -> Result<Option<TcpListener>, Failure> {
        let Some(address) = address else {
            return Ok(None);
        };
        match self.inherited.take_tcp(address)? {
            Some(listener) => Ok(Some(listener)),
            None => bind(address).await.map(Some),
        }
    }
}

impl Servers {
    pub(super) async fn run(self) {
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

fn warn_if_exposed(address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "server.admin_listen: every client that reaches {address} may purge and read metrics; \
             let only operators reach it"
        );
    }
}
