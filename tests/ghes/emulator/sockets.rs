//! The emulator over a loopback socket.
use std::net::SocketAddr;

use ghes_gatekeeper::emulator::{Emulator, Fault};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves the emulator until the test's runtime ends.
pub(crate) async fn serve(ghes: Emulator) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(ghes.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

#[tokio::test]
async fn dropped_exchange_closes_the_connection_without_a_byte() {
    let ghes = Emulator::default();
    ghes.fail(Fault::dropped());
    let mut stream = TcpStream::connect(serve(ghes).await).await.unwrap();
    let request =
        b"POST /api/v3/applications/x/token HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}
