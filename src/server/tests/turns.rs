use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, ReadBuf};

use super::*;
use crate::server::connection::activity::Activity;
use crate::server::stream::watched::WatchedStream;
use crate::server::uptake::Uptake;

/// A client that sends faster than it is served does not keep others from their turn.
#[tokio::test]
async fn e6_a_connection_pauses_after_so_many_bytes() {
    let (mut client, far) = duplex(1 << 20);
    client.write_all(&[0; 100_000]).await.expect("room");
    let peer = Peer::from(SocketAddr::from(([192, 0, 2, 1], 1)));
    let server = Server::new(Limits::default(), Timeouts::default());
    let place = server
        .connections
        .take_now(peer, &server.trusted)
        .expect("the first");
    let activity = Activity::new(
        server.settings.load().timeouts,
        Uptake::default(),
        server.connections.clone(),
        true,
        Instant::now(),
    );
    let mut stream = WatchedStream::new(Box::new(far), Arc::clone(&activity), place);
    let mut turns = Vec::new();
    // A connection that pauses is woken again, or this would hang.
    while turns.iter().sum::<usize>() < 100_000 {
        let mut turn = 0;
        poll_fn(|cx| {
            loop {
                let mut bytes = [0; 4096];
                let mut buf = ReadBuf::new(&mut bytes);
                match Pin::new(&mut stream).poll_read(cx, &mut buf) {
                    Poll::Ready(read) => read.expect("a connection"),
                    Poll::Pending if turn == 0 => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(()),
                }
                turn += buf.filled().len();
                if turn + turns.iter().sum::<usize>() == 100_000 {
                    return Poll::Ready(());
                }
            }
        })
        .await;
        turns.push(turn);
    }
    assert_eq!(turns[..6], [16_384; 6]);
}
