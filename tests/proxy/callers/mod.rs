//! Those who ask whose a token is: RFC 7662 and Kubernetes.

mod encrypted;
mod introspection;
mod kubernetes;
mod outages;
mod proof;
mod real_clients;
mod token_review;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ghes_gatekeeper::emulator::Fault;
use serde_json::Value;

use super::carrier::{Answer, Ask, Carrier, Front};

pub(crate) const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const OTHER_APP: &str = "abcde12345fghij67890";

const SECRET: &str = "CANARYCALLERSECRET0123456789abcdef";

/// One caller with these further keys, and these further tables.
fn tables(keys: &str, further: &str) -> String {
    format!(
        "[decisions]\nlisten = '127.0.0.1:0'\n\
         [[decisions.callers]]\nid = 'apisix'\nsecret = '{SECRET}'\n{keys}\n\
         [[routes]]\npath = '/'\n{further}"
    )
}

async fn front(carrier: Carrier, keys: &str, further: &str) -> Front {
    Front::of_decisions(carrier, &tables(keys, further)).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// A question without proof of who asks.
fn unproved(form: &str) -> Ask {
    Ask::get("/introspect")
        .method("POST")
        .line("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
}

fn introspection(form: &str) -> Ask {
    unproved(form).line("Authorization", basic("apisix", SECRET))
}

fn of_token(token: &str) -> Ask {
    introspection(&format!("token={token}"))
}

fn review(body: &str) -> Ask {
    Ask::get("/token-review")
        .method("POST")
        .line("Content-Type", "application/json")
        .line("Authorization", format!("Bearer {SECRET}"))
        .body(body)
}

fn review_of(token: &str) -> Ask {
    let review = serde_json::json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": { "token": token },
    });
    self::review(&review.to_string())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// What is said of a token: active or not.
async fn is_active(front: &Front, token: &str) -> bool {
    let answer = front.answer(&of_token(token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    json(&answer)["active"].as_bool().expect("a flag")
}

fn outage(front: &Front) {
    let fault = Fault::status(http::StatusCode::BAD_GATEWAY);
    front.gate.ghes.fail(fault.times(u64::MAX));
}
