//! A GHES of many people that answers oddly about one of them, or about all.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::emulator::{Emulator, World};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::sleep;
use tower::{Service, ServiceExt};

pub(crate) const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
pub(crate) const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// An answer that GHES does not document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Oddity {
    ServerError,
    ErrorPage,
    /// A 404 that is not GHES's.
    OtherNotFound,
    LoginPage,
    UnknownState,
    EmptyScope,
    ScopeOfTwo,
    ExpiryInUtc,
    ExpiryWithoutZone,
    UnreadableExpiry,
    /// A login that no header can hold.
    OtherLetters,
    OtherToken,
    OtherPerson,
    /// An answer that comes after all patience.
    TooLate,
    Dropped,
}

impl Oddity {
    pub(crate) const OF_CHECKS: [Self; 13] = [
        Self::ServerError,
        Self::ErrorPage,
        Self::OtherNotFound,
        Self::LoginPage,
        Self::EmptyScope,
        Self::ScopeOfTwo,
        Self::ExpiryInUtc,
        Self::ExpiryWithoutZone,
        Self::UnreadableExpiry,
        Self::OtherLetters,
        Self::OtherToken,
        Self::TooLate,
        Self::Dropped,
    ];

    pub(crate) const OF_MEMBERSHIPS: [Self; 8] = [
        Self::ServerError,
        Self::ErrorPage,
        Self::OtherNotFound,
        Self::LoginPage,
        Self::UnknownState,
        Self::OtherPerson,
        Self::TooLate,
        Self::Dropped,
    ];

    /// What the odd person's clients are told; all others are let in.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::EmptyScope | Self::ExpiryInUtc | Self::ExpiryWithoutZone => 200,
            Self::UnknownState => 403,
            _ => 503,
        }
    }

    fn spoil(self, truth: &str) -> Response<Full<Bytes>> {
        let html = "<html>Whoops</html>";
        let (status, body) = match self {
            Self::ServerError => (500, r#"{"message":"Server Error"}"#.to_owned()),
            Self::ErrorPage => (502, html.to_owned()),
            Self::OtherNotFound => (404, html.to_owned()),
            Self::LoginPage => (200, html.to_owned()),
            Self::UnknownState => (200, with(truth, "state", r#""state":"suspended""#)),
            Self::EmptyScope => (200, with(truth, "scopes", r#""scopes":[""]"#)),
            Self::ScopeOfTwo => (200, with(truth, "scopes", r#""scopes":["repo, user"]"#)),
            Self::ExpiryInUtc => (200, expiring(truth, "2999-01-01 00:00:00 UTC")),
            Self::ExpiryWithoutZone => (200, expiring(truth, "2999-01-01T00:00:00")),
            Self::UnreadableExpiry => (200, expiring(truth, "tomorrow")),
            Self::OtherLetters => (200, with(truth, "login", r#""login":"höbot""#)),
            Self::OtherToken => {
                let other = r#""token_last_eight":"deadbeef""#;
                (200, with(truth, "token_last_eight", other))
            }
            Self::OtherPerson => (200, with(truth, "id", r#""id":4711"#)),
            Self::TooLate | Self::Dropped => (200, truth.to_owned()),
        };
        let mut response = Response::new(Full::from(body.clone()));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let content_type = match body.starts_with('<') {
            true => "text/html",
            false => "application/json; charset=utf-8",
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type.parse().expect("a value"));
        response
    }
}

fn expiring(truth: &str, at: &str) -> String {
    with(truth, "expires_at", &format!(r#""expires_at":"{at}""#))
}

/// The JSON with another value for each member of this name.
fn with(truth: &str, name: &str, member: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(truth).expect("JSON");
    let other: serde_json::Value = serde_json::from_str(&format!("{{{member}}}")).expect("JSON");
    let other = &other[name];
    for place in ["", "/user", "/user/organization"] {
        let Some(object) = value.pointer_mut(place) else {
            continue;
        };
        // The id of an authorization is nobody's.
        let is_persons = name != "id" || place == "/user";
        if let Some(member) = object.get_mut(name).filter(|_| is_persons) {
            *member = other.clone();
        }
    }
    value.to_string()
}

/// Which calls are spoiled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Check,
    Membership,
}

/// The emulated GHES, and what is odd about it. Clones share all.
#[derive(Clone)]
pub(crate) struct Ghes(Arc<Shared>);

struct Shared {
    emulator: Emulator,
    asked: Asked,
    oddity: Mutex<Option<Oddity>>,
    /// Whose calls are spoiled; without one, everybody's.
    odd: Mutex<Option<String>>,
    calls: AtomicU64,
    spoiled: AtomicU64,
}

impl Ghes {
    /// Of this many people, `p0` and so on, all of `octo-org`; nothing is odd yet.
    pub(crate) fn new(people: usize, asked: Asked) -> Self {
        let app = format!(
            "[[apps]]\nkind = \"github-app\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"{SECRET}\"\nname = \"gate\"\nurl = \"http://gate.test\"\n"
        );
        let user = |number: usize| {
            format!(
                "[[users]]\nlogin = \"p{number}\"\nid = {}\npassword = \"p\"\n\
                 orgs = [\"octo-org\"]\n",
                number + 1
            )
        };
        let toml = app + &(0..people).map(user).collect::<String>();
        let world = World::from_toml(&toml).expect("a world");
        Self(Arc::new(Shared {
            emulator: Emulator::new(world),
            asked,
            oddity: Mutex::default(),
            odd: Mutex::default(),
            calls: AtomicU64::new(0),
            spoiled: AtomicU64::new(0),
        }))
    }

    pub(crate) fn token_of(&self, person: usize) -> String {
        let login = format!("p{person}");
        let token = self.0.emulator.mint(CLIENT_ID, &login, &[], None);
        token.expect("a token")
    }

    /// Spoils from now on what is asked with this token, or about it; or all.
    pub(crate) fn spoil(&self, oddity: Oddity, token: Option<&str>) {
        *self.0.oddity.lock().expect("no panic") = Some(oddity);
        *self.0.odd.lock().expect("no panic") = token.map(str::to_owned);
    }

    /// How many calls were spoiled, and how many were not.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let spoiled = self.0.spoiled.load(Ordering::Relaxed);
        (spoiled, self.0.calls.load(Ordering::Relaxed) - spoiled)
    }

    fn oddity_for(&self, request: &Request<Bytes>) -> Option<Oddity> {
        let asked = match request.uri().path().contains("/memberships/") {
            true => Asked::Membership,
            false => Asked::Check,
        };
        let odd = self.0.odd.lock().expect("no panic");
        let is_odd = odd.as_ref().is_none_or(|token| {
            let credential = request.headers()["authorization"].to_str().expect("ASCII");
            let body = std::str::from_utf8(request.body()).expect("UTF-8");
            credential.contains(&**token) || body.contains(&**token)
        });
        let oddity = *self.0.oddity.lock().expect("no panic");
        oddity.filter(|_| is_odd && asked == self.0.asked)
    }

    async fn answer(
        self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, io::Error> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let request = Request::from_parts(head, body.to_bytes());
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let oddity = self.oddity_for(&request);
        let truth = self
            .0
            .emulator
            .clone()
            .oneshot(request.map(Full::<Bytes>::from));
        let Some(oddity) = oddity else {
            return truth.await.map_err(io::Error::other);
        };
        self.0.spoiled.fetch_add(1, Ordering::Relaxed);
        match oddity {
            Oddity::Dropped => return Err(ErrorKind::ConnectionReset.into()),
            Oddity::TooLate => sleep(Duration::from_secs(60)).await,
            _ => {}
        }
        let Ok(truth) = truth
            .await
            .map_err(io::Error::other)?
            .into_body()
            .collect()
            .await;
        let truth = truth.to_bytes();
        Ok(oddity.spoil(std::str::from_utf8(&truth).expect("UTF-8")))
    }
}

impl Service<Request<Full<Bytes>>> for Ghes {
    type Response = Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}
