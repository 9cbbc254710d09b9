//! Files whose values are read again when they change.
//!
//! The last good value stays in force where it is used; here stands only when to look, and how a
//! file is known to be another one than before.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};

/// Files that belong together, and what they were like when they were last looked at.
#[derive(Clone, Debug)]
pub(crate) struct WatchedFiles {
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

impl WatchedFiles {
    /// Looks at the files. Read them after that: what changes meanwhile is then read again.
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let stamps = stamps(&paths);
        Self { paths, stamps }
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Looks at the files again, and tells whether one of them is another than before. Each change
    /// is told once.
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

/// By what a file is known to be another one than before: a rename changes the inode, a write the
/// time, and a write within the clock's grain most likely the length.
type Stamp = Option<(u64, Option<SystemTime>, u64)>;

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths.iter().map(|path| stamp(path)).collect()
}

/// A link is followed: Kubernetes replaces the directory that it leads through.
fn stamp(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.ino(), file.modified().ok(), file.len()))
}

/// A look at the file system for each file each time. Keys and certificates are replaced days
/// before the old ones end, secrets minutes.
const INTERVAL: Duration = Duration::from_secs(5);
