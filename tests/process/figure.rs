use std::fmt::Display;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Builder;

/// Runs one test at a time: each has figures that others would spoil.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Attackers have a thread of their own, so that what is measured on this one is the gate.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test);
}

/// Prints one line of the table.
#[expect(clippy::print_stdout, reason = "the table is what is wanted")]
pub(crate) fn figure(what: &str, measured: impl Display, target: impl Display) {
    println!("{what:<52} {measured:>12}   target {target}");
}

/// An environment variable that makes a test longer.
pub(crate) fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

/// So many KiB, in MiB.
pub(crate) fn mib(kib: usize) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

/// Lets this process have more files open, as far as the system allows.
///
/// Returns whether there may be so many now; where `CI` is set, there have to be.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn may_open(files: u64) -> bool {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < files) {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).expect("a limit within the hard one");
    }
    let is_enough = limit.current.is_none_or(|current| current >= files);
    if !is_enough {
        assert!(std::env::var_os("CI").is_none(), "CI has {files} files");
        eprintln!("skipped: needs {files} open files; raise ulimit -Hn");
    }
    is_enough
}
