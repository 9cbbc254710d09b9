//! What the service manager is told, as systemd wants it (`sd_notify(3)`).
//!
//! One datagram for each message: that takes no library.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::cli::Failure;
use crate::cli::listen::Shutdown;

/// Who has started the process, and wants to know how it does. Nobody may have.
#[derive(Clone, Debug)]
pub(super) struct ServiceManager(Option<Listening>);

#[derive(Clone, Debug)]
struct Listening {
    socket: SocketAddr,
    /// The process is taken for hung if it is silent for so long.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    pub(super) fn from_environment() -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let Some(socket) = variable("NOTIFY_SOCKET") else {
            return Ok(Self(None));
        };
        let pid = variable("WATCHDOG_PID");
        let is_ours = pid.is_none_or(|pid| *pid == *std::process::id().to_string());
        let watchdog = variable("WATCHDOG_USEC").filter(|_| is_ours);
        Ok(Self(Some(Listening {
            socket: address(&socket)?,
            watchdog: watchdog.as_deref().map(period).transpose()?,
        })))
    }

    /// Tells that the process serves, and that it stops when it is ordered to.
    pub(super) async fn follow(self, shutdown: Shutdown) {
        self.ready().await;
        shutdown.ordered().await;
        self.tell("STOPPING=1").await;
    }

    pub(super) async fn ready(&self) {
        self.tell("READY=1").await;
    }

    /// Tells that a reload has begun; [`ready`](Self::ready) ends it.
    pub(super) async fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let now = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now}"))
            .await;
    }

    /// Tells twice in the watchdog's period that this runtime is not hung.
    pub(super) async fn keep_alive(self) {
        let Some(period) = self.0.as_ref().and_then(|manager| manager.watchdog) else {
            return;
        };
        // Not at once: the first message is that the process serves.
        let mut ticks = interval_at(Instant::now() + period / 2, period / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell("WATCHDOG=1").await;
        }
    }

    /// The process serves as well if nobody hears it.
    async fn tell(&self, message: &str) {
        if let Some(manager) = &self.0
            && let Err(error) = manager.send(message.as_bytes()).await
        {
            tracing::warn!("cannot notify the service manager at NOTIFY_SOCKET: {error}");
        }
    }
}

impl Listening {
    /// By a new socket: the manager may have been restarted, and listen on another one.
    async fn send(&self, message: &[u8]) -> io::Result<()> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&self.socket)?;
        UnixDatagram::from_std(socket)?.send(message).await?;
        Ok(())
    }
}

fn address(text: &OsStr) -> Result<SocketAddr, Failure> {
    let address = match text.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(text),
        [b'@', name @ ..] => from_abstract_name(name),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    address.map_err(|error| {
        let text = text.display();
        Failure::usage(format!(
            "NOTIFY_SOCKET: {text}: {error}; expected an absolute path, or @ and a name"
        ))
    })
}

#[cfg(target_os = "linux")]
fn from_abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn from_abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

fn period(text: &OsStr) -> Result<Duration, Failure> {
    let microseconds = text.to_str().and_then(|text| text.parse().ok());
    let microseconds = microseconds.filter(|&number: &u64| number > 0);
    microseconds.map(Duration::from_micros).ok_or_else(|| {
        let text = text.display();
        Failure::usage(format!(
            "WATCHDOG_USEC: {text}: expected a number of microseconds above 0"
        ))
    })
}
