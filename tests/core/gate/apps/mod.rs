//! Several apps behind one gate: who is asked about a token, in which order, and whose answer counts.

mod agreement;
mod emulated;
mod failures;
mod memberships;
mod order;
mod reference;
mod scripted;

use std::convert::Infallible;

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckErrorKind, InactiveReason, Verdict};
use ghes_gatekeeper::identity::Identity;
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{CacheOptions, Freshness, ValidatorBuilder, Validators};
use http::{Request, Response};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

use self::scripted::{App, Check, Said};
use super::{bearer, seconds, settle};

const UNKNOWN: Said = Ok(Verdict::Inactive(InactiveReason::Unknown));
const OUTAGE: Said = Err(CheckErrorKind::Connect);
const WRONG_SECRET: Said = Err(CheckErrorKind::CredentialsRefused);

/// A gate for several apps, whose answers are the test's.
struct World {
    apps: Vec<App>,
    validators: Validators<Check>,
    gate: BoxCloneService<Request<()>, Response<()>, Infallible>,
}

impl World {
    fn new(apps: Vec<App>) -> Self {
        Self::with_cache(CacheOptions::default(), apps)
    }

    fn with_cache(options: CacheOptions, apps: Vec<App>) -> Self {
        Self::build(apps, |app| app.with_cache(options), |layer| layer)
    }

    /// How many may wait for one app.
    fn with_max_waiting(most: usize, apps: Vec<App>) -> Self {
        Self::build(apps, |app| app.with_max_waiting(most, most), |layer| layer)
    }

    fn with_layer(
        apps: Vec<App>,
        change: impl FnOnce(GatekeeperLayer<Check>) -> GatekeeperLayer<Check>,
    ) -> Self {
        Self::build(apps, |app| app, change)
    }

    fn build(
        apps: Vec<App>,
        change_app: impl Fn(ValidatorBuilder<Check>) -> ValidatorBuilder<Check>,
        change: impl FnOnce(GatekeeperLayer<Check>) -> GatekeeperLayer<Check>,
    ) -> Self {
        let mut all = apps.iter().map(|app| change_app(app.validator()).build());
        let first = Validators::from(all.next().expect("an app"));
        let validators = all.fold(first, Validators::or);
        let layer = change(GatekeeperLayer::new(validators.clone()));
        let gate = BoxCloneService::new(layer.layer(service_fn(echo)));
        Self {
            apps,
            validators,
            gate,
        }
    }

    async fn send(&self, token: &str) -> Seen {
        let Ok(response) = self.gate.clone().oneshot(bearer(token)).await;
        Seen::of(&response)
    }

    /// How often each app has asked since the last time.
    fn calls(&self) -> Vec<u64> {
        self.apps.iter().map(App::take_calls).collect()
    }
}

/// An inner service that tells whom it was told of, and by which app.
async fn echo(request: Request<()>) -> Result<Response<()>, Infallible> {
    let extensions = request.extensions();
    let mut response = Response::new(());
    let told = response.extensions_mut();
    told.insert(extensions.get::<Identity>().expect("an identity").clone());
    if let Some(freshness) = extensions.get::<Freshness>() {
        told.insert(*freshness);
    }
    Ok(response)
}

/// What comes of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Seen {
    /// It is let in as somebody with a token of this app.
    In { app: String, is_stale: bool },
    /// It is turned away, with a challenge or without.
    Out { status: u16, is_challenged: bool },
}

const NO: Seen = Seen::Out {
    status: 401,
    is_challenged: true,
};
const NO_ANSWER: Seen = Seen::Out {
    status: 503,
    is_challenged: false,
};

impl Seen {
    fn of(response: &Response<()>) -> Self {
        let told = response.extensions();
        match told.get::<Identity>() {
            Some(identity) => Self::In {
                app: identity.client_id().to_owned(),
                is_stale: told.get() == Some(&Freshness::Stale),
            },
            None => Self::Out {
                status: response.status().as_u16(),
                is_challenged: response.headers().contains_key("www-authenticate"),
            },
        }
    }
}

fn by(app: &App) -> Seen {
    Seen::In {
        app: app.client_id().to_owned(),
        is_stale: false,
    }
}

fn no(reason: InactiveReason) -> Said {
    Ok(Verdict::Inactive(reason))
}

fn token() -> AccessToken {
    AccessToken::new("gho_a")
}
