use super::*;

#[tokio::test(start_paused = true)]
async fn an_idle_connection_has_a_second_for_what_it_was_about_to_send() {
    let mut client = Client::new();
    client.exchange(GET).await;
    sleep(seconds(5)).await;
    client.drainage.order();
    assert_eq!(client.closed_after().await, 6);

    let mut client = Client::new();
    client.exchange(GET).await;
    client.drainage.order();
    sleep(Duration::from_millis(900)).await;
    let last = client.exchange(GET).await;
    assert!(last.starts_with("HTTP/1.1 200 "), "{last}");
    assert!(last.contains("connection: close\r\n"), "{last}");
    assert_eq!(client.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_does_not_hold_up_the_end() {
    let mut client = Client::new();
    sleep(seconds(2)).await;
    client.drainage.order();
    assert_eq!(client.closed_after().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_answered_and_is_the_last() {
    let mut client = Client::of(0, seconds(8));
    client.send(GET).await;
    sleep(seconds(1)).await;
    client.drainage.order();
    let last = client.response().await;
    assert!(last.contains("connection: close\r\n"), "{last}");
    assert_eq!(client.closed_after().await, 8);
    client.drainage.done().await;
}
