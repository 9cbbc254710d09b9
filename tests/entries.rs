//! What it takes to remember tokens: 110 MiB for 100,000 good ones and as many refused ones.
//!
//! `GATEKEEPER_TOKENS=100000 cargo test --release --test entries -- --nocapture` fills both caches
//! and prints the figure. It is the only test here, so that the memory of the process is its own.
#![cfg(target_os = "linux")]

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use ghes_gatekeeper::check::{CheckRequest, InactiveReason, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use tower::service_fn;

/// How much 100,000 tokens of each kind may take.
const TARGET_MIB: f64 = 110.0;

/// What the process has in memory.
fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let (_, size) = status.split_once("VmRSS:").expect("a size");
    let kib = size.split_whitespace().next().expect("a number");
    kib.parse::<f64>().expect("a number") / 1024.0
}

/// The person of a token `good_n`, with names and scopes as long as they usually are.
async fn one_person_a_token(request: CheckRequest) -> Result<Verdict, Infallible> {
    let token = request.token().expose();
    let Some(number) = token.strip_prefix("gho_good_") else {
        return Ok(Verdict::Inactive(InactiveReason::Unknown));
    };
    let id = number.parse().expect("a number");
    let user = User::new(&format!("firstname-lastname-{id}"), id);
    let scopes = Scopes::parse(["read:org", "repo", "user:email"]).expect("scopes");
    let identity = Identity::new(user, "Iv1.8a61f9b3a7aba766", id, scopes);
    Ok(Verdict::Active(identity.expect("an identity")))
}

#[tokio::test]
async fn tokens_are_remembered_in_little_memory() {
    let tokens = std::env::var("GATEKEEPER_TOKENS");
    let tokens: u64 = tokens.map_or(20_000, |tokens| tokens.parse().expect("a number"));
    // So that none is forgotten while the others come.
    let mut cache = CacheOptions::default();
    cache.inactive_max_age = Duration::from_secs(600);
    let check = service_fn(one_person_a_token);
    let validator = Validator::builder(check).with_cache(cache).build();
    let before = resident_mib();
    let mut grown = [0.0; 2];
    for (kind, grown) in ["good", "bad"].iter().zip(&mut grown) {
        let before = resident_mib();
        for number in 1..=tokens {
            let token = AccessToken::new(format!("gho_{kind}_{number}"));
            validator.check(token).await.expect("an answer");
        }
        *grown = resident_mib() - before;
    }
    let stats = validator.stats();
    assert_eq!(
        (stats.active_entries, stats.inactive_entries),
        (tokens, tokens)
    );
    let [good, bad] = grown.map(|mib| mib * 1_048_576.0 / tokens as f64);
    let grown = resident_mib() - before;
    println!(
        "{tokens} good tokens of {good:.0} bytes, as many refused of {bad:.0}: {grown:.1} MiB"
    );
    assert!(grown < TARGET_MIB * tokens as f64 / 100_000.0);
}
