//! What Kubernetes is told of a token.

use serde_json::json;

use super::*;
use crate::TOKEN;

over!(every protocol with bodies:
    kubernetes_is_told_whose_a_good_token_is,
    kubernetes_is_told_why_a_token_is_no_good,
    a_review_that_is_none_is_refused,
);

fn reviewing(naming: &str) -> String {
    let naming = format!("[decisions.token_review]\n{naming}\n[[routes]]");
    tables("", "").replace("[[routes]]", &naming)
}

async fn kubernetes_is_told_whose_a_good_token_is(carrier: Carrier) {
    let naming = "groups = ['octo-org/platform', 'other', 'octo-org']\n\
                  username_prefix = 'ghes:'\ngroups_prefix = 'ghes:'";
    let front = Front::of_decisions(carrier, &reviewing(naming)).await;
    for (login, id, groups) in [
        (
            "octocat",
            "1",
            json!(["ghes:octo-org:platform", "ghes:octo-org"]),
        ),
        ("hubot", "2", json!(["ghes:octo-org"])),
        ("monalisa", "3", json!(null)),
    ] {
        let token = front.gate.ghes.mint(CLIENT_ID, login, &["read:org"], None);
        let answer = front.answer(&review_of(&token.expect("it is there"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.all("content-type"), ["application/json"]);
        let mut expected = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": "" },
            "status": {
                "authenticated": true,
                "user": {
                    "username": format!("ghes:{login}"),
                    "uid": id,
                    "groups": groups,
                    "extra": { "oauth-client-id": [CLIENT_ID], "oauth-scopes": ["read:org"] },
                },
            },
        });
        if groups.is_null() {
            let user = expected["status"]["user"]
                .as_object_mut()
                .expect("it is there");
            user.remove("groups");
        }
        assert_eq!(json(&answer), expected, "{login}");
    }
}

async fn kubernetes_is_told_why_a_token_is_no_good(carrier: Carrier) {
    let tables = reviewing("groups = ['octo-org']")
        .replace("id = 'apisix'", "id = 'apisix'\nusers = ['octocat']");
    let front = Front::of_decisions(carrier, &tables).await;
    let stranger = front
        .gate
        .ghes
        .mint(CLIENT_ID, "hubot", &["read:org"], None)
        .expect("it is there");
    let foreign = front
        .gate
        .ghes
        .mint(OTHER_APP, "octocat", &["read:org"], None)
        .expect("it is there");
    for (token, why) in [
        ("gho_wrong", "unknown, revoked or expired"),
        ("ghp_wrong", "Personal access tokens"),
        ("", "malformed"),
        ("a b", "malformed"),
        (&foreign, "belongs to another app"),
        (&stranger, "not allowed"),
    ] {
        let answer = front.answer(&review_of(token)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut said = json(&answer);
        let error = said["status"]["error"].take();
        assert!(
            error.as_str().expect("it is there").contains(why),
            "{token} {error}"
        );
        let expected = json!({ "authenticated": false, "error": null });
        assert_eq!(said["status"], expected, "{token}");
    }
    assert_eq!(
        front
            .gate
            .ghes
            .calls(ghes_gatekeeper::emulator::Operation::GetOrganizationMembership),
        0,
        "nobody asks where those belong who are kept out anyway"
    );
}

async fn a_review_that_is_none_is_refused(carrier: Carrier) {
    let front = Front::of_decisions(carrier, &reviewing("")).await;
    let good = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "metadata": { "creationTimestamp": null },
        "spec": { "token": TOKEN, "audiences": ["https://kubernetes.default.svc"] },
        "status": { "user": {} },
    });
    let good = good.to_string();
    let answer = front.answer(&review(&good)).await;
    let said = json(&answer);
    assert_eq!(said["status"]["user"]["username"], "octocat");
    // Nobody has looked for which audience it is, and that is how that is said.
    assert_eq!(said["status"].get("audiences"), None);
    let older = good.replace("k8s.io/v1", "k8s.io/v1beta1");
    let said = json(&front.answer(&review(&older)).await);
    assert_eq!(said["apiVersion"], "authentication.k8s.io/v1beta1");
    for wrong in [
        "",
        "null",
        "[]",
        &good[..good.len() - 1],
        &good.replace("TokenReview", "SubjectAccessReview"),
        &good.replace("k8s.io/v1", "k8s.io/v2"),
        &good.replace("\"token\"", "\"tokens\""),
    ] {
        let answer = front.answer(&review(wrong)).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(!answer.text().contains(TOKEN));
    }
    let long = good.replace(TOKEN, &"a".repeat(64 * 1024));
    front.assert_status(&review(&long), 413).await;
    let answer = front.answer(&review(&good).method("GET")).await;
    assert_eq!((answer.status, answer.all("allow")), (405, vec!["POST"]));
    let mut ask = review(&good);
    ask.fields.retain(|(name, _)| name != b"Content-Type");
    let form = "application/x-www-form-urlencoded";
    front
        .assert_status(&ask.line("Content-Type", form), 415)
        .await;
}

/// What was asked is remembered, so that the next question gets the answer.
#[tokio::test]
async fn too_many_memberships_for_one_answer_are_asked_about_by_and_by() {
    let names = |kind: &str, count: usize| {
        let all: Vec<_> = (0..count).map(|n| format!("'{kind}{n}'")).collect();
        all.join(", ")
    };
    for own in [34, 40, 60] {
        let (orgs, told) = (names("org", own - 1), names("told", 31));
        let tables = reviewing(&format!("groups = [{told}, 'octo-org']"));
        let keys = format!("id = 'apisix'\norgs = [{orgs}, 'octo-org']");
        let tables = tables.replace("id = 'apisix'", &keys);
        let front = Front::of_decisions(Carrier::Http1, &tables).await;
        let token = front
            .gate
            .ghes
            .mint(CLIENT_ID, "octocat", &["read:org"], None);
        let ask = review_of(&token.expect("it is there"));
        let first = front.answer(&ask).await;
        assert_eq!(first.status, 503, "{own} {first:?}");
        assert!(!first.text().contains("authenticated"), "{first:?}");
        let said = json(&front.answer(&ask).await);
        assert_eq!(
            said["status"]["user"]["groups"],
            json!(["octo-org"]),
            "{own} {said}"
        );
    }
}

/// The files that are shown to people, held against what the gate says.
#[tokio::test]
async fn the_examples_ask_where_the_gate_answers_and_bind_what_it_tells() {
    let kubeconfig = include_str!("../../../examples/kubernetes/token-review.kubeconfig");
    let servers = kubeconfig
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server: "));
    let servers: Vec<&str> = servers.collect();
    assert_eq!(servers, ["https://gate.example.com:8081/token-review"]);
    let naming = "groups = ['octo-org', 'octo-org/platform']\nusername_prefix = 'ghes:'\n\
                  groups_prefix = 'ghes:'";
    let front = Front::of_decisions(Carrier::Http1, &reviewing(naming)).await;
    let token = front
        .gate
        .ghes
        .mint(CLIENT_ID, "octocat", &["read:org"], None);
    let mut ask = review_of(&token.expect("it is there"));
    ask.target = servers[0]
        .rsplit_once(":8081")
        .expect("it is there")
        .1
        .to_owned();
    let said = json(&front.answer(&ask).await);
    let user = &said["status"]["user"];
    let rbac = include_str!("../../../examples/kubernetes/rbac.yaml");
    let names = rbac
        .lines()
        .filter_map(|line| line.trim().strip_prefix("name: ghes:"));
    let names: Vec<String> = names.map(|name| format!("ghes:{name}")).collect();
    assert_eq!(names.len(), 3);
    for name in names {
        let is_told = user["username"] == *name;
        let mut groups = user["groups"].as_array().expect("it is there").iter();
        assert!(
            is_told || groups.any(|group| *group == *name),
            "{name} {user}"
        );
    }
}
