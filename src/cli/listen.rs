use std::io::{self, Write};
use std::net::SocketAddr;

use ghes_gatekeeper::proxy::{ListenAddress, Listener};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Failure;
use super::logging::{Line, LogFormat};

/// Binds an address; the port 0 stands for any that is free.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| cannot_listen(&address.into(), error))
}

/// Binds the address of a door that may be a Unix socket.
pub(super) async fn bind_door(
    address: &ListenAddress,
    unix_mode: u32,
) -> Result<Listener, Failure> {
    let bound = Listener::bind(address, unix_mode).await;
    bound.map_err(|error| cannot_listen(address, error))
}

fn cannot_listen(address: &ListenAddress, error: io::Error) -> Failure {
    Failure::running(&format!("cannot listen on {address}"), error)
}

/// Tells on standard output where clients can connect, in the form of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announcer(LogFormat);

impl Announcer {
    pub(super) fn new(format: LogFormat) -> Self {
        Self(format)
    }

    /// Names the address of a listener, and its role.
    pub(super) fn announce(
        self,
        listener: &TcpListener,
        role: &str,
    ) -> Result<SocketAddr, Failure> {
        let address = listener.local_addr().map_err(no_address)?;
        self.announce_url(&format!("http://{address}"), role)?;
        Ok(address)
    }

    /// The same for listeners that may be Unix sockets, or speak TLS.
    pub(super) fn announce_door(self, listener: &Listener, role: &str) -> Result<(), Failure> {
        self.announce_url(&listener.url().map_err(no_address)?, role)
    }

    fn announce_url(self, url: &str, role: &str) -> Result<(), Failure> {
        let text = format!("listening on {url} ({role})");
        self.print(&Line::info(&text).with_listener(url, role), &text)
    }

    /// Tells whatever else there is to say before clients come.
    pub(super) fn tell(self, text: &str) -> Result<(), Failure> {
        self.print(&Line::info(text.trim()), text.trim_end())
    }

    fn print(self, line: &Line<'_>, text: &str) -> Result<(), Failure> {
        match self.0 {
            LogFormat::Text => print(&format!("{text}\n")),
            LogFormat::Json => print(&format!("{line}\n")),
        }
    }
}

fn no_address(error: io::Error) -> Failure {
    Failure::running("a listener has no address", error)
}

/// Writes to standard output at once, also when it is a pipe.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    match written.and_then(|()| output.flush()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::running("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}

/// The order to stop, by Ctrl-C or SIGTERM, for any number of servers.
#[derive(Clone)]
pub(super) struct Shutdown(watch::Receiver<Order>);

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Order {
    GoOn,
    Stop,
    /// The order was given a second time.
    StopAtOnce,
}

impl Shutdown {
    /// Listens for the signals from now on.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let failed = |error| Failure::running("cannot listen for signals", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (sender, receiver) = watch::channel(Order::GoOn);
        tokio::spawn(async move {
            for (order, says) in [
                (Order::Stop, "stopping"),
                (
                    Order::StopAtOnce,
                    "stopping at once, without waiting for requests under way",
                ),
            ] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                tracing::info!("{says}");
                // All receivers may be gone.
                let _ = sender.send(order);
            }
        });
        Ok(Self(receiver))
    }

    /// Waits for the order.
    pub(super) async fn ordered(self) {
        self.reached(Order::Stop).await;
    }

    /// Lets servers end, unless the order is given a second time.
    pub(super) async fn end_of(self, servers: impl Future<Output = ()>) {
        tokio::select! {
            () = servers => {}
            () = self.reached(Order::StopAtOnce) => {}
        }
    }

    async fn reached(mut self, order: Order) {
        // A sender that is gone will not give the order any more; stopping is the safe reading.
        let _ = self.0.wait_for(|&given| given >= order).await;
    }
}
