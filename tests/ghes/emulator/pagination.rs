//! Lists in pages.
use ghes_gatekeeper::emulator::Emulator;
use serde_json::Value;

use super::{GITHUB_APP, OAUTH_APP, by_octocat, world};

/// Octocat has 45 tokens: 44 of the OAuth app and one of the GitHub App.
fn busy() -> Emulator {
    let ghes = Emulator::default();
    for _ in 0..44 {
        ghes.mint(OAUTH_APP, "octocat", &["repo"], None).unwrap();
    }
    ghes
}

async fn ids(ghes: &Emulator, query: &str) -> (Vec<u64>, Option<String>) {
    let answer = by_octocat(ghes, &format!("GET /authorizations{query}"), Value::Null).await;
    let ids = answer
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    (ids, answer.header("link").map(str::to_owned))
}

fn link(relations: &[(&str, &str)]) -> Option<String> {
    let link = |(relation, query): &(&str, &str)| {
        format!("<http://ghes.test/api/v3/authorizations?{query}>; rel=\"{relation}\"")
    };
    Some(relations.iter().map(link).collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn pages_have_thirty_entries_and_name_their_neighbours() {
    let ghes = busy();
    let (first, next) = ids(&ghes, "").await;
    assert_eq!(first, (1..=30).collect::<Vec<_>>());
    assert_eq!(next, link(&[("next", "page=2"), ("last", "page=2")]));
    let (second, previous) = ids(&ghes, "?page=2").await;
    assert_eq!(second, (31..=45).collect::<Vec<_>>());
    assert_eq!(previous, link(&[("prev", "page=1"), ("first", "page=1")]));
}

#[tokio::test]
async fn size_is_kept_in_the_links_and_at_most_100() {
    let ghes = busy();
    let (page, around) = ids(&ghes, "?per_page=10&page=3").await;
    assert_eq!(page, (21..=30).collect::<Vec<_>>());
    let expected = [
        ("prev", "per_page=10&page=2"),
        ("next", "per_page=10&page=4"),
        ("last", "per_page=10&page=5"),
        ("first", "per_page=10&page=1"),
    ];
    assert_eq!(around, link(&expected));
    for _ in 0..60 {
        ghes.mint(OAUTH_APP, "octocat", &[], None).unwrap();
    }
    let (page, _) = ids(&ghes, "?per_page=1000").await;
    assert_eq!(page.len(), 100);
}

#[tokio::test]
async fn senseless_numbers_count_as_absent_and_far_pages_are_empty() {
    let ghes = busy();
    for query in [
        "?per_page=0",
        "?per_page=-1",
        "?per_page=x",
        "?page=0",
        "?page=",
    ] {
        assert_eq!(ids(&ghes, query).await.0.len(), 30, "{query}");
    }
    let (far, back) = ids(&ghes, "?page=9").await;
    assert!(far.is_empty());
    assert_eq!(back, link(&[("prev", "page=2"), ("first", "page=1")]));
    let (farthest, _) = ids(&ghes, &format!("?page={}&per_page=100", usize::MAX)).await;
    assert!(farthest.is_empty());
}

#[tokio::test]
async fn filter_comes_before_the_pages() {
    let ghes = busy();
    let query = format!("?client_id={OAUTH_APP}&per_page=44");
    let (page, no_link) = ids(&ghes, &query).await;
    assert_eq!((page.len(), no_link), (44, None));
    let (page, no_link) = ids(&ghes, &format!("?client_id={GITHUB_APP}")).await;
    assert_eq!((page, no_link), (vec![1], None));
    assert!(ids(&ghes, "?client_id=unknown").await.0.is_empty());
}

#[tokio::test]
async fn grants_and_organizations_come_in_pages_too() {
    let ghes = world(|world| {
        world.replacen(
            "orgs = [\"octo-org\"]",
            "orgs = [\"octo-org\", \"a\", \"b\"]",
            1,
        )
    });
    ghes.mint(OAUTH_APP, "octocat", &[], None).unwrap();
    for (path, last) in [("/applications/grants", 2), ("/user/orgs", 3)] {
        let answer = by_octocat(&ghes, &format!("GET {path}?per_page=1&page=2"), Value::Null).await;
        assert_eq!(answer.json().as_array().unwrap().len(), 1);
        let url = format!("<http://ghes.test/api/v3{path}?per_page=1&page={last}>");
        let link = answer.header("link").unwrap();
        assert_eq!(
            link.contains(&format!("{url}; rel=\"last\"")),
            last > 2,
            "{link}"
        );
        assert!(
            link.contains("rel=\"first\"") && link.contains("rel=\"prev\""),
            "{link}"
        );
    }
}
