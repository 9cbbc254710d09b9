//! What the gate adds to a request.
//!
//! ```sh
//! cargo bench --bench gate --no-default-features
//! ```
//!
//! Measured on two cores of an AMD EPYC under Rust 1.95; believe ratios within one run. The first table
//! is of a machine with nothing else to do, the second of one beside other work.
//!
//! | benchmark | time | ratio |
//! |---|---|---|
//! | `hit/no layer`: the no-op service alone, request dropped | 65 ns | 0.25 |
//! | `hit/floor`: SHA-256, one moka get, one extension insert, then the same service | 263 ns | 1 |
//! | `hit/layer` | 358 ns | **1.36** |
//! | `hit/layer, identity in headers` | 534 ns | 2.0 |
//! | `miss/layer`, over a check that answers at once, in an earlier run | 6.4 µs | 23 |
//!
//! | two threads over one, requests a second | the same token | a token each |
//! |---|---|---|
//! | SHA-256 | | 1.97 |
//! | `hit/no layer` | | 1.87 |
//! | floor | 1.22 | 0.59 |
//! | floor, a cache each | | 1.75 |
//! | layer | 0.78 | **1.96** |
//! | layer, a layer each | | 1.96 |
//!
//! The second table is of 400 requests at a time, begun by both threads together, the least twentieth
//! or fifth of them: what other work does not disturb. `threads` by itself, with nothing else to do:
//! SHA-256 1.98, layer 0.69 with the same token (its floor 0.54) and **1.92** with a token each.
//!
//! | cache lookups, in an earlier run | 10 tokens | 10,000 | 100,000 |
//! |---|---|---|---|
//! | 1 thread | 7.6 M/s | 2.5 M/s | 0.9 M/s |
//! | 2 threads | 6.0 M/s | 5.1 M/s | 1.6 M/s |
//!
//! What follows from it:
//!
//! - Of the 95 to 115 ns over the floor, in samples of a profile, about 20 are the second reading of the
//!   clock, 25 the removal of the credential, 20 what `call` and `poll` do themselves, 15 moves of the
//!   response's future by who polls it, 10 to 15 reading the credential, 8 counting the lookup with a
//!   locked addition, 10 the decision, 5 looking for headers to remove.
//! - The clock cannot be spared: moka reads it for each lookup and tells nobody, and its time cannot
//!   be moved by tests. A token's deadline is compared with a reading that is younger than the lookup.
//! - Instructions were not what took the time: 120 fewer of them, when the credential was no longer
//!   looked up twice, gained nothing. Moves did: of enums whose bytes are copied one by one, of an
//!   `Option` with an `Instant` inside, of a struct that was returned and returned again. A load that
//!   is wider than the stores before it has to wait for them, 5 ns each time. So what is good is
//!   looked up without a `Verdict`, read where it lies, and deadlines are plain numbers.
//! - What a hit does not need of `call` and `poll` stands in functions of its own. By itself that
//!   gained nothing, nor did inlining all of the lookup.
//! - Tokio's clock costs a few instructions more here than in an app, because tests move it.
//! - That policies decide on facts, memberships among them, costs a hit about 10 ns (least times of 200
//!   samples, old and new in turn: 398 and 408). Comparing a token's prefix as text and remembering
//!   whole verdicts instead of identities cost another 45 before they were changed.
//! - That there may be several apps costs a hit with one 35 instructions of 9,684 (callgrind, which
//!   has no SHA instructions: a hit and the making of its request). A token of the second of two apps
//!   costs 9 % more than that, of the third of three 17 %: one more lookup each.
//! - Reading the credential cost 45 ns more as long as it stopped at the first wrong byte: a loop
//!   without a branch becomes vector instructions.
//! - Four headers cost more than one extension, since each is an insertion into `http`'s map.
//! - Two threads fight for moka's log of reads, of which there is one for a cache, far more than for
//!   anything of ours: a layer whose cache had one log did 0.88 times with two threads what it does
//!   with one. So tokens are kept in segments, each with a log. A lookup takes 3 ns more for it.
//! - Those who carry the same token fight for its entry: moka counts who holds it, and `Identity` is
//!   cloned for each request. The floor does both as well.
//! - The two tokens of `threads` are in one segment in one run of sixteen: run it again then.

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::CheckService;
use ghes_gatekeeper::token::TokenHash;
use ghes_gatekeeper::validator::Validator;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use support::{FloorCache, TOKEN, asked, floor_cache, immediate, nothing, request, runtime};
use tokio::time::Instant;
use tower::{Layer, Service, service_fn};

/// As many requests as lie in a server's caches at once; criterion's own batches of thousands
/// would measure the memory bus.
const BATCH: BatchSize = BatchSize::NumIterations(64);

/// The whole layer over a service that does nothing, and the least that any such layer must do.
fn hit(c: &mut Criterion) {
    let mut group = c.benchmark_group("hit");
    let layer = GatekeeperLayer::new(asked(service_fn(immediate), [TOKEN]));
    let mut bare = service_fn(nothing);
    group.bench_function("no layer", |b| {
        b.iter_batched(request, |r| bare.call(r).now_or_never(), BATCH);
    });

    let cache = floor_cache([TOKEN]);
    group.bench_function("floor", |b| {
        b.iter_batched(
            request,
            |mut request| {
                let hash = TokenHash::of(black_box(TOKEN));
                let (identity, _) = cache.get(&hash).expect("stored above");
                request.extensions_mut().insert(identity);
                bare.call(request).now_or_never()
            },
            BATCH,
        );
    });

    let mut gate = layer.layer(service_fn(nothing));
    group.bench_function("layer", |b| {
        b.iter_batched(request, |r| gate.call(r).now_or_never(), BATCH);
    });

    let in_headers = layer
        .with_identity_extension(false)
        .with_identity_headers(true);
    let mut gate = in_headers.layer(service_fn(nothing));
    group.bench_function("layer, identity in headers", |b| {
        b.iter_batched(request, |r| gate.call(r).now_or_never(), BATCH);
    });
    group.finish();
}

/// A token never seen before, over a check that answers at once.
fn miss(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("miss");
    let layer = GatekeeperLayer::new(Validator::new(service_fn(immediate)));
    let mut gate = layer.layer(service_fn(nothing));
    let mut number = 0_u64;
    let mut unknown = || {
        number += 1;
        let credential = HeaderValue::try_from(format!("Bearer gho_{number:036}"));
        let mut request = request();
        let headers = request.headers_mut();
        headers.insert("authorization", credential.expect("digits"));
        request
    };
    group.bench_function("layer", |b| {
        b.iter_batched(
            &mut unknown,
            |r| runtime.block_on(async { gate.call(r).await }),
            BATCH,
        );
    });
    group.finish();
}

/// SHA-256 alone, which shares nothing, the floor and the layer on one thread and on two, each with
/// a token of its own or all with the same. A request is used again, so that making it takes no part of the time.
fn threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("threads");
    let tokens = ["gho_one".to_owned(), "gho_other".to_owned()];
    let cache = floor_cache(tokens.iter().map(String::as_str));
    let layer = GatekeeperLayer::new(asked(service_fn(immediate), &tokens));
    for (threads, tokens) in [(1, &tokens[..1]), (2, &tokens[..1]), (2, &tokens[..])] {
        let of = format!("{threads} threads, {} tokens", tokens.len());
        group.throughput(Throughput::Elements(threads as u64));
        group.bench_function(BenchmarkId::new("SHA-256", &of), |b| {
            b.iter_custom(|rounds| {
                together(threads, |at| {
                    hash_rounds(&tokens[at % tokens.len()], rounds)
                })
            });
        });
        group.bench_function(BenchmarkId::new("floor", &of), |b| {
            b.iter_custom(|rounds| {
                together(threads, |at| {
                    floor_rounds(&cache, &tokens[at % tokens.len()], rounds)
                })
            });
        });
        group.bench_function(BenchmarkId::new("layer", &of), |b| {
            b.iter_custom(|rounds| {
                together(threads, |at| {
                    layer_rounds(&layer, &tokens[at % tokens.len()], rounds)
                })
            });
        });
    }
    group.finish();
}

fn hash_rounds(token: &str, rounds: u64) {
    for _ in 0..rounds {
        black_box(TokenHash::of(black_box(token)));
    }
}

fn floor_rounds(cache: &FloorCache, token: &str, rounds: u64) {
    let mut bare = service_fn(hand_back);
    repeat(token, rounds, |mut request| {
        let hash = TokenHash::of(black_box(token));
        let (identity, _) = cache.get(&hash).expect("stored above");
        request.extensions_mut().insert(identity);
        bare.call(request).now_or_never()
    });
}

fn layer_rounds<C: CheckService>(layer: &GatekeeperLayer<C>, token: &str, rounds: u64) {
    let mut gate = layer.layer(service_fn(hand_back));
    repeat(token, rounds, |request| gate.call(request).now_or_never());
}

type Returned = Result<Response<Request<()>>, Infallible>;

fn hand_back(request: Request<()>) -> Ready<Returned> {
    ready(Ok(Response::new(request)))
}

/// Sends one request again and again, each time with a credential.
fn repeat(token: &str, rounds: u64, mut send: impl FnMut(Request<()>) -> Option<Returned>) {
    let credential = HeaderValue::try_from(format!("Bearer {token}")).expect("visible ASCII");
    let mut request = request();
    for _ in 0..rounds {
        request
            .headers_mut()
            .insert(AUTHORIZATION, credential.clone());
        let response = send(request).expect("a hit is ready at once");
        request = response.unwrap_or_else(|error| match error {}).into_body();
    }
}

/// Lookups by several threads among several numbers of tokens.
fn cache(c: &mut Criterion) {
    const LOOKUPS: usize = 20_000;
    let mut group = c.benchmark_group("cache");
    group.sample_size(20);
    for tokens in [10, 10_000, 100_000] {
        let (validator, hashes) = filled(tokens);
        for threads in [1, 2] {
            group.throughput(Throughput::Elements((threads * LOOKUPS) as u64));
            let id = BenchmarkId::new(format!("{threads} threads"), tokens);
            group.bench_function(id, |b| {
                b.iter_custom(|rounds| {
                    look_up(&validator, &hashes, threads, rounds as usize * LOOKUPS)
                });
            });
        }
    }
    group.finish();
}

fn filled(tokens: usize) -> (Validator<impl CheckService>, Vec<TokenHash>) {
    let tokens: Vec<_> = (0..tokens)
        .map(|number| format!("gho_{number:036}"))
        .collect();
    let hashes = tokens.iter().map(TokenHash::of).collect();
    (asked(service_fn(immediate), tokens), hashes)
}

/// The wall-clock time in which every thread does `lookups` lookups, all at once.
fn look_up<C: CheckService>(
    validator: &Validator<C>,
    hashes: &[TokenHash],
    threads: usize,
    lookups: usize,
) -> Duration {
    together(threads, |worker| {
        // Coprime to the number of tokens, so that every one comes up, in no order that a
        // processor's cache could foresee.
        let stride = 7_919;
        for lookup in 0..lookups {
            let at = (lookup * stride + worker * 17) % hashes.len();
            black_box(validator.lookup(&hashes[at]));
        }
    })
}

/// The wall-clock time from when the first of some threads begins its work to when the last has
/// done it.
fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let (start, work) = (&Barrier::new(threads), &work);
    let spans: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    start.wait();
                    let begin = Instant::now();
                    work(worker);
                    (begin, Instant::now())
                })
            })
            .collect();
        let spans = workers.into_iter().map(|worker| worker.join());
        spans.map(|span| span.expect("no panic")).collect()
    });
    let first = spans.iter().map(|(begin, _)| *begin).min();
    let last = spans.iter().map(|(_, end)| *end).max();
    first
        .zip(last)
        .map_or(Duration::ZERO, |(first, last)| last - first)
}

criterion_group!(benches, hit, miss, threads, cache);
criterion_main!(benches);
