//! The whole gate in front of such a GHES, and the people who pass it.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::membership::Group;
use ghes_gatekeeper::policy::RequireGroup;
use ghes_gatekeeper::protection::{Protection, ProtectionMonitor};
use ghes_gatekeeper::validator::Validator;
use http::{Request, Response};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

use super::ghes::{Asked, CLIENT_ID, Ghes, Oddity, SECRET};

/// A gate for members of `octo-org`, or for everybody with a good token.
pub(crate) struct Gate {
    pub(crate) ghes: Ghes,
    pub(crate) monitor: ProtectionMonitor,
    service: BoxCloneSyncService<Request<()>, Response<Bytes>, Infallible>,
}

impl Gate {
    pub(crate) fn new(people: usize, asked: Asked) -> Self {
        let ghes = Ghes::new(people, asked);
        let url = "http://ghes.test".parse().expect("a URL");
        let client = GhesClient::new(&url, &App::new(CLIENT_ID, SECRET), ghes.clone());
        let client = client.expect("an app");
        let (check, memberships, monitor) =
            Protection::new().protect_with_memberships(client.clone(), [], client);
        let validator = Validator::builder(check)
            .with_memberships(memberships)
            .build();
        let layer = GatekeeperLayer::new(validator);
        let group: Group = "octo-org".parse().expect("a group");
        let layer = match asked {
            Asked::Check => layer,
            Asked::Membership => layer.with_policy(RequireGroup::new(group)),
        };
        let inner = service_fn(async |_: Request<()>| Ok(Response::new(Bytes::new())));
        Self {
            ghes,
            monitor,
            service: BoxCloneSyncService::new(layer.layer(inner)),
        }
    }

    /// Sends a request in a task of its own.
    pub(crate) fn knock(&self, token: &str) -> JoinHandle<Told> {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let request = request.body(()).expect("a request");
        let answer = self.service.clone().oneshot(request);
        tokio::spawn(async move {
            let Ok(response) = answer.await;
            let retry_after = response.headers().get("retry-after");
            Told {
                status: response.status().as_u16(),
                retry_after: retry_after.map(|wait| {
                    let wait = wait.to_str().expect("ASCII");
                    wait.parse().expect("seconds")
                }),
            }
        })
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
}

/// What everybody was told in half a minute.
pub(crate) struct HalfAMinute {
    /// Those of whom another one came each second.
    pub(crate) others: Vec<Told>,
    pub(crate) odd: Vec<Told>,
    /// Calls that were spoiled, and those that were not.
    pub(crate) calls: (u64, u64),
}

/// One person is odd, and asks `rate` times a second; another one of 30 comes each second. Where
/// they are known, all were let in before, longer ago than answers are trusted.
pub(crate) async fn half_a_minute(
    oddity: Oddity,
    asked: Asked,
    rate: u32,
    is_known: bool,
) -> HalfAMinute {
    let gate = Gate::new(OTHERS + 1, asked);
    let tokens: Vec<_> = (0..=OTHERS)
        .map(|person| gate.ghes.token_of(person))
        .collect();
    let (odd, others) = tokens.split_first().expect("the odd one");
    if is_known {
        for token in &tokens {
            assert_eq!(gate.knock(token).await.expect("no panic").status, 200);
        }
        sleep(LONGER_THAN_TRUSTED).await;
    }
    gate.ghes.spoil(oddity, Some(odd));
    let (spoiled, other_calls) = gate.ghes.calls();
    let (mut told_odd, mut told_others) = (Vec::new(), Vec::new());
    for other in others {
        for knock in 0..rate {
            told_odd.push(gate.knock(odd));
            sleep(Duration::from_secs(1) / rate).await;
            if knock == rate / 2 {
                told_others.push(gate.knock(other));
            }
        }
    }
    let (others, odd) = (all(told_others).await, all(told_odd).await);
    let calls = gate.ghes.calls();
    HalfAMinute {
        others,
        odd,
        calls: (calls.0 - spoiled, calls.1 - other_calls),
    }
}

pub(crate) async fn all(knocks: Vec<JoinHandle<Told>>) -> Vec<Told> {
    let mut told = Vec::with_capacity(knocks.len());
    for knock in knocks {
        told.push(knock.await.expect("no panic"));
    }
    told
}

/// As many as come in half a minute, one a second.
pub(crate) const OTHERS: usize = 30;

/// Of tokens and memberships alike, with the tenth that chance may add.
const LONGER_THAN_TRUSTED: Duration = Duration::from_secs(70);
