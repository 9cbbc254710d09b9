//! An outage says nothing about a token.

use super::*;
use crate::TOKEN;

over!(every protocol with bodies: an_outage_is_503_and_never_a_no);

async fn an_outage_is_503_and_never_a_no(carrier: Carrier) {
    let groups = "[decisions.token_review]\ngroups = ['octo-org']\n";
    let tables = tables("", "").replace("[[routes]]", &format!("{groups}[[routes]]"));
    let front = Front::of_decisions(carrier, &tables).await;
    assert!(is_active(&front, TOKEN).await);
    outage(&front);
    assert!(is_active(&front, TOKEN).await, "remembered");
    for ask in [of_token("gho_a"), of_token("gho_b"), review_of("gho_c")] {
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.all("retry-after").len(), 1);
        assert!(answer.all("www-authenticate").is_empty());
        assert_eq!(json(&answer)["reason"], "unavailable");
        let text = answer.text();
        assert!(
            !text.contains("\"active\"") && !text.contains("authenticated\""),
            "{text}"
        );
    }
    // The token is good, and where its person belongs cannot be asked.
    let answer = front.answer(&review_of(TOKEN)).await;
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[tokio::test]
async fn where_an_outage_is_bridged_the_answer_is_good_for_a_moment() {
    let cache = "[cache]\nactive_max_age = '1ms'\nstale_if_error = '1m'";
    let front = front(Carrier::Http1, "", cache).await;
    assert!(is_active(&front, TOKEN).await);
    outage(&front);
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("after 1970").as_secs()
    };
    let before = now();
    let said = json(&front.answer(&of_token(TOKEN)).await);
    assert_eq!(said["active"], true);
    let exp = said["exp"].as_u64().expect("a number");
    assert!((before + 1..=now() + 5).contains(&exp), "{exp} {before}");
}
