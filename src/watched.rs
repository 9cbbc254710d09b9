//! Files that are read again when they change.
//!
//! The user of a file keeps the last good value. This module only decides when to look, and whether
//! a file has changed.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};

/// Files that belong together, and their stamps when they were last checked.
#[derive(Clone, Debug)]
pub(crate) struct WatchedFiles {
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

impl WatchedFiles {
    /// Checks the files. Read them after that: a change in between is then read again.
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let stamps = stamps(&paths);
        Self { paths, stamps }
    }

    /// Checks these files, too, from now on.
    pub(crate) fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let further = Self::new(paths);
        self.paths.extend(further.paths);
        self.stamps.extend(further.stamps);
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Checks the files again, and returns whether one of them has changed. Each change is reported
    /// once.
    pub(crate) fn have_changed(&mut self) -> bool {
        let stamps = stamps(&self.paths);
        let before = std::mem::replace(&mut self.stamps, stamps);
        before != self.stamps
    }
}

/// Calls `look` for ever, often enough for a person who has changed a file and waits.
pub(crate) async fn keep_looking(mut look: impl FnMut()) -> Infallible {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        look();
    }
}

/// Identifies a version of a file: a rename changes the inode, a write changes the time, and a
/// write within the clock's grain most likely changes the length.
type Stamp = Option<(u64, Option<SystemTime>, u64)>;

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths.iter().map(|path| stamp(path)).collect()
}

/// Follows links: Kubernetes replaces a directory in the link's path.
fn stamp(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.ino(), file.modified().ok(), file.len()))
}

/// Each check costs a file system call for each file. Keys and certificates are replaced days
/// before the old ones end, secrets minutes.
const INTERVAL: Duration = Duration::from_secs(5);
