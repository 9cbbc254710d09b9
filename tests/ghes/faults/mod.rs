//! A gate, a GHES, and trouble on the way between them.

mod memory;
mod pipe;
mod scenarios;
mod sockets;

use std::convert::Infallible;

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::CheckService;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::validator::Validator;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

type Gate = BoxCloneSyncService<Request<()>, Response<()>, Infallible>;

/// A gate in front of an inner service that answers with nothing.
fn gate<C: CheckService>(validator: Validator<C>) -> Gate {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    BoxCloneSyncService::new(GatekeeperLayer::new(validator).layer(inner))
}

/// A token that nobody has seen before.
fn mint(ghes: &Emulator) -> String {
    let token = ghes.mint(CLIENT_ID, "octocat", &[], None);
    token.expect("a token")
}

async fn status(gate: &Gate, token: &str) -> u16 {
    let credential = format!("Bearer {token}");
    let request = Request::get("/").header("authorization", credential);
    let request = request.body(()).expect("a request");
    let Ok(response) = gate.clone().oneshot(request).await;
    response.status().as_u16()
}
