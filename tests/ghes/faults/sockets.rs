//! The same trouble over loopback sockets, with the product's own transport.

use std::net::SocketAddr;
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesClient, HttpsTransport};
use ghes_gatekeeper::protection::Protection;
use ghes_gatekeeper::validator::Validator;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::pipe::{OUTAGES, Trouble, carry};
use super::{CLIENT_ID, Gate, SECRET, gate, mint, status};

/// Serves an emulated GHES; returns where.
async fn serve(ghes: Emulator) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ghes = TowerToHyperService::new(ghes.clone());
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), ghes));
        }
    });
    address
}

/// Stands before `server` and makes trouble; returns where.
async fn trouble_before(server: SocketAddr, mut trouble: watch::Receiver<Trouble>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut listener = Some(listener);
        loop {
            let refuses = *trouble.borrow_and_update() == Trouble::Refuse;
            listener = match listener {
                // Without a listener the kernel refuses, as it does for a process that is gone.
                Some(_) if refuses => None,
                None if !refuses => Some(TcpListener::bind(address).await.expect("the port")),
                other => other,
            };
            let accepted = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Ok((client, _)) = accepted => {
                    let server = TcpStream::connect(server).await.expect("a connection");
                    tokio::spawn(carry(client, server, trouble.clone()));
                }
                changed = trouble.changed() => if changed.is_err() { return },
            }
        }
    });
    address
}

async fn world() -> (Emulator, Gate, watch::Sender<Trouble>) {
    let ghes = Emulator::default();
    let (trouble, receiver) = watch::channel(Trouble::None);
    let address = trouble_before(serve(ghes.clone()).await, receiver).await;
    let url = format!("http://{address}").parse().expect("a URL");
    let transport = HttpsTransport::new().expect("a transport");
    let app = App::new(CLIENT_ID, SECRET);
    let client = GhesClient::new(&url, &app, transport).expect("an app");
    let client = client.with_timeout(Duration::from_millis(300));
    let (check, _) = Protection::new().protect(client, []);
    (ghes, gate(Validator::new(check)), trouble)
}

#[tokio::test]
async fn every_trouble_spares_the_known_and_ends_with_its_cause() {
    for outage in OUTAGES {
        let (ghes, gate, trouble) = world().await;
        let known = mint(&ghes);
        assert_eq!(status(&gate, &known).await, 200);

        trouble.send_replace(outage);
        for _ in 0..6 {
            assert_eq!(status(&gate, &mint(&ghes)).await, 503, "{outage:?}");
            assert_eq!(status(&gate, &known).await, 200, "{outage:?}");
        }

        trouble.send_replace(Trouble::None);
        let over_since = Instant::now();
        while status(&gate, &mint(&ghes)).await != 200 {
            assert!(over_since.elapsed() < Duration::from_secs(1), "{outage:?}");
            tokio::task::yield_now().await;
        }
    }
}
