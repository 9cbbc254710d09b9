//! Limits that operators set, over every protocol.

use crate::carrier::{Ask, Carrier};
use crate::recorder::Recorder;

over!(every protocol:
    targets_may_be_as_long_as_configured,
    tokens_may_be_as_long_as_configured,
    a_token_beyond_the_default_is_nobodys,
);

const LIMITS: &str = "[server.limits]\ntarget_bytes = 12000\ntoken_bytes = 300\n";

async fn targets_may_be_as_long_as_configured(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, LIMITS, &[("/", "")]).await;
    let target = |bytes: usize| format!("/?{}", "a".repeat(bytes - 2));
    for bytes in [8_193, 11_999, 12_000] {
        front.assert_status(&Ask::known(&target(bytes)), 200).await;
        assert_eq!(upstream.message().await.target.len(), bytes);
    }
    for bytes in [12_001, 20_000] {
        front.assert_status(&Ask::known(&target(bytes)), 414).await;
        upstream.assert_untouched();
    }
}

async fn tokens_may_be_as_long_as_configured(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, LIMITS, &[("/", "")]).await;
    for (bytes, calls) in [(300, 1), (301, 1), (1024, 1)] {
        assert_unknown(&front, bytes).await;
        assert_eq!(front.gate.calls(), calls, "{bytes}");
        upstream.assert_untouched();
    }
}

async fn a_token_beyond_the_default_is_nobodys(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (bytes, calls) in [(513, 1), (1024, 2), (1025, 2), (20_000, 2)] {
        assert_unknown(&front, bytes).await;
        assert_eq!(front.gate.calls(), calls, "{bytes}");
        upstream.assert_untouched();
    }
}

/// Fails unless a made-up token of so many bytes is answered like any other.
async fn assert_unknown(front: &crate::carrier::Front, bytes: usize) {
    let ask = Ask::get("/").line("Authorization", format!("Bearer {}", "a".repeat(bytes)));
    let answer = front.answer(&ask).await;
    assert_eq!(answer.status, 401, "{bytes}");
    let challenge = answer.all("www-authenticate").concat();
    assert!(challenge.contains("invalid_token"), "{challenge}");
}
