use super::*;

const BAD: &str = "GET / HTTP/9.9\r\nHost: a\r\n\r\n";

/// A refusal is not mixed with the rest of the response before it.
#[tokio::test(start_paused = true)]
async fn a_refusal_waits_for_an_answer_that_is_read_slowly() {
    for bad in [BAD, "GET / HTTP/1.1\nHost: a\n\n", "\0\r\n\r\n"] {
        let mut client = Client::of(100_000, Duration::ZERO);
        client.send(&[GET, bad, GET].concat()).await;
        let mut all = Vec::new();
        while client
            .stream
            .read_buf(&mut all)
            .await
            .expect("a connection")
            > 0
        {
            sleep(Duration::from_millis(1)).await;
        }
        let all = String::from_utf8(all).expect("UTF-8");
        let (first, rest) = all.split_once("\r\n\r\n").expect("a head");
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        let rest = rest.strip_prefix(&"x".repeat(100_000)).expect("a body");
        assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
        assert!(rest.contains("application/problem+json"), "{rest}");
        assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_ahead_is_taken_up_as_soon_as_it_can() {
    for count in [2, 3, 20] {
        let mut client = Client::of(5, seconds(3));
        client.send(&GET.repeat(count)).await;
        let (mut all, mut answered) = (Vec::new(), 0);
        while answered < count {
            assert_ne!(client.stream.read_buf(&mut all).await.expect("bytes"), 0);
            answered = String::from_utf8_lossy(&all)
                .matches("HTTP/1.1 200 ")
                .count();
            let elapsed = client.connected_at.elapsed().as_secs();
            assert_eq!(elapsed, 3 * answered as u64);
        }
    }
}

/// Closing a socket with unread bytes resets it, and loses the response.
#[tokio::test(start_paused = true)]
async fn who_is_refused_may_send_on_for_a_while() {
    for bad in [BAD, "GET / HTTP/1.1\nHost: a\n\n", "\0\r\n\r\n"] {
        let mut client = Client::new();
        client.send(bad).await;
        client.send(&"x".repeat(20_000)).await;
        let mut answer = String::new();
        let read = client.stream.read_to_string(&mut answer).await;
        assert!(
            read.is_ok() && answer.starts_with("HTTP/1.1 400 "),
            "{answer}"
        );
        assert!(answer.ends_with('}'), "{answer}");
    }
}

/// A head that drips in is one head, and so is one after empty lines.
#[tokio::test(start_paused = true)]
async fn a_head_comes_in_whatever_pieces() {
    let mut client = Client::new();
    for text in [GET, "\r\n\r\nGET /?a<b HTTP/1.1\r\nHost: a\r\n\r\n", GET] {
        for byte in text.as_bytes() {
            let byte = std::str::from_utf8(std::slice::from_ref(byte)).expect("ASCII");
            client.send(byte).await;
            sleep(Duration::from_millis(1)).await;
        }
        let answer = client.response().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
