//! Shares the file descriptors of the process among connections.
//!
//! A client connection takes one, and an upstream connection another. If clients could take all of
//! them, no connection could be accepted any more, probes included, and no call to GHES could be
//! made. So some are kept back, and the rest is shared between clients and upstreams.

use std::num::NonZeroU32;

use crate::config::{Config, DecisionsConfig};
use crate::endpoint::{DELIVERIES, OPERATORS};

impl Config {
    /// Lowers the limits of connections to fit the available file descriptors.
    ///
    /// Returns a warning if they were higher: one line, which names the keys.
    pub fn fit_descriptors(&mut self, descriptors: u64) -> Option<String> {
        let kept = self.kept_descriptors().min(descriptors / 2);
        let left = u32::try_from(descriptors - kept).unwrap_or(u32::MAX);
        let limits = &mut self.server.limits;
        let upstreams = &mut self.server.upstream_limits;
        let (of_clients, of_one) = (limits.connections.get(), upstreams.connections.get());
        let clients = clients_share(left, of_clients, of_one);
        let in_all = left - clients;
        upstreams.connections_in_all = Some(at_least_one(in_all));
        let share = |of_one: NonZeroU32, of_all, fitted| {
            at_least_one(share_of_one(of_one.get(), of_all, fitted))
        };
        limits.connections = at_least_one(clients);
        limits.connections_per_client = share(limits.connections_per_client, of_clients, clients);
        limits.requests_per_client = share(limits.requests_per_client, of_one, in_all);
        (clients < of_clients || in_all < of_one).then(|| {
            let wanted = kept + u64::from(of_clients) + u64::from(of_one);
            format!(
                "server.limits: connections = {of_clients} and upstream_connections = {of_one} need \
                 {wanted} file descriptors, and the process may have {descriptors}: there will be \
                 {clients} connections of clients, {} of each, and {in_all} to upstreams; raise the \
                 hard limit (LimitNOFILE= of systemd, ulimit -Hn), or lower them",
                limits.connections_per_client,
            )
        })
    }

    /// How many are for other uses than clients' requests.
    fn kept_descriptors(&self) -> u64 {
        let server = &self.server;
        let workers = server.workers.get() as u64 * OF_A_WORKER;
        let calls = self.ghes.iter().map(|ghes| ghes.limits.concurrency.get());
        let calls: u64 = calls.map(u64::from).sum();
        let webhook = self.webhook.as_ref().map_or(0, |_| DELIVERIES.get());
        let decisions = self.decisions.as_ref();
        let asking = decisions.map_or(0, |_| DecisionsConfig::CONNECTIONS.get());
        let doors = decisions.map_or(0, |decisions| decisions.listen.len());
        let listeners = (server.listen.len() + doors) as u64;
        let probes = server.probe_listen.map_or(0, |_| OPERATORS.get());
        let own = u64::from(OPERATORS.get() + probes + webhook + asking);
        OF_THE_PROCESS + workers + listeners + calls + own
    }
}

/// Both get their limit if possible, or the rest of the other, or half.
fn clients_share(left: u32, clients: u32, upstreams: u32) -> u32 {
    clients.min((left / 2).max(left.saturating_sub(upstreams)))
}

/// One client's share of the lowered limit: the same part as before, or a quarter where that is
/// little. A gate with few descriptors has few clients.
fn share_of_one(of_one: u32, of_all: u32, fitted: u32) -> u32 {
    let part = u64::from(of_one) * u64::from(fitted) / u64::from(of_all);
    let part = u32::try_from(part).unwrap_or(u32::MAX);
    of_one.min(part.max(fitted / 4))
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// Standard input and output, signals, the runtime of the command, reloaded files, name resolution.
const OF_THE_PROCESS: u64 = 32;

/// For the event queue of a runtime.
const OF_A_WORKER: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "[server]\nworkers = 2\n[ghes]\nurl = \"https://ghes.example.com\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:3000\"\n";

    fn config(limits: &str) -> Config {
        Config::parse(&format!("{TOML}\n[server.limits]\n{limits}"), []).unwrap()
    }

    /// For clients, for one client, for upstreams, and requests of one client.
    fn limits(config: &Config) -> [u32; 4] {
        let limits = &config.server.limits;
        let in_all = config.server.upstream_limits.connections_in_all;
        [
            limits.connections,
            limits.connections_per_client,
            in_all.unwrap(),
            limits.requests_per_client,
        ]
        .map(NonZeroU32::get)
    }

    #[test]
    fn what_fits_stays_as_it_is_and_upstreams_share_the_rest() {
        for descriptors in [20_500, 65_536, 1_048_576, u64::MAX] {
            let mut config = config("");
            let kept = config.kept_descriptors();
            assert_eq!(config.fit_descriptors(descriptors), None, "{descriptors}");
            let rest = u32::try_from(descriptors - kept).unwrap_or(u32::MAX) - 10_000;
            assert_eq!(limits(&config), [10_000, 1_000, rest, 2_000]);
        }
    }

    #[test]
    fn what_does_not_fit_is_shared_and_told() {
        for (descriptors, own, expected) in [
            (1_024, "", [427, 106, 428, 107]),
            (4_096, "", [1_963, 490, 1_964, 491]),
            (64, "", [16, 4, 16, 4]),
            (1_024, "upstream_connections = 100", [755, 188, 100, 2_000]),
            (1_024, "connections = 100", [100, 1_000, 755, 188]),
            (
                1_024,
                "connections = 1000\nconnections_per_client = 1000",
                [427, 427, 428, 107],
            ),
        ] {
            let mut config = config(own);
            let warning = config.fit_descriptors(descriptors);
            let warning = warning.unwrap_or_else(|| panic!("{descriptors} {own}"));
            assert!(
                warning.contains("server.limits: connections ="),
                "{warning}"
            );
            assert!(warning.contains("LimitNOFILE"), "{warning}");
            let limits = limits(&config);
            assert_eq!(limits, expected, "{descriptors} {own}");
            let kept = config.kept_descriptors().min(descriptors / 2);
            assert!(u64::from(limits[0] + limits[2]) + kept <= descriptors);
        }
    }

    #[test]
    fn each_listener_that_operators_have_is_kept_room_for() {
        let with = |more: &str| {
            let toml = TOML.replace("workers = 2\n", &format!("workers = 2\n{more}\n"));
            Config::parse(&toml, []).unwrap().kept_descriptors()
        };
        let without = with("");
        let probes = with("probe_listen = \"127.0.0.1:9902\"");
        assert_eq!(probes - without, u64::from(OPERATORS.get()));
    }

    #[test]
    fn with_next_to_none_there_is_one_of_each() {
        for descriptors in [0, 1, 2, 3] {
            let mut config = config("");
            assert!(config.fit_descriptors(descriptors).is_some());
            assert_eq!(limits(&config), [1; 4], "{descriptors}");
        }
    }
}
