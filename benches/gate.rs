//! What the gate adds to a request.
//!
//! ```sh
//! cargo bench --bench gate --no-default-features
//! ```
//!
//! Measured on two shared cores of an AMD EPYC under Rust 1.95, with other work beside it, so only
//! the ratios within one run count.
//!
//! | benchmark | time | ratio |
//! |---|---|---|
//! | `hit/no layer`: the no-op service alone, request dropped | 63 ns | 0.24 |
//! | `hit/floor`: SHA-256, one moka get, one extension insert, then the same service | 258 ns | 1 |
//! | `hit/layer` | 385 ns | **1.49** |
//! | `hit/layer, identity in headers` | 560 ns | 2.2 |
//! | `miss/layer`, over a check that answers at once | 6.4 µs | 23 |
//!
//! | cache lookups | 10 tokens | 10,000 | 100,000 |
//! |---|---|---|---|
//! | 1 thread | 7.6 M/s | 2.5 M/s | 0.9 M/s |
//! | 2 threads | 6.0 M/s | 5.1 M/s | 1.6 M/s |
//!
//! What follows from it:
//!
//! - Without the no-op service on both sides, the layer is 322 ns over a floor of 195 ns: 1.65.
//! - It was 348 ns, 1.35, before answers had a freshness, lookups were counted, and the names that
//!   other gates use were removed as well: each header that begins with `x` is now held against
//!   19 names, and this request has one.
//! - Three quarters of a hit are SHA-256 (60 ns), moka (90 ns) and what `http` does to store an
//!   extension and drop a request. Of the rest, a fifth is reading the clock a second time.
//! - That policies decide on facts, memberships among them, costs a hit about 10 ns (least times of 200
//!   samples, old and new in turn: 398 and 408). Comparing a token's prefix as text and remembering
//!   whole verdicts instead of identities cost another 45 before they were changed.
//! - That there may be several apps costs a hit with one 35 instructions of 9,684 (callgrind, which
//!   has no SHA instructions: a hit and the making of its request). A token of the second of two apps
//!   costs 9 % more than that, of the third of three 17 %: one more lookup each.
//! - Reading the credential costs 11 ns. It cost 45 as long as it stopped at the first wrong byte:
//!   a loop without a branch becomes vector instructions.
//! - Four headers cost more than one extension, since each is an insertion into `http`'s map.
//! - Ten hot tokens on two threads are slower than on one: the threads fight for the same entries'
//!   counters. Spread over more tokens, two threads do twice as much.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, CheckService, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::{AccessToken, TokenHash};
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use http::{HeaderMap, HeaderValue, Request, Response};
use moka::sync::Cache;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, service_fn};

const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";

/// As many requests as lie in a server's caches at once; criterion's own batches of thousands
/// would measure the memory bus.
const BATCH: BatchSize = BatchSize::NumIterations(64);

fn octocat() -> Identity {
    let scopes = Scopes::parse(["public_repo", "user"]).expect("scopes of GitHub's documents");
    Identity::new(User::new("octocat", 1), "Iv1.8a61f9b3a7aba766", 1, scopes)
        .expect("the user of GitHub's documents")
}

fn request() -> Request<()> {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in [
        ("host", "tools.example.com"),
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip"),
        ("x-request-id", "0b9cbf6e"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let credential = HeaderValue::from_static("Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a");
    headers.insert("authorization", credential);
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request
}

fn nothing(request: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
    black_box(request);
    ready(Ok(Response::new(())))
}

fn immediate(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
    ready(Ok(Verdict::Active(octocat())))
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// The whole layer over a service that does nothing, and the least that any such layer must do.
fn hit(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("hit");
    let validator = Validator::new(service_fn(immediate));
    runtime
        .block_on(async { validator.check(AccessToken::new(TOKEN)).await })
        .expect("a verdict");

    let layer = GatekeeperLayer::new(validator);
    let mut bare = service_fn(nothing);
    group.bench_function("no layer", |b| {
        b.iter_batched(request, |r| bare.call(r).now_or_never(), BATCH);
    });

    let cache = floor_cache();
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

/// A cache of the same kind and value as the one behind the layer.
fn floor_cache() -> Cache<TokenHash, (Identity, tokio::time::Instant)> {
    let cache = Cache::builder()
        .max_capacity(100_000)
        .time_to_live(Duration::from_secs(60))
        .build();
    cache.insert(
        TokenHash::of(TOKEN),
        (octocat(), tokio::time::Instant::now()),
    );
    cache
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
    let validator = Validator::builder(service_fn(immediate))
        .with_cache(
            CacheOptions::default()
                .with_active_max_age(Duration::from_secs(3_600))
                .with_active_capacity(tokens as u64),
        )
        .build();
    let hashes = runtime().block_on(async {
        let mut hashes = Vec::with_capacity(tokens);
        for number in 0..tokens {
            let token = AccessToken::new(format!("gho_{number:036}"));
            hashes.push(token.hash());
            validator.check(token).await.expect("a verdict");
        }
        hashes
    });
    (validator, hashes)
}

/// The wall-clock time in which every thread does `lookups` lookups, all at once.
fn look_up<C: CheckService>(
    validator: &Validator<C>,
    hashes: &[TokenHash],
    threads: usize,
    lookups: usize,
) -> Duration {
    let start = Barrier::new(threads);
    let longest = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let start = &start;
                scope.spawn(move || {
                    // Coprime to the number of tokens, so that every one comes up, in no order
                    // that a processor's cache could foresee.
                    let stride = 7_919;
                    start.wait();
                    let begin = tokio::time::Instant::now();
                    for lookup in 0..lookups {
                        let at = (lookup * stride + worker * 17) % hashes.len();
                        black_box(validator.lookup(&hashes[at]));
                    }
                    begin.elapsed()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"))
            .max()
    });
    longest.unwrap_or_default()
}

criterion_group!(benches, hit, miss, cache);
criterion_main!(benches);
