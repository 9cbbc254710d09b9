//! However many requests carry one unknown token, GHES is asked once.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Gate, gate, octocat, request};
use futures_util::future::join_all;
use futures_util::poll;
use ghes_gatekeeper::check::{CheckRequest, Verdict};
use http::{Request, Response};
use tokio::sync::Semaphore;
use tower::util::Oneshot;
use tower::{ServiceExt, service_fn};
use tower_test::mock::{self, Handle};

const CALLERS: usize = 10_000;

type Caller = Pin<Box<Oneshot<Gate, Request<()>>>>;

/// As many requests as there are callers, each polled once, so that each waits.
async fn waiting_callers(gate: &Gate) -> Vec<Caller> {
    let mut callers = Vec::with_capacity(CALLERS);
    for _ in 0..CALLERS {
        let mut caller = Box::pin(gate.clone().oneshot(request("gho_unknown")));
        assert!(poll!(&mut caller).is_pending());
        callers.push(caller);
    }
    callers
}

async fn statuses(callers: Vec<Caller>) -> Vec<u16> {
    let responses: Vec<Result<Response<()>, Infallible>> = join_all(callers).await;
    let status = |response: Result<Response<()>, _>| response.unwrap().status().as_u16();
    responses.into_iter().map(status).collect()
}

async fn answer(handle: &mut Handle<CheckRequest, Verdict>) {
    let (check, reply) = handle.next_request().await.expect("a call");
    assert_eq!(check.token().expose(), "gho_unknown");
    reply.send_response(Verdict::Active(octocat(&[])));
}

async fn assert_not_asked_again(handle: &mut Handle<CheckRequest, Verdict>) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(poll!(std::pin::pin!(handle.next_request())).is_pending());
}

#[tokio::test]
async fn ten_thousand_requests_cause_one_call() {
    let (check, mut handle) = mock::pair();
    let gate = gate(check);
    let callers = waiting_callers(&gate).await;
    answer(&mut handle).await;
    assert_eq!(statuses(callers).await, [200; CALLERS]);
    assert_not_asked_again(&mut handle).await;
}

#[tokio::test]
async fn the_first_caller_may_leave() {
    let (check, mut handle) = mock::pair();
    let gate = gate(check);
    let mut callers = waiting_callers(&gate).await;
    drop(callers.remove(0));
    answer(&mut handle).await;
    assert_eq!(statuses(callers).await, [200; CALLERS - 1]);
    assert_not_asked_again(&mut handle).await;
}

#[tokio::test]
async fn all_callers_may_leave_and_the_answer_is_kept() {
    let (check, mut handle) = mock::pair();
    let gate = gate(check);
    drop(waiting_callers(&gate).await);
    answer(&mut handle).await;
    assert_not_asked_again(&mut handle).await;

    let late = gate.clone().oneshot(request("gho_unknown")).await.unwrap();
    assert_eq!(late.status(), 200);
    assert_not_asked_again(&mut handle).await;
}

#[tokio::test]
async fn a_check_that_panics_turns_all_away_and_stops_nobody_later() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let gate = gate(service_fn(move |_: CheckRequest| {
        let call = counter.fetch_add(1, Ordering::Relaxed);
        assert_ne!(call, 0, "the first check panics");
        ready(Ok::<_, Infallible>(Verdict::Active(octocat(&[]))))
    }));
    let callers = waiting_callers(&gate).await;
    assert_eq!(statuses(callers).await, [503; CALLERS]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);

    let late = gate.oneshot(request("gho_unknown")).await.unwrap();
    assert_eq!(late.status(), 200);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn all_share_one_failure_and_it_is_not_remembered() {
    let (check, mut handle) = mock::pair();
    let gate = gate(check);
    let callers = waiting_callers(&gate).await;
    let (_, reply) = handle.next_request().await.unwrap();
    reply.send_error("connection refused");
    assert_eq!(statuses(callers).await, [503; CALLERS]);
    assert_not_asked_again(&mut handle).await;

    let (late, ()) = tokio::join!(gate.oneshot(request("gho_unknown")), answer(&mut handle));
    assert_eq!(late.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_ends_is_ended() {
    let (check, mut handle) = mock::pair::<CheckRequest, Verdict>();
    let gate = gate(check);
    let callers = waiting_callers(&gate).await;
    let unanswered = handle.next_request().await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(statuses(callers).await, [503; CALLERS]);
    assert_eq!(before.elapsed().as_secs(), 3);
    drop(unanswered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_also_with_callers_on_several_threads() {
    let calls = Arc::new(AtomicUsize::new(0));
    let called = Arc::new(Semaphore::new(0));
    let (counter, gate_opens) = (Arc::clone(&calls), Arc::clone(&called));
    let gate = gate(service_fn(move |_: CheckRequest| {
        counter.fetch_add(1, Ordering::Relaxed);
        let gate_opens = Arc::clone(&gate_opens);
        async move {
            // Answers in the middle of the crowd: some wait by then, others are yet to come.
            let _open = gate_opens.acquire_many(CALLERS as u32 / 2).await.unwrap();
            Ok::<_, Infallible>(Verdict::Active(octocat(&[])))
        }
    }));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (gate, called) = (gate.clone(), Arc::clone(&called));
            tokio::spawn(async move {
                called.add_permits(1);
                gate.oneshot(request("gho_unknown")).await.unwrap().status()
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}
