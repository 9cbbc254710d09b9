//! Clients that go on sending requests while a gate is restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::BoxError;

/// Ends a test that would otherwise wait for ever for what does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Clients of which each sends one request after the other.
#[derive(Default)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Vec<String>>,
}

impl Load {
    /// Adds a client whose every request returns the status of its answer.
    pub(crate) fn repeat<R>(&mut self, request: impl Fn() -> R + Send + 'static)
    where
        R: Future<Output = Result<u16, BoxError>> + Send,
    {
        let (stop, answered) = (Arc::clone(&self.stop), Arc::clone(&self.answered));
        self.clients.spawn(async move {
            let mut failed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match timeout(PATIENCE, request()).await {
                    // The emulator answers so outside its API.
                    Ok(Ok(406)) => {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    other => failed.push(format!("{other:?}")),
                }
            }
            failed
        });
    }

    /// Waits until so many more requests were answered.
    pub(crate) async fn answers(&self, more: usize) {
        let wanted = self.answered.load(Ordering::Relaxed) + more;
        let answered = async {
            while self.answered.load(Ordering::Relaxed) < wanted {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, answered).await.expect("answers");
    }

    /// Stops, and returns how many were answered; none may have failed.
    pub(crate) async fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            let failed = client.expect("no panic");
            assert!(failed.is_empty(), "{failed:?}");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

/// Tells whether a program is installed. Where `CI` is set, it has to be.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
pub(crate) async fn is_installed(program: &str, version: &str) -> bool {
    let output = Command::new(program).arg(version).output().await;
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "CI has {program}");
        eprintln!("skipped: {program} is not installed");
    }
    is_there
}
