//! The parsers of what others send: whatever they are given, they keep their promises.
//!
//! The same promises are what the targets in `fuzz/` look for a way around. What they found
//! interesting so far is replayed here.
#![cfg(feature = "proxy")]

mod webhook;

use std::collections::BTreeMap;
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
fn the_corpus_of_the_webhook_holds() {
    for (name, input) in corpus("webhook") {
        println!("{name}");
        webhook::check(&input);
    }
}

/// So that a mutation of one is a step to the next.
#[test]
fn the_corpus_of_the_webhook_has_every_outcome() {
    let mut outcomes = BTreeMap::new();
    for (name, input) in corpus("webhook") {
        outcomes.insert(webhook::outcome(&input), name);
    }
    assert_eq!(outcomes.len(), 5, "{outcomes:?}");
}

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
