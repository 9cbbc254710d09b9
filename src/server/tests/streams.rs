use super::frames::{
    END_HEADERS, END_STREAM, GET_HEAD, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame,
};
use super::*;

/// A client that sends several requests at once, each answered after this long.
async fn asking(streams: u32, after: Duration) -> Client {
    let mut client = Client::speaking(true, 64 * PIPE_BYTES, 0, after);
    let mut begun = PREFACE.to_vec();
    begun.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in 0..streams {
        let flags = END_STREAM | END_HEADERS;
        begun.extend(frame(HEADERS, flags, 2 * stream + 1, GET_HEAD));
    }
    client.stream.write_all(&begun).await.expect("a server");
    client
}

#[tokio::test(start_paused = true)]
async fn e7_a_connection_has_so_many_streams_and_not_one_more() {
    let most = Limits::default().streams_per_connection.get();
    for (streams, refused) in [(most, 0), (most + 1, 1)] {
        let mut client = asking(streams, seconds(5)).await;
        let mut frames = vec![0; 64 * PIPE_BYTES];
        let mut read = 0;
        // Everything that arrives before the first of them is answered.
        let reading = async {
            loop {
                read += client
                    .stream
                    .read(&mut frames[read..])
                    .await
                    .expect("a server");
            }
        };
        let _ = timeout(seconds(2), reading).await;
        let refusal = frame(RST_STREAM, 0, 2 * streams - 1, &REFUSED_STREAM);
        let seen = frames[..read].windows(refusal.len());
        assert_eq!(seen.filter(|seen| *seen == refusal).count(), refused);
    }
}

/// A client that has vanished, and has sent slow requests.
#[tokio::test(start_paused = true)]
async fn e3_who_answers_no_ping_is_let_go() {
    let mut client = asking(1, seconds(600)).await;
    let mut rest = Vec::new();
    let _ = client.stream.read_to_end(&mut rest).await;
    assert_eq!(client.connected_at.elapsed().as_secs(), 30);
}

const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
