mod text;

use std::path::PathBuf;

use clap::Args;
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::explain::{Decision, InvalidQuestion, Rejected, Trace};
use ghes_gatekeeper::rejection::RejectionKind;
use http::Method;

use super::Failure;
use super::answer::{print_json, print_rows};
use super::serve::load;
use super::terminal::secret;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ghes-gatekeeper check token --config gatekeeper.toml < token.txt
  ghes-gatekeeper check token --config gatekeeper.toml --method POST --path /deploy < token.txt
  ghes-gatekeeper check token --config gatekeeper.toml --host wiki.example.com --json < token.txt

The token is read from standard input, or asked for on a terminal, and is never printed. GHES is
asked as the gate asks it, and about all groups of the route; no upstream is contacted.
Exits with 0 if the request would pass, 1 if not, 2 for usage and configuration, and 3 if GHES could
not be asked. For what GHES itself says of a token, see ghes-gatekeeper token check.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The method of the request.
    #[arg(long, value_name = "METHOD", value_parser = method, default_value = "GET")]
    method: Method,

    /// The path of the request, percent-encoded as a client sends it.
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,

    /// The host that the request is for.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,

    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?;
    let token = secret::token()?;
    let proxy = Proxy::new(&config).map_err(|error| Failure::running("cannot start", error))?;
    let Arguments {
        method, path, host, ..
    } = &arguments;
    let trace = proxy.explain(&token, method, host, path).await;
    let trace = trace.map_err(unusable)?;
    match arguments.json {
        true => print_json(&trace)?,
        false => print_rows(&text::rows(&trace))?,
    }
    outcome(&trace)
}

fn outcome(trace: &Trace) -> Result<(), Failure> {
    let Decision::Rejected(rejected) = &trace.decision else {
        return Ok(());
    };
    let Rejected { status, reason, .. } = rejected;
    if *reason == RejectionKind::Unavailable.as_str() {
        let text = format!("GHES could not be asked, so the gate would answer {status}");
        return Err(Failure::unavailable(text));
    }
    let text = format!("not allowed: the gate would answer {status} {reason}");
    Err(Failure::negative(text))
}

fn unusable(error: InvalidQuestion) -> Failure {
    Failure::usage(match error {
        InvalidQuestion::Host => format!("--host: {error}"),
        InvalidQuestion::Path => format!("--path: {error}"),
        _ => format!("standard input: {error}"),
    })
}

/// Methods are case-sensitive (RFC 9110 §9.1); in small letters, one is meant that is not written.
fn method(text: &str) -> Result<Method, &'static str> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if !text.contains(|c: char| c.is_ascii_lowercase()) => Ok(method),
        _ => Err("not a method; write it in capitals, like GET"),
    }
}
