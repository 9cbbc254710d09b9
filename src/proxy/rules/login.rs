use std::pin::Pin;
use std::sync::Arc;

use http::header::{HOST, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION};
use http::{HeaderValue, Request, Response};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};

use super::RuleSet;
use super::admissions::Admissions;
use super::routes::Found;
use crate::bearer::{BearerOptions, subprotocol};
use crate::config::{Admittance, Config, RouteConfig, SessionConfig};
use crate::ghes::HttpsTransport;
use crate::hygiene::provenance::Hop;
use crate::policy::AnyUser;
use crate::protection::ProtectedCheck;
use crate::proxy::runtime::Runtime;
use crate::proxy::runtime::secret_files::{SecretFiles, WatchedSecret};
use crate::rejection::RejectionDetail;
use crate::session::browser::is_navigation;
use crate::session::cookie::strip;
use crate::session::{
    Accounts, App, Endpoint, Keys, NamedGroups, Opens, Options, Sessions, Visit, Visitor, now,
};
use crate::upstream::body::Body;
use crate::upstream::{is_handshake, note_handshake};
use crate::validator::Purge;

/// How browsers log in, by one configuration.
#[derive(Clone)]
pub(in crate::proxy) struct Login {
    pub(in crate::proxy) sessions: Sessions,
    pub(in crate::proxy) accounts: Arc<dyn Accounts>,
    _watched: Arc<Vec<WatchedSecret>>,
}

impl Login {
    /// # Panics
    ///
    /// Panics if the app of the login is none of the configuration, as in none that was read.
    pub(in crate::proxy) fn new(
        config: &Config,
        session: &SessionConfig,
        admissions: &Admissions<'_>,
        runtime: &Runtime,
    ) -> Self {
        let texts = session.keys.iter().map(|key| key.key.clone()).collect();
        let texts: Arc<Mutex<Vec<SecretString>>> = Arc::new(Mutex::new(texts));
        let keys = keys_of(&texts.lock()).expect("keys that were read are long enough");
        let sessions = Sessions::new(options(config, session), keys, runtime.used.clone());
        let watched = watch(session, &sessions, &texts, &runtime.secret_files);
        Self {
            accounts: Arc::new(app(config, session, admissions, runtime)),
            sessions,
            _watched: Arc::new(watched),
        }
    }
}

/// A browser that waits for an answer to a request for a route with a login.
pub(in crate::proxy) struct Visiting {
    sessions: Sessions,
    visitor: Box<Visitor>,
}

impl Login {
    /// Returns the endpoint that a browser asks for, if it does.
    pub(in crate::proxy) fn endpoint(&self, host: &HeaderValue, path: &str) -> Option<Endpoint> {
        let is_ours = host.to_str().is_ok_and(|host| self.sessions.has(host));
        is_ours.then(|| self.sessions.endpoint(path))?
    }

    /// Returns the endpoint that a trusted proxy sends a browser to, and the browser's host.
    pub(in crate::proxy) fn asked_by<B>(
        &self,
        request: &Request<B>,
        peer: &Hop,
        rules: &RuleSet,
    ) -> Option<(Endpoint, HeaderValue)> {
        // Of the fields about it, some proxies pass on what clients write.
        let host = match request.uri().authority() {
            Some(authority) => HeaderValue::from_str(authority.as_str()).ok()?,
            None => request.headers().get(HOST)?.clone(),
        };
        let endpoint = self.endpoint(&host, request.uri().path())?;
        rules.fronts.trust(peer).then_some((endpoint, host))
    }

    /// Answers a request for an endpoint.
    pub(in crate::proxy) fn answer<B>(
        &self,
        endpoint: Endpoint,
        host: &HeaderValue,
        request: Request<B>,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let login = self.clone();
        let host = host.to_str().unwrap_or_default().to_owned();
        let navigates = is_navigation(&request);
        let (head, _) = request.into_parts();
        Box::pin(async move {
            let visit = Visit {
                host: &host,
                headers: &head.headers,
                query: head.uri.query().unwrap_or_default(),
                navigates,
                now: now(),
            };
            let Self {
                sessions, accounts, ..
            } = &login;
            let answered = sessions.answer(endpoint, &head.method, &visit, &**accounts);
            answered.await.map(Body::Own)
        })
    }

    /// Has the gate judge the session of a browser, if the route takes one. Whatever the route, no
    /// tool sees our cookies.
    pub(in crate::proxy) fn enter<B: http_body::Body>(
        &self,
        found: &Found<'_>,
        host: Option<&HeaderValue>,
        request: &mut Request<B>,
    ) -> Result<Option<Box<Visiting>>, RejectionDetail> {
        if !found.route.logs_in || found.is_preflight {
            strip(request.headers_mut());
            return Ok(None);
        }
        // A proxy that asks about a request has removed what makes it a handshake.
        note_handshake(request);
        let visitor = self.sessions.enter(request, host, opens(request))?;
        Ok(visitor.map(|visitor| {
            Box::new(Visiting {
                sessions: self.sessions.clone(),
                visitor,
            })
        }))
    }
}

impl Visiting {
    /// Puts the page for a person in place of a rejection, and keeps all else for them alone.
    pub(in crate::proxy) fn show(&self, response: &mut Response<Body>) {
        self.sessions.show_page(&self.visitor, response, Body::Own);
    }
}

fn opens<B: http_body::Body>(request: &Request<B>) -> Opens {
    let headers = request.headers();
    if !is_handshake(request) && !headers.contains_key(SEC_WEBSOCKET_VERSION) {
        return Opens::Nothing;
    }
    let offers = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    match offers && subprotocol::take(&mut headers.clone()).is_some() {
        true => Opens::StreamByToken,
        false => Opens::Stream,
    }
}

fn options(config: &Config, session: &SessionConfig) -> Options {
    let (scheme, login_host) = session.login_url.origin();
    let mut servers = config.ghes.iter();
    let server = servers.find(|ghes| ghes.name == session.ghes);
    let server = server.expect("people log in at a server of the configuration");
    let routes = config.routes.iter().filter(|route| route.login);
    Options {
        scheme: scheme.to_owned(),
        login_host: login_host.to_ascii_lowercase(),
        hosts: routes
            .flat_map(|route| &route.matches.hosts)
            .map(|host| host.as_str().into())
            .collect(),
        server: session.ghes.clone(),
        authorize: format!("{}/login/oauth/authorize", server.url),
        client_id: session.client_id.clone(),
        scopes: session
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        max_age: session.max_age,
        prefix: session.prefix.as_str().to_owned(),
    }
}

/// Has each key read again when its file changes.
fn watch(
    session: &SessionConfig,
    sessions: &Sessions,
    texts: &Arc<Mutex<Vec<SecretString>>>,
    files: &SecretFiles,
) -> Vec<WatchedSecret> {
    let watched = session.keys.iter().enumerate().filter_map(|(at, key)| {
        let (sessions, texts) = (sessions.clone(), Arc::clone(texts));
        let name = format!("session.key_files[{at}]");
        files.watch(name.clone(), Some(&key.file), move |key| {
            let mut texts = texts.lock();
            let mut tried = texts.clone();
            tried[at] = key;
            match keys_of(&tried) {
                Some(keys) => {
                    sessions.replace_keys(keys);
                    *texts = tried;
                }
                None => tracing::error!("{name}: the key is too short; the last stays in force"),
            }
        })
    });
    watched.collect()
}

fn keys_of(texts: &[SecretString]) -> Option<Keys> {
    let secrets = texts
        .iter()
        .map(|text| text.expose_secret().as_bytes().to_vec());
    Keys::new(secrets).ok()
}

fn app(
    config: &Config,
    session: &SessionConfig,
    admissions: &Admissions<'_>,
    runtime: &Runtime,
) -> App<ProtectedCheck, HttpsTransport> {
    let admittance = Admittance::of_app(&session.ghes, &session.client_id);
    let tokens = admittance.tokens.as_ref();
    let apps = tokens.map_or_else(Vec::new, |tokens| admissions.apps_of(tokens));
    let issuers = runtime.issuers.clone();
    let token_bytes = config.server.token_bytes.get() as usize;
    App {
        clients: apps.first().and_then(|app| app.login().cloned()),
        admission: admissions.of(&admittance, AnyUser),
        bearer: BearerOptions::default().with_max_length(token_bytes),
        named: named_groups(config, session),
        forget: Box::new(move |hash| {
            issuers.purge(&Purge::Token(hash));
        }),
    }
}

/// Returns what the routes with a login name, of the server that people log in at.
fn named_groups(config: &Config, session: &SessionConfig) -> Vec<NamedGroups> {
    let is_of = |route: &&RouteConfig| {
        let mut tokens = route.tokens.iter();
        route.login && tokens.any(|tokens| tokens.ghes == session.ghes)
    };
    let routes = config.routes.iter().filter(is_of);
    let named = routes.map(|route| {
        let hosts = route.matches.hosts.iter();
        let people = &route.people;
        NamedGroups {
            hosts: hosts.map(|host| host.as_str().into()).collect(),
            groups: people.orgs.iter().chain(&people.teams).cloned().collect(),
        }
    });
    named.collect()
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Login").field(&self.sessions).finish()
    }
}
