//! Whatever a client sends, it gets an answer, and one that GitHub's description allows.
use ghes_gatekeeper::emulator::Emulator;
use http::Request;
use proptest::prelude::*;
use tokio::runtime::Builder;

use super::{GITHUB_APP, OAUTH_APP, SECRET, TOKEN, basic, send};

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        3 => Just(OAUTH_APP.to_owned()),
        3 => Just(GITHUB_APP.to_owned()),
        3 => prop::sample::select(vec!["1", "2", "octo-org", "platform", "octocat", "0", "-1"])
            .prop_map(str::to_owned),
        1 => "(%[0-9a-f]{2}|[a-zA-Z0-9._~-]){0,8}",
    ];
    let template = prop::sample::select(vec![
        "/api/v3/applications/{}/token",
        "/api/v3/applications/{}/token/scoped",
        "/api/v3/applications/{}/grant",
        "/api/v3/applications/grants",
        "/api/v3/applications/grants/{}",
        "/api/v3/authorizations",
        "/api/v3/authorizations/{}",
        "/api/v3/authorizations/clients/{}",
        "/api/v3/authorizations/clients/{}/{}",
        "/api/v3/user",
        "/api/v3/user/orgs",
        "/api/v3/user/memberships/orgs/{}",
        "/api/v3/orgs/{}/teams/{}/memberships/{}",
        "/api/v3/meta",
        "/api/v3/rate_limit",
        "/login/oauth/authorize",
        "/login/oauth/access_token",
        "/login/device/code",
        "/login/device",
        "/{}",
    ]);
    (
        template,
        prop::collection::vec(segment, 3),
        "(\\?[a-z_]{1,9}=[a-z0-9%&=]{0,9})?",
    )
        .prop_map(|(template, segments, query)| {
            let fill = |path: String, segment: &String| path.replacen("{}", segment, 1);
            segments.iter().fold(template.to_owned(), fill) + &query
        })
}

fn credential() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(basic(GITHUB_APP, SECRET)),
        Just(basic(OAUTH_APP, SECRET)),
        Just(basic("octocat", "octocat")),
        Just(format!("Bearer {TOKEN}")),
        Just("Basic %".to_owned()),
        "[ -~]{0,20}",
    ]
}

fn body() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "null",
        "1",
        "-1",
        "1.5",
        "[]",
        "[1]",
        "[null]",
        "[\"repo\"]",
        "{}",
        "\"\"",
        "\"octocat\"",
        "\"\\u00fc\"",
        "\"e72e16c7e42f292c6912e7710c838347ae178b4a\"",
        "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
    ]);
    let name = prop::sample::select(vec![
        "access_token",
        "target",
        "target_id",
        "repositories",
        "repository_ids",
        "permissions",
        "scopes",
        "note",
        "note_url",
        "client_id",
        "client_secret",
        "fingerprint",
        "add_scopes",
        "remove_scopes",
        "grant_type",
    ]);
    prop_oneof![
        6 => prop::collection::vec((name, value), 0..4).prop_map(|members| {
            let member = |(name, value): (&str, &str)| format!("\"{name}\":{value}");
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }),
        1 => ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_has_an_answer_that_is_described(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        path in path(),
        credential in credential(),
        body in body(),
        release in prop::sample::select(vec!["3.8", "3.9", "3.10", "3.15", "3.19"]),
    ) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", credential)
            .body(body);
        let Ok(request) = request else {
            return Ok(());
        };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let ghes = Emulator::default().with_version(release.parse().unwrap());
        let answer = runtime.block_on(send(&ghes, request));
        prop_assert!(!answer.status.is_server_error(), "{}", answer.text);
    }
}
