//! The parsers of what others send: whatever they are given, they keep their promises.
//!
//! The same promises are what the targets in `fuzz/` look for a way around. What they found
//! interesting so far is replayed here.

mod bearer;
#[cfg(feature = "client")]
mod check_token_reply;
#[cfg(all(feature = "emulator", feature = "session"))]
mod session_cookie;
#[cfg(feature = "proxy")]
mod webhook;

#[cfg(feature = "proxy")]
use std::collections::BTreeMap;
#[cfg(feature = "client")]
use std::collections::BTreeSet;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// Every file of a target's corpus, with its name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = std::fs::read_dir(directory.join(target)).expect("a corpus");
    let corpus: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .map(|path| (path.display().to_string(), std::fs::read(&path)))
        .map(|(name, input)| (name, input.expect("a file")))
        .collect();
    assert!(corpus.len() >= 10, "{} files", corpus.len());
    corpus
}

#[test]
fn the_corpus_of_the_bearer_parser_holds() {
    for (name, input) in corpus("bearer") {
        println!("{name}");
        bearer::check(&input);
    }
}

#[cfg(feature = "client")]
#[test]
fn the_corpus_of_the_check_token_reply_holds() {
    for (name, input) in corpus("check_token_reply") {
        println!("{name}");
        check_token_reply::check(&input);
    }
}

#[cfg(all(feature = "emulator", feature = "session"))]
#[test]
fn the_corpus_of_the_session_cookie_holds() {
    for (name, input) in corpus("session_cookie") {
        println!("{name}");
        session_cookie::check(&input);
    }
}

#[cfg(feature = "proxy")]
#[test]
fn the_corpus_of_the_webhook_holds() {
    for (name, input) in corpus("webhook") {
        println!("{name}");
        webhook::check(&input);
    }
}

/// So that a mutation of one is a step to the next.
#[cfg(feature = "client")]
#[test]
fn the_corpus_of_the_check_token_reply_has_every_outcome() {
    let inputs = corpus("check_token_reply");
    let outcomes: BTreeSet<_> = inputs
        .iter()
        .map(|(_, input)| check_token_reply::outcome(input))
        .collect();
    let all = [
        "active",
        "app_mismatch",
        "bad_response",
        "client_auth_failed",
        "expired",
        "ghes_5xx",
        "ghes_forbidden",
        "invalid",
        "no_user",
        "rate_limited",
        "redirect",
        "too_large",
        "unprocessable",
    ];
    assert_eq!(outcomes, BTreeSet::from(all));
}

proptest! {
    #[test]
    fn any_lines_are_read_as_the_bearer_parser_promises(
        scheme in "(Bearer|token|Basic|[!-~]{0,8})",
        spaces in "[ \t]{0,3}",
        rest in vec(any::<u8>(), 0..700),
    ) {
        bearer::check(&rest);
        bearer::check(&[scheme.as_bytes(), spaces.as_bytes(), &rest].concat());
    }
}

#[cfg(feature = "client")]
proptest! {
    #[test]
    fn any_bytes_are_judged_as_the_client_promises(
        status in 100_u16..1000,
        body in vec(any::<u8>(), 0..300),
    ) {
        let head = format!("{status} application/json\n");
        check_token_reply::check(&[head.as_bytes(), &body].concat());
    }

    /// Replies that are right but for one place, where most mistakes would be.
    #[test]
    fn any_change_in_a_good_reply_is_judged_as_the_client_promises(
        status in prop::sample::select(vec![200_u16, 201, 302, 401, 403, 404, 422, 429, 503]),
        place in any::<prop::sample::Index>(),
        removed in 0_usize..20,
        inserted in prop::sample::select(vec![
            "", "null", "\"", "0", "1", "-", "{", "[", ",", "\\ud800", "app", "client_id", "\u{0}",
        ]),
    ) {
        let good = check_token_reply::GOOD;
        let start = place.index(good.len());
        let end = (start + removed).min(good.len());
        let body = [&good[..start], inserted, &good[end..]].concat();
        let reply = format!("{status} application/json\n{body}");
        check_token_reply::check(reply.as_bytes());
    }
}

#[cfg(all(feature = "emulator", feature = "session"))]
proptest! {
    #[test]
    fn any_cookies_are_judged_as_the_login_promises(
        name in "(__Host-ghes-gatekeeper(-login-[a-zA-Z]{0,8})?|[!-~]{0,8})",
        value in "[A-Za-z0-9_-]{0,300}",
        rest in vec(any::<u8>(), 0..100),
    ) {
        session_cookie::check(&rest);
        session_cookie::check(&[name.as_bytes(), b"=", value.as_bytes()].concat());
        session_cookie::check(&[&rest, &b"; "[..], name.as_bytes(), b"=", &rest].concat());
    }
}

/// So that a mutation of one is a step to the next.
#[cfg(feature = "proxy")]
#[test]
fn the_corpus_of_the_webhook_has_every_outcome() {
    let mut outcomes = BTreeMap::new();
    for (name, input) in corpus("webhook") {
        outcomes.insert(webhook::outcome(&input), name);
    }
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
}

#[cfg(feature = "proxy")]
proptest! {
    /// Deliveries that are right but for one place, where most mistakes would be.
    #[test]
    fn any_change_in_a_delivery_is_taken_as_the_receiver_promises(
        delivery in prop::sample::select(corpus("webhook")),
        place in any::<prop::sample::Index>(),
        removed in 0_usize..20,
        inserted in vec(any::<u8>(), 0..20),
    ) {
        let (_, delivery) = delivery;
        let start = place.index(delivery.len() + 1);
        let end = (start + removed).min(delivery.len());
        webhook::check(&[&delivery[..start], &inserted, &delivery[end..]].concat());
    }
}
