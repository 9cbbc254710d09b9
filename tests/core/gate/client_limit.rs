//! A client that brings one unknown token after another has to wait; nobody who is known has.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use ghes_gatekeeper::gatekeeper::{ClientAddr, ClientLimit};
use http::{Request, StatusCode};

use super::{TOKEN, World, bearer, header, seconds};

fn world() -> World {
    let number = |number| NonZeroU32::new(number).expect("a number");
    let limit = ClientLimit::per_second(number(1)).with_burst(number(3));
    World::with_layer(|layer| layer.with_client_limit(limit))
}

fn from(client: &str, token: &str) -> Request<()> {
    let mut request = bearer(token);
    let client = ClientAddr(client.parse().expect("an address"));
    request.extensions_mut().insert(client);
    request
}

async fn status(world: &World, client: &str, token: &str) -> u16 {
    world.send(from(client, token)).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_guesses_waits_and_others_do_not() {
    let world = world();
    assert_eq!(status(&world, "192.0.2.1", TOKEN).await, 200);
    for guess in 0..2 {
        assert_eq!(
            status(&world, "192.0.2.1", &format!("gho_{guess}")).await,
            401
        );
    }
    let told = world.send(from("192.0.2.1", "gho_3")).await;
    assert_eq!(told.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&told, "retry-after"), Some("1"));
    assert_eq!(header(&told, "www-authenticate"), None);
    assert_eq!(world.calls(), 3);

    // Known, refused lately, another client, no address at all: nobody waits for the guesser.
    assert_eq!(status(&world, "192.0.2.1", TOKEN).await, 200);
    assert_eq!(status(&world, "192.0.2.1", "gho_0").await, 401);
    assert_eq!(status(&world, "192.0.2.2", "gho_3").await, 401);
    assert_eq!(world.status("gho_4").await, 401);

    tokio::time::advance(seconds(1)).await;
    assert_eq!(status(&world, "192.0.2.1", "gho_5").await, 401);
}

#[tokio::test(start_paused = true)]
async fn who_was_known_lately_does_not_count() {
    let world = world();
    assert_eq!(status(&world, "192.0.2.1", TOKEN).await, 200);
    for guess in 0..2 {
        status(&world, "192.0.2.1", &format!("gho_{guess}")).await;
    }
    tokio::time::advance(seconds(60)).await;
    for guess in 2..5 {
        status(&world, "192.0.2.1", &format!("gho_{guess}")).await;
    }
    assert_eq!(status(&world, "192.0.2.1", "gho_5").await, 429);
    assert_eq!(status(&world, "192.0.2.1", TOKEN).await, 200);
}

#[tokio::test(start_paused = true)]
async fn many_requests_with_one_unknown_token_count_once() {
    let world = world();
    let requests = (0..1_000).map(|_| status(&world, "192.0.2.1", TOKEN));
    assert_eq!(join_all(requests).await, [200; 1_000]);
    assert_eq!(world.calls(), 1);
}

/// They cause no call, so they are nobody's turn.
#[tokio::test(start_paused = true)]
async fn kinds_that_are_never_checked_take_no_turn() {
    let world = world();
    for number in 0..10 {
        let personal = format!("ghp_{number}");
        assert_eq!(status(&world, "192.0.2.1", &personal).await, 401);
    }
    assert_eq!(status(&world, "192.0.2.1", TOKEN).await, 200);
}
