//! A browser: it keeps cookies by host, and follows redirects between the gate's hosts and GHES.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::exchange;

/// Keeps cookies as browsers do.
#[derive(Clone)]
pub(super) struct Browser {
    gate: SocketAddr,
    ghes: SocketAddr,
    cookies: BTreeMap<(String, String), String>,
}

/// What a request was answered.
pub(super) struct Answer(pub(super) String);

impl Answer {
    pub(super) fn status(&self) -> u16 {
        let status = self.0.split(' ').nth(1).expect("a status");
        status.parse().expect("a number")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    pub(super) fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }
}

/// The fields of a navigation.
pub(super) const NAVIGATION: &str =
    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nAccept: text/html\r\n";

impl Browser {
    pub(super) fn new(gate: SocketAddr, ghes: SocketAddr) -> Self {
        Self {
            gate,
            ghes,
            cookies: BTreeMap::new(),
        }
    }

    /// Returns the line with the cookies for a host.
    pub(super) fn cookies(&self, host: &str) -> String {
        let of_host = self.cookies.iter().filter(|((of, _), _)| of == host);
        let pairs: Vec<_> = of_host
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        match pairs.is_empty() {
            true => String::new(),
            false => format!("Cookie: {}\r\n", pairs.join("; ")),
        }
    }

    pub(super) fn has_session(&self, host: &str) -> bool {
        let key = (host.to_owned(), "__Host-ghes-gatekeeper".to_owned());
        self.cookies.contains_key(&key)
    }

    /// Goes to a page, without following where it leads.
    pub(super) async fn go(&mut self, url: &str) -> Answer {
        self.send("GET", url, NAVIGATION, "").await
    }

    pub(super) async fn send(
        &mut self,
        method: &str,
        url: &str,
        fields: &str,
        body: &str,
    ) -> Answer {
        let (_, rest) = url.split_once("://").expect("a URL");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let to = match host == self.ghes.to_string() {
            true => self.ghes,
            false => self.gate,
        };
        let length = match body.is_empty() {
            true => String::new(),
            false => format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            ),
        };
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nHost: {host}\r\n{}{fields}{length}\r\n{body}",
            self.cookies(host)
        );
        let answer = Answer(exchange(to, &request).await);
        self.keep(host, &answer);
        answer
    }

    fn keep(&mut self, host: &str, answer: &Answer) {
        let (head, _) = answer.0.split_once("\r\n\r\n").expect("a head");
        for line in head.lines().filter_map(|line| line.split_once(": ")) {
            if !line.0.eq_ignore_ascii_case("set-cookie") {
                continue;
            }
            let (pair, attributes) = line.1.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            let key = (host.to_owned(), name.to_owned());
            match attributes.contains("Max-Age=0;") {
                true => self.cookies.remove(&key),
                false => self.cookies.insert(key, value.to_owned()),
            };
        }
    }

    /// Goes to a page and wherever it leads; a person approves where GHES asks. Returns the page
    /// that is shown, and how often GHES asked.
    pub(super) async fn visit(&mut self, url: &str, login: &str) -> (Answer, usize) {
        let (mut url, mut questions) = (url.to_owned(), 0);
        for _ in 0..12 {
            let answer = self.go(&url).await;
            if url.starts_with(&format!("http://{}/", self.ghes)) && answer.status() == 200 {
                questions += 1;
                let (page, query) = url.split_once('?').expect("a query");
                let body = format!("{query}&login={login}&password={login}&decision=authorize");
                let approved = self.send("POST", page, "", &body).await;
                url = approved.location().to_owned();
                assert!(!url.is_empty(), "{}", approved.0);
                continue;
            }
            match answer.location() {
                "" => return (answer, questions),
                next => url = next.to_owned(),
            }
        }
        panic!("no end: {url}");
    }
}
