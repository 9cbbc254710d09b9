//! Secrets that are reloaded when their files change.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use secrecy::SecretString;

use crate::config::SecretFile;
use crate::watched::keep_looking;

/// The files of all secrets, and who uses each. A handle.
#[derive(Clone, Default)]
pub(in crate::proxy) struct SecretFiles(Arc<Mutex<Vec<Weak<Mutex<Entry>>>>>);

/// A file that is looked after until this is dropped.
pub(in crate::proxy) struct WatchedSecret(#[expect(dead_code, reason = "held")] Arc<Mutex<Entry>>);

struct Entry {
    /// Its name in logs.
    key: String,
    file: SecretFile,
    replace: Box<dyn Fn(SecretString) + Send>,
}

impl SecretFiles {
    /// Lets `replace` have what a file will hold, if the secret comes from one, until what this
    /// returns is dropped.
    pub(in crate::proxy) fn watch(
        &self,
        key: impl Into<String>,
        file: Option<&SecretFile>,
        replace: impl Fn(SecretString) + Send + 'static,
    ) -> Option<WatchedSecret> {
        let entry = Arc::new(Mutex::new(Entry {
            key: key.into(),
            file: file?.clone(),
            replace: Box::new(replace),
        }));
        self.0.lock().push(Arc::downgrade(&entry));
        Some(WatchedSecret(entry))
    }

    /// Watches the files for ever. A file without a valid secret is reported once, and the last
    /// good one stays in force.
    pub(in crate::proxy) async fn keep_fresh(&self) -> Infallible {
        keep_looking(|| self.look()).await
    }

    /// Reads those that have changed.
    pub(in crate::proxy) fn look(&self) {
        let mut entries = self.0.lock();
        entries.retain(|entry| entry.strong_count() > 0);
        for entry in entries.iter().filter_map(Weak::upgrade) {
            let Entry { key, file, replace } = &mut *entry.lock();
            match file.renew() {
                None => {}
                Some(Ok(secret)) => {
                    replace(secret);
                    tracing::info!("{key}: the secret was read again, and is in force");
                }
                Some(Err(error)) => {
                    tracing::error!("{key}: {error}; the last secret stays in force");
                }
            }
        }
    }
}

impl fmt::Debug for SecretFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFiles").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::Length;

    /// A file as Kubernetes mounts it: a link through a directory that is replaced as a whole.
    struct Mounted(PathBuf);

    impl Mounted {
        fn new(name: &str) -> Self {
            let id = std::process::id();
            let directory = std::env::temp_dir().join(format!("ghes-gatekeeper-{name}-{id}"));
            std::fs::create_dir_all(&directory).unwrap();
            let link = std::os::unix::fs::symlink("..data/secret", directory.join("secret"));
            assert!(link.is_ok());
            Self(directory)
        }

        fn path(&self) -> String {
            self.0.join("secret").to_str().unwrap().to_owned()
        }

        fn write(&self, version: &str, text: &str) {
            std::fs::create_dir(self.0.join(version)).unwrap();
            std::fs::write(self.0.join(version).join("secret"), text).unwrap();
            let (new, data) = (self.0.join("..new"), self.0.join("..data"));
            std::os::unix::fs::symlink(version, &new).unwrap();
            std::fs::rename(new, data).unwrap();
        }
    }

    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_secret_is_replaced_when_its_file_is_and_only_by_a_good_one() {
        let mounted = Mounted::new("secret-files");
        mounted.write("1", "first\n");
        let (file, first) = SecretFile::open(&mounted.path(), Length::Any);
        assert_eq!(first.unwrap().expose_secret(), "first");
        let (sender, replaced) = mpsc::channel();
        let files = SecretFiles::default();
        let _watched = files.watch("key", Some(&file), move |secret| {
            sender.send(secret.expose_secret().to_owned()).unwrap();
        });
        let looked = || {
            files.look();
            replaced.try_iter().collect::<Vec<_>>()
        };
        assert!(looked().is_empty());
        mounted.write("2", "second");
        assert_eq!(looked(), ["second"]);
        assert!(looked().is_empty());
        for (version, broken) in [("3", ""), ("4", "two words"), ("5", "\"quoted\"")] {
            mounted.write(version, broken);
            assert!(looked().is_empty(), "{broken}");
        }
        std::fs::remove_file(mounted.0.join("..data")).unwrap();
        assert!(looked().is_empty());
        mounted.write("6", "third");
        assert_eq!(looked(), ["third"]);
        // Edited in place.
        std::fs::write(mounted.0.join("6").join("secret"), "the fourth").unwrap();
        assert!(looked().is_empty(), "more than a secret");
        std::fs::write(mounted.0.join("6").join("secret"), "fifth").unwrap();
        assert_eq!(looked(), ["fifth"]);
    }
}
