//! For any person and route, a trace says what the gate does, and what the reference says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::membership::{Membership, MembershipRequest};
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::explain::{Decision, RuleOutcome, Trace};
use ghes_gatekeeper::token::{AccessToken, TokenKind};
use http::Method;
use proptest::prelude::*;
use proptest::sample::subsequence;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::reference::{Case, GROUPS, KINDS, LOGINS, Rule, SCOPES, cases};

/// What a route may ask of people; lists are indices into the reference's.
#[derive(Clone, Debug)]
struct Route {
    scopes: Vec<usize>,
    scopes_any: Vec<usize>,
    exempt_github_apps: bool,
    kinds: Vec<usize>,
    users: Vec<usize>,
    user_ids: Vec<usize>,
    site_admins: bool,
    groups: Vec<usize>,
    all: bool,
}

impl Route {
    /// The kinds of people, each of which one rule is about.
    fn people(&self) -> Vec<Rule> {
        let users = self.users.iter().map(|user| Rule::Login(*user));
        let ids = self.user_ids.iter().map(|user| Rule::Id(*user));
        let groups = |is_team| {
            let groups = self.groups_that(is_team);
            Rule::Any(groups.into_iter().map(Rule::Group).collect())
        };
        let mut people = vec![
            Rule::Any(users.chain(ids).collect()),
            groups(false),
            groups(true),
        ];
        people.retain(|rule| !matches!(rule, Rule::Any(each) if each.is_empty()));
        people.extend(self.site_admins.then_some(Rule::SiteAdmin));
        people
    }

    fn groups_that(&self, are_teams: bool) -> Vec<usize> {
        let groups = self.groups.iter().copied();
        groups
            .filter(|group| GROUPS[*group].contains('/') == are_teams)
            .collect()
    }

    fn asks_for_scopes(&self) -> bool {
        !self.scopes.is_empty() || !self.scopes_any.is_empty()
    }

    /// The route as the reference understands it.
    fn rule(&self) -> Rule {
        let mut scopes = Rule::Scopes(self.scopes.clone());
        if !self.scopes_any.is_empty() {
            scopes = Rule::All(vec![scopes, Rule::OneScope(self.scopes_any.clone())]);
        }
        if self.exempt_github_apps {
            scopes = Rule::Any(vec![scopes, Rule::AppUser]);
        }
        let mut all = vec![scopes];
        if !self.kinds.is_empty() {
            let kinds = self.kinds.iter().map(|kind| Rule::Kind(*kind));
            all.push(Rule::Any(kinds.collect()));
        }
        match (self.people(), self.all) {
            (people, _) if people.is_empty() => {}
            (people, true) => all.push(Rule::All(people)),
            (people, false) => all.push(Rule::Any(people)),
        }
        Rule::All(all)
    }

    fn config(&self) -> Config {
        let list = |key: &str, names: &[usize], all: &[&str]| match names {
            [] => String::new(),
            names => {
                let names: Vec<&str> = names.iter().map(|name| all[*name]).collect();
                format!("{key} = {names:?}\n")
            }
        };
        let mut rules = [
            list("scopes", &self.scopes, &SCOPES),
            list("scopes_any", &self.scopes_any, &SCOPES),
            list("account_types", &self.kinds, &KINDS),
            list("users", &self.users, &LOGINS),
            list("orgs", &self.groups_that(false), &GROUPS),
            list("teams", &self.groups_that(true), &GROUPS),
        ]
        .concat();
        if !self.user_ids.is_empty() {
            let ids: Vec<u64> = self.user_ids.iter().map(|user| *user as u64 + 1).collect();
            rules += &format!("user_ids = {ids:?}\n");
        }
        rules += &format!("site_admins = {}\n", self.site_admins);
        rules += &format!("exempt_github_apps = {}\n", self.exempt_github_apps);
        if self.people().len() > 1 {
            rules += if self.all {
                "people = 'all'"
            } else {
                "people = 'any'"
            };
        }
        let toml = format!(
            "[ghes]\nurl = 'http://127.0.0.1:1'\n\
             [[ghes.apps]]\nclient_id = 'Iv1.8a61f9b3a7aba766'\nclient_secret = 'secret'\n\
             [[routes]]\npath = '/'\nupstream = 'http://127.0.0.1:1'\n{rules}"
        );
        Config::parse(&toml, []).unwrap_or_else(|errors| panic!("{errors}\n{toml}"))
    }
}

fn routes() -> impl Strategy<Value = Route> {
    let some = |len: usize, most: usize| subsequence((0..len).collect::<Vec<_>>(), 0..=most);
    (
        (some(SCOPES.len(), 2), some(SCOPES.len(), 2), any::<bool>()),
        prop_oneof![3 => Just(Vec::new()), 1 => some(KINDS.len(), 2)],
        (some(LOGINS.len(), 1), some(LOGINS.len(), 1)),
        prop::bool::weighted(0.2),
        some(GROUPS.len(), GROUPS.len()),
        any::<bool>(),
    )
        .prop_map(
            |((scopes, scopes_any, exempt), kinds, (users, user_ids), site_admins, groups, all)| {
                let mut route = Route {
                    scopes,
                    scopes_any,
                    exempt_github_apps: exempt,
                    kinds,
                    users,
                    user_ids,
                    site_admins,
                    groups,
                    all,
                };
                route.exempt_github_apps &= route.asks_for_scopes();
                route
            },
        )
}

/// The groups that were asked about, in alphabetical order.
type Asked = Arc<Mutex<Vec<String>>>;

/// A proxy for the route, whose GHES knows nobody but the person.
fn proxy(route: &Route, case: &Case) -> (Proxy, Asked) {
    let (identity, truth) = (case.identity(), case.truth());
    let check = service_fn(move |_: CheckRequest| {
        let verdict = Verdict::Active(identity.clone());
        async { Ok::<_, CheckError>(verdict) }
    });
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let directory = service_fn(move |request: MembershipRequest| {
        let mut notes = notes.lock().expect("no panic");
        notes.push(request.group().to_string());
        notes.sort();
        let membership: Membership = truth[request.group()].clone();
        async { Ok::<_, CheckError>(membership) }
    });
    let check = BoxCloneSyncService::new(check);
    let directory = BoxCloneSyncService::new(directory);
    let proxy = Proxy::with_check_and_memberships(&route.config(), check, directory);
    (proxy, asked)
}

fn token(case: &Case) -> AccessToken {
    AccessToken::new(match case.token_kind {
        TokenKind::OAuth => "gho_a",
        TokenKind::UserToServer => "ghu_a",
        _ => "a",
    })
}

async fn explain(proxy: &Proxy, case: &Case) -> Trace {
    let trace = proxy.explain(&token(case), &Method::GET, "a", "/").await;
    trace.expect("a good question")
}

/// The status and the challenge of a request that comes by a socket. Nothing listens where the
/// upstream should be, so whoever is let in gets 502.
async fn ask(address: SocketAddr, case: &Case) -> (u16, Option<String>) {
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let token = token(case);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        token.expose()
    );
    let sent = client.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut response = String::new();
    let read = client.read_to_string(&mut response).await;
    read.expect("a response");
    let status = response.split(' ').nth(1).and_then(|s| s.parse().ok());
    let challenge = response
        .lines()
        .find_map(|line| line.strip_prefix("www-authenticate: "));
    (status.expect("a status"), challenge.map(str::to_owned))
}

/// What the trace says of the answer.
fn told(trace: &Trace) -> (u16, Option<String>) {
    match &trace.decision {
        Decision::Rejected(rejected) => (rejected.status, rejected.challenge.clone()),
        _ => (502, None),
    }
}

fn questions(trace: &Trace, needed: bool) -> Vec<String> {
    let asked = trace.memberships.iter();
    let asked = asked.filter(|asked| asked.needed == needed);
    let mut groups: Vec<String> = asked.map(|asked| asked.group.clone()).collect();
    groups.sort();
    groups
}

/// What follows from the outcomes of the rules alone.
fn all_in_all(trace: &Trace) -> bool {
    let is_about_people = |rule: &str| matches!(rule, "users" | "site_admins" | "orgs" | "teams");
    let passed = |people: bool| {
        let rules = trace.rules.iter();
        let rules = rules.filter(move |rule| is_about_people(rule.rule) == people);
        rules.map(|rule| rule.outcome == RuleOutcome::Passed)
    };
    let one_is_enough = trace.people == Some("any");
    passed(false).all(|passed| passed)
        && match one_is_enough {
            true => passed(true).any(|passed| passed),
            false => passed(true).all(|passed| passed),
        }
}

async fn hold(route: Route, case: Case) -> Result<(), TestCaseError> {
    let (explained, all_asked) = proxy(&route, &case);
    let trace = explain(&explained, &case).await;
    let allowed = route.rule().lets_in(&case) == Some(true);
    prop_assert_eq!(trace.allowed, allowed);
    prop_assert_eq!(all_in_all(&trace), allowed, "{:?}", trace);

    let (served, asked) = proxy(&route, &case);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = served.clone().serve(listener, std::future::pending());
    let server = tokio::spawn(server);
    prop_assert_eq!(ask(address, &case).await, told(&trace));
    server.abort();
    // It asks what the gate asks, says so, and asks the rest as well, each once.
    prop_assert_eq!(&questions(&trace, true), &*asked.lock().expect("no panic"));
    let mut questions = [questions(&trace, true), questions(&trace, false)].concat();
    questions.sort();
    prop_assert_eq!(&questions, &*all_asked.lock().expect("no panic"));
    let mut groups: Vec<&str> = route.groups.iter().map(|group| GROUPS[*group]).collect();
    groups.sort_unstable();
    prop_assert_eq!(questions, groups);
    // A rule about groups counts as needed if the gate has asked about one of them.
    let asked = self::questions(&trace, true);
    for rule in &trace.rules {
        if matches!(rule.rule, "orgs" | "teams") {
            let is_asked = rule.wanted.iter().any(|group| asked.contains(group));
            prop_assert_eq!(rule.needed, is_asked, "{:?}", trace);
        }
    }
    let is_first_needed = trace.rules.first().is_none_or(|first| first.needed);
    prop_assert!(is_first_needed, "{:?}", trace);
    // What is remembered is told as it was when it was asked.
    let again = explain(&explained, &case).await;
    prop_assert_eq!(again.allowed, allowed);
    prop_assert!(again.memberships.is_empty());
    prop_assert!(again.apps.len() == 1 && again.apps[0].took_ms.is_none());
    let outcomes =
        |trace: &Trace| -> Vec<_> { trace.rules.iter().map(|rule| rule.outcome).collect() };
    prop_assert_eq!(outcomes(&again), outcomes(&trace));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_trace_says_what_the_gate_does(route in routes(), case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(hold(route, case))?;
    }
}
