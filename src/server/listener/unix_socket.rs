//! A Unix socket that appears with its mode and is removed with its owner.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The file of our listening socket; removed on drop, unless another process has replaced it.
#[derive(Debug)]
pub(in crate::server) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Listens at `path`, in place of a socket without a listener.
///
/// The socket is made beside its final path and moved there, so that no client can connect before
/// it has its mode.
pub(in crate::server) fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    refuse_if_taken(path)?;
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = PathBuf::from(new);
    // Left over from a killed process that had the same number.
    let _ = fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    let moved = fs::set_permissions(&new, fs::Permissions::from_mode(mode))
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| fs::symlink_metadata(path));
    match moved {
        Ok(metadata) => {
            let file = SocketFile {
                path: path.to_owned(),
                inode: metadata.ino(),
            };
            Ok((listener, file))
        }
        Err(error) => {
            let _ = fs::remove_file(&new);
            Err(error)
        }
    }
}

fn refuse_if_taken(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.file_type().is_socket() {
        let text = "the file there is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl SocketFile {
    pub(in crate::server) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let metadata = fs::symlink_metadata(&self.path);
        if metadata.is_ok_and(|metadata| metadata.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let file = format!("gatekeeper-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(file))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_goes_with_its_owner() {
        let place = Place::new("mode");
        let (_listener, file) = bind(&place.0, 0o620).unwrap();
        let metadata = fs::symlink_metadata(&place.0).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o620);
        drop(file);
        assert!(!place.0.exists());
    }

    #[tokio::test]
    async fn only_a_socket_that_nobody_listens_on_is_replaced() {
        let place = Place::new("stale");
        let (listener, file) = bind(&place.0, 0o600).unwrap();
        let taken = bind(&place.0, 0o600).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        let (_listener, _new) = bind(&place.0, 0o600).unwrap();
        // A file that another process has put there stays.
        drop(file);
        assert!(place.0.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_stays() {
        let place = Place::new("file");
        fs::write(&place.0, "precious").unwrap();
        let refused = bind(&place.0, 0o600).unwrap_err();
        assert_eq!(refused.to_string(), "the file there is not a socket");
        assert_eq!(fs::read(&place.0).unwrap(), b"precious");
    }
}
