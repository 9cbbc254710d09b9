//! `git-credential`: the kept token for git, as [its helpers] have it.
//!
//! [its helpers]: https://git-scm.com/docs/git-credential

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::net::IpAddr;

use clap::Args;
use ghes_gatekeeper::ghes::GhesUrl;

use super::Failure;
use super::login::{Kept, Wanted};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper git-credential --for git.example.com get < question.txt

git asks it where its configuration says so:

  git config --global credential.https://git.example.com.helper \\
    '!ghes-gatekeeper git-credential --for git.example.com'

It gives the token to the hosts of --for alone, over https, or to this machine itself.")]
pub(super) struct Arguments {
    /// A host that may have the token, as git asks for it, with its port if it has one.
    #[arg(long = "for", value_name = "HOST", required = true)]
    hosts: Vec<String>,

    /// The GHES of the token, if there are tokens of several.
    #[arg(long, value_name = "URL")]
    ghes: Option<GhesUrl>,

    /// The client id of the token's app, if there are tokens of several.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// What git wants: get, store or erase. It may learn others, which mean nothing here.
    #[arg(value_name = "ACTION")]
    action: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let question = Question::read(io::stdin().lock());
    let question = question.map_err(|error| Failure::running("cannot read from git", error))?;
    match arguments.action.as_str() {
        "get" if question.is_for(&arguments.hosts) => get(arguments),
        "erase" if question.is_for(&arguments.hosts) => erase(&question),
        _ => Ok(()),
    }
}

/// Without a token git asks its next helper, or the person.
fn get(arguments: &Arguments) -> Result<(), Failure> {
    let kept = Kept::open()?;
    let wanted = Wanted {
        ghes: arguments.ghes.as_ref(),
        client_id: arguments.client_id.as_deref(),
    };
    let Some(token) = kept.find(wanted)? else {
        tracing::warn!("no token is kept; run ghes-gatekeeper login");
        return Ok(());
    };
    let answer = format!("username={}\npassword={}\n", token.login, token.token);
    let written = io::stdout().write_all(answer.as_bytes());
    written.map_err(|error| Failure::running("cannot answer git", error))
}

/// The host has refused it. Another token than ours is no matter of ours.
fn erase(question: &Question) -> Result<(), Failure> {
    let password = question.0.get("password");
    let was_there = password
        .map(|token| Kept::open()?.forget(token))
        .transpose()?;
    if was_there == Some(true) {
        tracing::warn!("the kept token was refused, and is forgotten; run ghes-gatekeeper login");
    }
    Ok(())
}

/// What git says of itself, one attribute in a line.
struct Question(HashMap<String, String>);

impl Question {
    fn read(lines: impl BufRead) -> io::Result<Self> {
        let mut attributes = HashMap::new();
        for line in lines.lines() {
            let line = line?;
            // An empty line ends it.
            let Some((name, value)) = line.split_once('=') else {
                break;
            };
            attributes.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self(attributes))
    }

    fn is_for(&self, hosts: &[String]) -> bool {
        let attribute = |name: &str| self.0.get(name).map_or("", String::as_str);
        let host = attribute("host");
        let is_safe = match attribute("protocol") {
            "https" => true,
            "http" => is_loopback(host),
            _ => false,
        };
        is_safe && hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_matches(['[', ']']);
    name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_get_the_token_and_only_where_nobody_reads_it() {
        let hosts = ["git.example.com".to_owned(), "localhost:8080".to_owned()];
        for (protocol, host, expected) in [
            ("https", "git.example.com", true),
            ("https", "GIT.example.com", true),
            ("http", "localhost:8080", true),
            ("http", "git.example.com", false),
            ("https", "github.com", false),
            ("https", "git.example.com.evil.example", false),
            ("https", "git.example.com:8443", false),
            ("https", "", false),
            ("ssh", "git.example.com", false),
            ("", "git.example.com", false),
        ] {
            let text = format!("protocol={protocol}\nhost={host}\n\nhost=github.com\n");
            let question = Question::read(text.as_bytes()).unwrap();
            assert_eq!(question.is_for(&hosts), expected, "{protocol} {host}");
        }
    }
}
