//! A gate that is away, and one that waits.

use std::time::Duration;

use ghes_gatekeeper::emulator::Fault;

use crate::TOKEN;
use crate::fronts::Front;
use crate::scene::Scene;

every_front!(
    without_a_gate_nothing_passes,
    who_is_not_known_yet_may_take_as_long_as_ghes_does,
);

async fn without_a_gate_nothing_passes(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    assert_eq!(scene.send("GET /wiki", &[&known]).await.status(), 200);
    scene.tool.forget();
    scene.stop_gate().await;
    for (line, lines) in [
        ("GET /wiki", &[&*known][..]),
        ("GET /wiki", &[]),
        ("GET /open/x", &[]),
        ("POST /admin", &[&*known, "Content-Length: 0"]),
    ] {
        let answer = scene.send(line, lines).await;
        let expected = front.habits().status_without_gate;
        assert_eq!(answer.status(), expected, "{line}: {answer:?}");
        scene.tool.assert_untouched();
    }
}

/// Envoy's own patience of 200 ms would be an outage for everybody who is new.
async fn who_is_not_known_yet_may_take_as_long_as_ghes_does(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let (bearer, _) = scene.bearer("octocat", &[]);
    scene.ghes.fail(Fault::slow(Duration::from_millis(1500)));
    let answer = scene.send("GET /wiki", &[&bearer]).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    scene.tool.request();
}
