//! What is printed: GitHub's names, and nothing that a terminal would obey.

use ghes_gatekeeper::emulator::World;
use serde_json::Value;

use super::{Ghes, TOKEN, member};

/// What GitHub's description of GHES 3.19 requires a thing to have.
fn required(schema: &str) -> Vec<String> {
    let text = include_str!("../../fixtures/openapi/ghes-3.19.json");
    let description: Value = serde_json::from_str(text).expect("JSON");
    let required = &description["components"]["schemas"][schema]["required"];
    let names = required.as_array().expect("a list").iter();
    names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn json_has_every_member_that_github_requires() {
    let ghes = Ghes::start().await;
    let authorizations = ghes.as_octocat("authorizations list --json").await.json();
    let grants = ghes.as_octocat("grants list --json").await.json();
    for (item, schema) in [
        (&authorizations[0], "authorization"),
        (
            &ghes.run("token check --json", TOKEN).await.json(),
            "authorization",
        ),
        (&grants[0], "application-grant"),
    ] {
        for name in required(schema) {
            assert!(item.get(&name).is_some(), "{name} not in {item}");
        }
    }
    let created = authorizations[0]["created_at"].as_str().expect("a time");
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
}

#[tokio::test]
async fn names_notes_and_addresses_give_a_terminal_no_orders() {
    let orders = "\u{1b}]0;title\u{7} \u{9b}2J \u{202e}txt \u{7f}";
    let world = World::DOCUMENTS.replace("my github app", "\\u001b[31mapp\\u009b0m\\n");
    let ghes = Ghes::with(World::from_toml(&world).expect("a world")).await;
    let mut create = ghes.command("authorizations create --user octocat --json");
    create.args(["--note", orders]);
    let made = super::run(create, "octocat").await.good();
    let json: Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!(json["note"], orders);
    let mut shown = vec![made];
    for line in [
        "authorizations list",
        "authorizations list --json",
        "authorizations get 2",
        "grants list",
        "grants list --json",
    ] {
        shown.push(ghes.as_octocat(line).await.good());
    }
    let table = ghes.run("token check", TOKEN).await.good();
    let name = "\\u{1b}[31mapp\\u{9b}0m\\u{a} (Iv1.8a61f9b3a7aba766)";
    assert_eq!(member(&table, "app"), name);
    shown.push(table);
    for text in shown {
        let order = text.find(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}'));
        assert_eq!(order, None, "{text:?}");
    }
}
