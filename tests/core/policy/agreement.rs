//! For any person, policy and request, miss and hit decide the same, and as the reference does.

use std::convert::Infallible;

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, Verdict};
use ghes_gatekeeper::membership::MembershipRequest;
use ghes_gatekeeper::token::TokenKind;
use ghes_gatekeeper::validator::Validator;
use http::{Request, Response};
use proptest::prelude::*;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::reference::{Case, PATHS, Rule, cases, rules};

fn request(case: &Case) -> Request<()> {
    let prefix = match case.token_kind {
        TokenKind::OAuth => "gho_",
        TokenKind::UserToServer => "ghu_",
        _ => "",
    };
    Request::builder()
        .method(&case.method)
        .uri(PATHS[case.path])
        .header("authorization", format!("Bearer {prefix}a"))
        .body(())
        .expect("a request")
}

/// The responses' statuses and challenges: of a miss, and of a hit.
async fn responses(rule: &Rule, case: &Case) -> Vec<(u16, Option<String>)> {
    let (whose, truth) = (case.identity(), case.truth());
    let check = service_fn(move |_: CheckRequest| {
        let verdict = Verdict::Active(whose.clone());
        async { Ok::<_, Infallible>(verdict) }
    });
    let directory = service_fn(move |request: MembershipRequest| {
        let membership = truth[request.group()].clone();
        async { Ok::<_, Infallible>(membership) }
    });
    let validator = Validator::builder(check)
        .with_memberships(directory)
        .build();
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let layer = GatekeeperLayer::new(validator).with_policy(rule.policy());
    let mut gate = layer.layer(inner);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let response = gate.ready().await.expect("ready").call(request(case)).await;
        let response = response.expect("a response");
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge.map(|value| value.to_str().expect("ASCII").to_owned());
        seen.push((response.status().as_u16(), challenge));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn miss_and_hit_agree_with_each_other_and_with_the_reference(rule in rules(), case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let seen = runtime.expect("a runtime").block_on(responses(&rule, &case));
        let expected = if rule.lets_in(&case) == Some(true) { 200 } else { 403 };
        prop_assert_eq!(seen[0].0, expected);
        prop_assert_eq!(&seen[0], &seen[1]);
    }
}
