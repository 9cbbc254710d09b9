//! Threads that share the connections.
//!
//! 1. One thread serves a connection from its first byte to its last, with its requests, their
//!    upstream connections and its timers. No task moves. So no thread looks for work in another's
//!    queue, and few locks are contended.
//! 2. The thread with the fewest connections gets the next one. A listener per thread
//!    (`SO_REUSEPORT`) would leave that to chance, and a second process could take the port too
//!    without an error.

use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

use pin_project::pin_project;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// Threads with a runtime each.
///
/// A handle; they end with the last clone.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    workers: Box<[Worker]>,
    /// Dropping it closes the channel, which ends the threads.
    _stop: watch::Sender<()>,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

/// A connection, and its slot on the thread that serves it.
///
/// Not an `async` block: that would have twice the size of what it awaits.
#[pin_project]
pub(super) struct Assigned<C> {
    #[pin]
    connection: C,
    slot: WorkerSlot,
}

/// A slot on a thread, until it is dropped.
struct WorkerSlot {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts this many threads.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no more threads or file descriptors.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(());
        let workers = (0..count.get()).map(|index| Worker::start(index, stopped.clone()));
        Ok(Self(Arc::new(Inner {
            workers: workers.collect::<io::Result<_>>()?,
            _stop: stop,
        })))
    }

    /// Gives a connection to the worker with the fewest.
    pub(super) fn assign<C>(&self, connection: C) -> Assigned<C> {
        let slot = self.slot();
        Assigned { connection, slot }
    }

    fn slot(&self) -> WorkerSlot {
        let workers = self.0.workers.iter();
        let load = |worker: &&Worker| worker.connections.load(Ordering::Relaxed);
        let worker = workers.min_by_key(load).expect("one worker at least");
        worker.connections.fetch_add(1, Ordering::Relaxed);
        WorkerSlot {
            runtime: worker.runtime.clone(),
            connections: Arc::clone(&worker.connections),
        }
    }
}

impl Worker {
    fn start(index: usize, mut stopped: watch::Receiver<()>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let run = move || {
            INDEX.set(index);
            // Nothing is ever sent; the wait ends with the sender.
            runtime.block_on(async { while stopped.changed().await.is_ok() {} });
        };
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(run)?;
        Ok(Self {
            runtime: handle,
            connections: Arc::default(),
        })
    }
}

impl<C> Assigned<C> {
    pub(super) fn runtime(&self) -> &Handle {
        &self.slot.runtime
    }
}

impl<C: Future> Future for Assigned<C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        self.project().connection.poll(cx)
    }
}

impl Drop for WorkerSlot {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the number of the worker that runs on this thread; 0 on all other threads.
///
/// For state that each worker has of its own to avoid a lock. Two threads may have the same number,
/// so correctness must not depend on it.
pub(crate) fn current_worker() -> usize {
    INDEX.get()
}

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_with_the_fewest_connections_gets_the_next() {
        let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let loads = || {
            let workers = workers.0.workers.iter();
            workers.map(|worker| worker.connections.load(Ordering::Relaxed))
        };
        let assigned: Vec<_> = (0..4).map(|_| workers.slot()).collect();
        assert!(loads().eq([2, 2]));
        let (first, rest) = assigned.split_first().unwrap();
        let of_first = rest.iter().filter(|other| other.is_with(first)).count();
        assert_eq!(of_first, 1);
        drop(assigned);
        assert!(loads().eq([0, 0]));
    }

    #[tokio::test]
    async fn each_has_a_thread_and_a_number_of_its_own() {
        let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let mut found = Vec::new();
        let assigned = [workers.slot(), workers.slot()];
        for slot in &assigned {
            let whoami = async { (thread::current().id(), current_worker()) };
            found.push(slot.runtime.spawn(whoami).await.unwrap());
        }
        assert_ne!(found[0].0, found[1].0);
        assert_eq!((found[0].1, found[1].1), (0, 1));
    }

    #[tokio::test]
    async fn they_end_with_the_last_handle() {
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let slot = workers.slot();
        let endless = slot.runtime.spawn(std::future::pending::<()>());
        drop((workers, slot));
        assert!(endless.await.unwrap_err().is_cancelled());
    }

    impl WorkerSlot {
        fn is_with(&self, other: &Self) -> bool {
            Arc::ptr_eq(&self.connections, &other.connections)
        }
    }
}
