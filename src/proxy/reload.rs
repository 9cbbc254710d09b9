//! The configuration, read again while the proxy serves.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::Proxy;
use crate::config::{Config, ConfigErrors};
use crate::watched::keep_looking;

/// Reads the configuration again, and puts it in force: whole, or not at all. A handle.
///
/// See [`Proxy::replace_rules`] for what stays.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    proxy: Proxy,
    load: Load,
    /// What the listeners and the threads were made of.
    began: Config,
    /// Held while one reload is under way.
    current: Mutex<Config>,
}

type Load = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// What a reload has changed, and what it could not.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reloaded {
    /// Whose decisions could be others now, as [`Config::differences`] says it.
    pub differences: Vec<String>,
    /// The keys that are others in the file, and stay what they were until the proxy is started
    /// again.
    pub kept_until_restart: Vec<&'static str>,
}

/// Why a configuration is not in force: one line for each mistake, none with a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReloadError(Vec<String>);

impl Reloader {
    /// Reads configurations with `load` for a proxy that serves by `config`.
    ///
    /// `load` may adapt what it has read, as [`Config::fit_descriptors`] does.
    pub fn new(
        proxy: Proxy,
        config: Config,
        load: impl Fn() -> Result<Config, ConfigErrors> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            proxy,
            load: Box::new(load),
            began: config.clone(),
            current: Mutex::new(config),
        }))
    }

    /// Reads the configuration again. Waits for the file system, and for another reload to end.
    ///
    /// What comes of it is logged and counted.
    ///
    /// # Errors
    ///
    /// Returns [`ReloadError`] with each mistake in the configuration, or with what the proxy
    /// cannot do by it. Nothing has changed then.
    pub fn reload(&self) -> Result<Reloaded, ReloadError> {
        let mut current = self.0.current.lock();
        let reloaded = self.0.replace(&mut current);
        self.0.proxy.0.runtime.metrics.reloaded(reloaded.is_ok());
        match &reloaded {
            Ok(reloaded) => reloaded.log(),
            Err(error) => error.log(),
        }
        reloaded
    }

    /// Reloads for ever, whenever a file of the configuration has changed and then stayed the same
    /// for a while: an editor may have written half of it.
    pub async fn keep_fresh(&self) -> Infallible {
        let mut has_changed = false;
        keep_looking(|| {
            let changes = self.0.files_have_changed();
            if has_changed && !changes {
                let reloader = self.clone();
                spawn_blocking(move || reloader.reload());
            }
            has_changed = changes;
        })
        .await
    }
}

impl Inner {
    /// While a reload is under way, they are about to be read.
    fn files_have_changed(&self) -> bool {
        let current = self.current.try_lock();
        current.is_some_and(|mut current| current.files.have_changed())
    }

    fn replace(&self, current: &mut Config) -> Result<Reloaded, ReloadError> {
        let new = (self.load)()?;
        let replaced = self.proxy.replace_rules(&new);
        replaced.map_err(|error| ReloadError(vec![error.to_string()]))?;
        // An app whose secret is in a file stays the same app, with another secret.
        self.proxy.0.runtime.secret_files.look();
        let reloaded = Reloaded {
            differences: new.differences(current),
            kept_until_restart: self.began.kept_until_restart(&new),
        };
        *current = new;
        Ok(reloaded)
    }
}

impl Reloaded {
    fn log(&self) {
        tracing::info!(
            differences = self.differences.len(),
            "the configuration was read again, and is in force"
        );
        for difference in &self.differences {
            tracing::info!("reload: {difference}");
        }
        for key in &self.kept_until_restart {
            tracing::warn!("reload: {key} cannot change while the proxy serves; restart it");
        }
    }
}

impl ReloadError {
    /// Returns the mistakes; there is at least one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn log(&self) {
        for mistake in self.iter() {
            tracing::error!("reload: {mistake}");
        }
        tracing::error!("reload: nothing has changed; mend the configuration");
    }
}

impl From<ConfigErrors> for ReloadError {
    fn from(errors: ConfigErrors) -> Self {
        Self(errors.iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ReloadError {}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}
