use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// By what a file is known to be another one than before: a rename changes the inode, a write the
/// time, and a write within the clock's grain most likely the length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileStamp(Option<(u64, Option<SystemTime>, u64)>);

impl FileStamp {
    /// A link is followed: Kubernetes replaces the directory that it leads through.
    pub(super) fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.map(|file| (file.ino(), file.modified().ok(), file.len())))
    }
}
