//! A proxy that spoils what passes through it, byte by byte, over memory or sockets alike.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

/// What is wrong with the way to GHES.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    None,
    /// Answers come late.
    Latency(Duration),
    /// Connections break as soon as something is sent.
    Reset,
    /// Connections stay open, and nothing comes back.
    Blackhole,
    /// Answers end in the middle.
    Truncate,
    /// Answers have wrong bytes.
    Corrupt,
    /// Answers come a byte at a time, too slowly to be waited for.
    Drip,
    /// No connection can be made.
    Refuse,
}

/// All kinds of trouble in which no answer is to be had.
pub(crate) const OUTAGES: [Trouble; 7] = [
    Trouble::Latency(Duration::from_secs(10)),
    Trouble::Reset,
    Trouble::Blackhole,
    Trouble::Truncate,
    Trouble::Corrupt,
    Trouble::Drip,
    Trouble::Refuse,
];

/// Carries bytes both ways until one side ends or trouble ends it.
pub(crate) async fn carry(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    trouble: watch::Receiver<Trouble>,
) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let asks = async {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut chunk).await {
            if *trouble.borrow() == Trouble::Reset {
                return;
            }
            if to_server.write_all(&chunk[..length]).await.is_err() {
                return;
            }
        }
    };
    let answers = async {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from_server.read(&mut chunk).await {
            let now = *trouble.borrow();
            if !answer(&mut to_client, &mut chunk[..length], now).await {
                return;
            }
        }
    };
    tokio::select! {
        () = asks => {}
        () = answers => {}
    }
}

/// Passes on a piece of an answer as the trouble will have it; false ends the connection.
async fn answer(client: &mut (impl AsyncWrite + Unpin), piece: &mut [u8], now: Trouble) -> bool {
    match now {
        Trouble::None => {}
        Trouble::Latency(late) => tokio::time::sleep(late).await,
        Trouble::Reset | Trouble::Refuse => return false,
        Trouble::Blackhole => return true,
        Trouble::Truncate => {
            let _ = client.write_all(&piece[..piece.len() / 2]).await;
            return false;
        }
        // Every seventh byte: of the head as well as of the body.
        Trouble::Corrupt => piece.iter_mut().step_by(7).for_each(|byte| *byte ^= 0x15),
        Trouble::Drip => {
            for byte in piece {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if client.write_all(&[*byte]).await.is_err() {
                    return false;
                }
            }
            return true;
        }
    }
    client.write_all(piece).await.is_ok()
}
