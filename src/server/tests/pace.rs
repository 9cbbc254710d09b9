use super::*;

#[tokio::test(start_paused = true)]
async fn e4_a_client_has_so_long_for_its_first_head() {
    for beginning in [
        "",
        "\r\n",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: a\r\nx-slow",
    ] {
        let mut client = Client::new();
        client.send(beginning).await;
        assert_eq!(client.closed_after().await, 10, "{beginning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn e3_a_head_that_drips_is_not_waited_for() {
    let mut client = Client::new();
    for byte in GET.chars() {
        sleep(seconds(1)).await;
        let text = byte.to_string();
        if client.stream.write_all(text.as_bytes()).await.is_err() {
            break;
        }
    }
    assert_eq!(client.connected_at.elapsed().as_secs(), 11, "one byte late");
}

#[tokio::test(start_paused = true)]
async fn between_requests_a_connection_may_rest_for_longer() {
    let mut client = Client::new();
    for _ in 0..3 {
        sleep(seconds(9)).await;
        assert!(client.exchange(GET).await.starts_with("HTTP/1.1 200 "));
        sleep(seconds(50)).await;
        assert!(client.exchange(GET).await.starts_with("HTTP/1.1 200 "));
    }
    let rested_from = client.connected_at.elapsed().as_secs();
    assert_eq!(client.closed_after().await, rested_from + 60);
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_its_time_from_its_first_byte() {
    let mut client = Client::new();
    client.exchange(GET).await;
    sleep(seconds(30)).await;
    client.send("GET / HT").await;
    assert_eq!(client.closed_after().await, 40);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_as_long_as_it_takes() {
    let mut client = Client::of(0, seconds(600));
    assert!(client.exchange(GET).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(client.closed_after().await, 660);
}

#[tokio::test(start_paused = true)]
async fn e3_a_client_that_reads_nothing_is_let_go() {
    let mut client = Client::of(100 * PIPE_BYTES, Duration::ZERO);
    client.send(GET).await;
    sleep(seconds(29)).await;
    // Reading frees the pipe, and the time starts again.
    let mut piece = vec![0; PIPE_BYTES];
    client.stream.read_exact(&mut piece).await.expect("bytes");
    sleep(seconds(29)).await;
    client.stream.read_exact(&mut piece).await.expect("bytes");
    sleep(seconds(31)).await;
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).await.expect("an end");
    assert!(rest.len() <= PIPE_BYTES, "{}", rest.len());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_everything() {
    let mut client = Client::of(10 * PIPE_BYTES, Duration::ZERO);
    client.send(GET).await;
    let mut got = 0;
    while got < 10 * PIPE_BYTES {
        sleep(seconds(20)).await;
        let mut piece = vec![0; PIPE_BYTES];
        got += client.stream.read(&mut piece).await.expect("bytes");
    }
}
