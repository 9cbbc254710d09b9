//! The counts of each route, for many clients and across reloads.

use std::net::SocketAddr;

use ghes_gatekeeper::config::Config;

use super::{ask, samples, scrape};
use crate::TOKEN;
use crate::support::{Client, Gate, Upstream, route};

fn named(name: &str, path: &str, upstream: SocketAddr) -> String {
    route(path, upstream, &format!("name = \"{name}\""))
}

async fn passed(admin: &mut Client, route: &str) -> Option<f64> {
    let series = format!("route_requests_total{{route=\"{route}\",result=\"passed\"}}");
    samples(&scrape(admin).await).get(&series).copied()
}

fn config(routes: &str) -> Config {
    let toml = format!(
        "[ghes]\nurl = \"http://127.0.0.1:1\"\n[[ghes.apps]]\n\
         client_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n{routes}"
    );
    Config::parse(&toml, []).expect("a configuration")
}

#[tokio::test]
async fn a_name_that_stays_keeps_its_counts_and_one_that_goes_is_gone() {
    let upstream = Upstream::start().await;
    let wiki = named("wiki", "/wiki", upstream.address);
    let old = named("old", "/old", upstream.address);
    let gate = Gate::start(&[wiki, old].concat()).await;
    let mut admin = gate.admin().await;
    for path in ["/wiki", "/old"] {
        assert_eq!(ask(&gate, path, TOKEN).await, 200);
    }
    assert_eq!(passed(&mut admin, "wiki").await, Some(1.0));
    assert_eq!(passed(&mut admin, "old").await, Some(1.0));

    let moved = named("wiki", "/pages", upstream.address);
    let new = named("new", "/new", upstream.address);
    let replaced = gate.proxy.replace_rules(&config(&[moved, new].concat()));
    replaced.expect("rules that can be used");
    assert_eq!(ask(&gate, "/pages", TOKEN).await, 200);
    assert_eq!(passed(&mut admin, "wiki").await, Some(2.0));
    assert_eq!(passed(&mut admin, "new").await, Some(0.0));
    let text = scrape(&mut admin).await;
    assert!(!text.contains("\"old\""), "{text}");
}

#[tokio::test]
async fn many_people_paths_and_hosts_make_no_series() {
    let upstream = Upstream::start().await;
    let gate = Gate::start(&named("wiki", "/wiki", upstream.address)).await;
    let mut admin = gate.admin().await;
    assert_eq!(ask(&gate, "/wiki", TOKEN).await, 200);
    let count = async |admin: &mut Client| samples(&scrape(admin).await).len();
    let before = count(&mut admin).await;
    for n in 0..200 {
        let mut client = gate.connect().await;
        let path = if n % 2 == 0 { "/wiki" } else { "/else" };
        let request = format!(
            "GET {path}/{n} HTTP/1.1\r\nHost: host-{n}\r\nUser-Agent: agent-{n}\r\n\
             Authorization: Bearer gho_nobody{n}\r\n\r\n"
        );
        client.exchange(&request).await;
    }
    assert_eq!(count(&mut admin).await, before);
    assert!(before <= 200 + 12, "{before} series with one route");
}

#[tokio::test]
async fn a_route_has_twelve_series_from_the_beginning() {
    let upstream = Upstream::start().await;
    let one = named("one", "/one", upstream.address);
    let two = named("two", "/two", upstream.address);
    let mut counts = Vec::new();
    for routes in [one.clone(), [one, two].concat()] {
        let gate = Gate::start(&routes).await;
        let mut admin = gate.admin().await;
        counts.push(samples(&scrape(&mut admin).await).len());
    }
    assert_eq!(counts[1] - counts[0], 12);
}
