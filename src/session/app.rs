use http::Method;

use super::accounts::{Accounts, Answer, Failure, Person};
use crate::admission::{Admission, Admitted, Asked, Client, CountAs, Decided};
use crate::authority::bare_host;
use crate::bearer::{BearerOptions, BearerToken};
use crate::check::CheckService;
use crate::ghes::{Code, ExchangeError, GhesClient, Transport, WebFlow};
use crate::identity::Identity;
use crate::membership::{Group, Groups};
use crate::policy::Learn;
use crate::rejection::RejectionKind;
use crate::token::{AccessToken, TokenHash};

/// How an app logs people in and out at its GHES.
#[derive(Clone)]
pub(crate) struct AppClients<T> {
    pub(crate) flow: WebFlow<T>,
    pub(crate) client: GhesClient<T>,
}

/// The app that people log in by. Whose a token is is asked as on every route, by the same answers.
pub(crate) struct App<C, T> {
    /// None where something else is asked in place of GHES: nobody can log in then.
    pub(crate) clients: Option<AppClients<T>>,
    pub(crate) admission: Admission<C>,
    pub(crate) bearer: BearerOptions,
    /// What the routes with a login name, for each of them.
    pub(crate) named: Vec<NamedGroups>,
    pub(crate) forget: Box<dyn Fn(TokenHash) + Send + Sync>,
}

/// The groups that a route names.
pub(crate) struct NamedGroups {
    /// The hosts that the route is for, as [`bare_host`] has them; all if there are none.
    pub(crate) hosts: Vec<Box<str>>,
    pub(crate) groups: Vec<Group>,
}

impl<C: CheckService, T: Transport> App<C, T> {
    /// Returns the groups that the routes of a host name, each once.
    fn groups_of(&self, host: &str) -> Vec<Group> {
        let named = self.named.iter().filter(|named| named.is_for(host));
        let groups: Groups = named
            .flat_map(|named| named.groups.iter().cloned())
            .collect();
        groups.iter().cloned().collect()
    }

    async fn decide(
        &self,
        admission: &Admission<C>,
        token: &AccessToken,
    ) -> Result<Admitted, Failure> {
        let decided = {
            let asked = Asked {
                // No rule looks at what the token is for.
                method: &Method::GET,
                path: "/",
                client: &LoggedIn,
            };
            let token = BearerToken::alone(token.expose(), &self.bearer);
            admission.decide(token, &asked)
        };
        let admitted = match decided {
            Decided::Admitted(admitted) => Ok(admitted),
            Decided::Rejected(rejection) => Err(rejection),
            Decided::Waiting(deciding) => deciding.await,
        };
        admitted.map_err(|rejection| match rejection.kind() {
            kind @ (RejectionKind::InvalidToken | RejectionKind::InvalidRequest) => {
                Failure::Refused(kind.as_str().to_owned())
            }
            _ => Failure::Away,
        })
    }
}

impl NamedGroups {
    fn is_for(&self, host: &str) -> bool {
        let host = bare_host(host);
        self.hosts.is_empty() || self.hosts.iter().any(|known| **known == *host)
    }
}

impl<C: CheckService, T: Transport> Accounts for App<C, T> {
    fn exchange(&self, code: Code) -> Answer<'_, AccessToken> {
        Box::pin(async move {
            let clients = self.clients.as_ref().ok_or(Failure::Away)?;
            let exchanged = clients.flow.exchange(&code).await;
            exchanged.map_err(|error| match error {
                ExchangeError::Refused(word) => Failure::Refused(word),
                ExchangeError::Api(error) => {
                    tracing::warn!("a code could not be exchanged: {error}");
                    Failure::Away
                }
            })
        })
    }

    fn check<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, Identity> {
        Box::pin(async move {
            let admitted = self.decide(&self.admission, token).await?;
            Ok(admitted.identity)
        })
    }

    fn person<'a>(&'a self, token: &'a AccessToken, host: &'a str) -> Answer<'a, Person> {
        Box::pin(async move {
            let learn = Learn(self.groups_of(host));
            let admission = self.admission.clone().with_policy(learn).with_groups(true);
            let admitted = self.decide(&admission, token).await?;
            let groups = admitted.groups.iter().flat_map(|groups| groups.iter());
            Ok(Person {
                groups: groups.cloned().collect(),
                identity: admitted.identity,
            })
        })
    }

    fn revoke<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, ()> {
        Box::pin(async move {
            let clients = self.clients.as_ref().ok_or(Failure::Away)?;
            let deleted = clients.client.delete_token(token).await;
            // Behind the call: an answer that was on its way meanwhile goes, too.
            (self.forget)(token.hash());
            deleted.map_err(|error| match error.status_code() {
                Some(status) if status == 404 => Failure::Refused("unknown".to_owned()),
                _ => {
                    tracing::warn!("a token could not be revoked: {error}");
                    Failure::Away
                }
            })
        })
    }
}

/// It has a cookie of ours, or a code of GHES: nobody makes tokens up that way.
struct LoggedIn;

impl Client for LoggedIn {
    fn count_as(&self) -> Option<CountAs<'_>> {
        None
    }
}
