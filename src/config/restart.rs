//! What a reload cannot change.

use std::fmt::Debug;

use secrecy::SecretString;

use super::reader::secret::are_same;
use super::{Config, SecretFile};

impl Config {
    /// Returns the keys that a proxy of this configuration keeps until it is started again, whatever
    /// `new` says: its listeners, its threads, and what it was sized for.
    #[must_use]
    pub fn kept_until_restart(&self, new: &Self) -> Vec<&'static str> {
        let listeners = self.listeners(new).into_iter();
        let all = listeners.chain(self.secrets(new));
        all.filter_map(|(key, differs)| differs.then_some(key))
            .collect()
    }

    fn listeners(&self, new: &Self) -> Vec<(&'static str, bool)> {
        let listed = |config: &Self| {
            let server = &config.server;
            let limits = &server.limits;
            let decisions = config.decisions.as_ref();
            let webhook = config.webhook.as_ref();
            [
                ("server.listen", text(&server.listen)),
                ("server.unix_mode", text(server.unix_mode)),
                ("server.workers", text(server.workers)),
                ("server.h2c", text(server.h2c)),
                ("server.admin_listen", text(server.admin_listen)),
                ("server.probe_listen", text(server.probe_listen)),
                ("server.shutdown_delay", text(server.shutdown_delay)),
                ("server.tls", text(&server.tls)),
                ("server.limits.connections", text(limits.connections)),
                (
                    "server.limits.upstream_connections",
                    text(server.upstream_limits),
                ),
                ("decisions.listen", text(decisions.map(|door| &door.listen))),
                ("decisions.tls", text(decisions.map(|door| &door.tls))),
                ("webhook.listen", text(webhook.map(|door| door.listen))),
            ]
        };
        let pairs = listed(self).into_iter().zip(listed(new));
        let compared = pairs.map(|((key, old), (_, new))| (key, old != new));
        compared.collect()
    }

    fn secrets(&self, new: &Self) -> [(&'static str, bool); 2] {
        let admin = [self, new].map(|config| {
            let admin = config.admin.as_ref();
            admin.map(|admin| (&admin.secret, admin.secret_file.as_ref()))
        });
        let webhook = [self, new].map(|config| {
            let webhook = config.webhook.as_ref();
            webhook.map(|webhook| (&webhook.secret, webhook.secret_file.as_ref()))
        });
        [
            ("admin.secret", differ(admin)),
            ("webhook.secret", differ(webhook)),
        ]
    }
}

type Secret<'c> = (&'c SecretString, Option<&'c SecretFile>);

fn differ(secrets: [Option<Secret<'_>>; 2]) -> bool {
    match secrets {
        [Some(ours), Some(theirs)] => !are_same(ours, theirs),
        [ours, theirs] => ours.is_some() != theirs.is_some(),
    }
}

fn text(value: impl Debug) -> String {
    format!("{value:?}")
}
