//! What each rule says, and how much of that the gate has looked at.

use std::sync::{Arc, OnceLock};

use http::Method;

use super::notes::Noted;
use super::trace::{AppTrace, MembershipTrace, RuleOutcome, RuleTrace};
use crate::admission::GROUPS_AT_ONCE;
use crate::config::Combination;
use crate::identity::Identity;
use crate::membership::Group;
use crate::policy::{Decision, Denial, Facts, Memberships, Policy};
use crate::proxy::rules::routes::Route;
use crate::proxy::{Check, IssuerApp};
use crate::routing::rules::{Rule, Rules, Wanted};
use crate::token::AccessToken;
use crate::validator::{Recorder, Validator, Validators};

/// All that is known of a token and its person, held against the rules of a route.
#[derive(Default)]
pub(super) struct Evaluation {
    pub(super) apps: Vec<AppTrace>,
    pub(super) people: Option<&'static str>,
    pub(super) rules: Vec<RuleTrace>,
    pub(super) memberships: Vec<MembershipTrace>,
}

impl Evaluation {
    /// Goes on from what the gate has asked, as it was recorded, and asks for the rest.
    pub(super) async fn new(
        route: &Route,
        validators: &Validators<Check>,
        token: &AccessToken,
        recorder: &Recorder,
    ) -> Self {
        let mut noted = Noted::default();
        noted.add(recorder.take(), &route.apps, true);
        recall(route, validators, token, &mut noted);
        let known = noted.known_by.clone();
        let known = known.and_then(|(place, identity)| {
            let validator = validators.iter().nth(place)?;
            Some((place, validator, identity))
        });
        let rules = &route.rules;
        let evaluated = match known {
            Some((place, validator, identity)) => {
                let person = Person {
                    token,
                    identity: &identity,
                    validator,
                    place,
                    apps: &route.apps,
                };
                person.evaluate(rules, recorder, &mut noted).await
            }
            None => rules.iter().map(RuleTrace::of_nobody).collect(),
        };
        let groups: Vec<&Group> = rules.groups().collect();
        noted.put_in_order(&groups);
        Self {
            apps: noted.apps,
            people: rules.combination().map(Combination::as_str),
            rules: evaluated,
            memberships: noted.memberships,
        }
    }
}

/// Looks at what the apps of the route remember, if they had no need to ask.
fn recall(route: &Route, validators: &Validators<Check>, token: &AccessToken, noted: &mut Noted) {
    let hash = token.hash();
    for client_id in &route.described.apps {
        let mut apps = route.apps.iter().zip(validators.iter()).enumerate();
        let asked = apps.find(|(_, (app, _))| app.client_id() == client_id);
        if let Some((place, (app, validator))) = asked
            && let Some(answer) = validator.lookup(&hash)
        {
            noted.recall(place, app, answer.verdict);
        }
    }
}

/// A person with a valid token.
struct Person<'a> {
    token: &'a AccessToken,
    identity: &'a Identity,
    /// That of the app that says so.
    validator: &'a Validator<Check>,
    place: usize,
    apps: &'a [IssuerApp],
}

impl Person<'_> {
    async fn evaluate(
        &self,
        rules: &Rules,
        recorder: &Recorder,
        noted: &mut Noted,
    ) -> Vec<RuleTrace> {
        let (validator, hash) = (self.validator, self.token.hash());
        let known = validator.known_memberships(&hash, &noted.known);
        let needed = looked_at(rules, &self.facts(&known), &noted.asked);
        let rest = unknown(rules, &known, &noted.asked);
        for groups in rest.chunks(GROUPS_AT_ONCE) {
            let groups = groups.iter().cloned();
            validator
                .ask_memberships(self.token, self.identity, groups)
                .recorded_by(recorder.clone(), self.place)
                .await;
            noted.add(recorder.take(), self.apps, false);
        }
        let known = validator.known_memberships(&hash, &noted.known);
        let facts = self.facts(&known);
        let each = rules.iter().zip(needed);
        each.map(|(rule, needed)| RuleTrace::of(rule, &facts, needed))
            .collect()
    }

    /// No rule of a route looks at the method or the path: they have decided which route it is.
    fn facts<'a>(&'a self, known: &'a dyn Memberships) -> Facts<'a> {
        Facts::new(self.identity, &Method::GET, "/")
            .with_token_kind(self.token.kind())
            .with_memberships(known)
    }
}

/// Tells of each rule whether the gate has looked at it, with what the gate knew in the end.
///
/// A rule whose groups were asked about counts in any case: the gate asks several at once, and may
/// be told by the first what it needs, or by none.
fn looked_at(rules: &Rules, facts: &Facts<'_>, asked: &[Group]) -> Vec<bool> {
    let mut seen = Vec::new();
    let policy = rules.compose(|rule| {
        let probe = Probe::new(rule);
        seen.push(Arc::clone(&probe.seen));
        probe
    });
    // What counts is which rules it comes by.
    let _ = policy.authorize(facts);
    let is_decided = |seen: &OnceLock<Decision>| {
        let seen = seen.get();
        seen.is_some_and(|decision| !matches!(decision, Decision::Undecided(_)))
    };
    let is_asked = |rule: &Rule| {
        let mut groups = rule.wanted.groups().iter();
        groups.any(|group| asked.contains(group))
    };
    let each = rules.iter().zip(&seen);
    each.map(|(rule, seen)| is_decided(seen) || is_asked(rule))
        .collect()
}

/// A rule that notes what it says when it is asked.
struct Probe {
    policy: Arc<dyn Policy>,
    seen: Arc<OnceLock<Decision>>,
}

impl Probe {
    fn new(rule: &Rule) -> Self {
        Self {
            policy: Arc::clone(rule.policy()),
            seen: Arc::default(),
        }
    }
}

impl Policy for Probe {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let decision = self.policy.authorize(facts);
        // Each rule stands in the policy once.
        let _ = self.seen.set(decision.clone());
        decision
    }
}

/// The groups that a trace still has to ask about.
fn unknown(rules: &Rules, known: &dyn Memberships, asked: &[Group]) -> Vec<Group> {
    let mut unknown: Vec<Group> = Vec::new();
    for group in rules.groups() {
        let is_known = asked.contains(group) || known.membership(group).is_some();
        if !is_known && !unknown.contains(group) {
            unknown.push(group.clone());
        }
    }
    unknown
}

impl RuleTrace {
    fn of_nobody(rule: &Rule) -> Self {
        Self {
            rule: rule.wanted.key(),
            wanted: wanted(&rule.wanted),
            exempts_github_apps: rule.exempts_github_apps,
            outcome: RuleOutcome::Unknown,
            missing_scopes: Vec::new(),
            needed: false,
        }
    }

    fn of(rule: &Rule, facts: &Facts<'_>, needed: bool) -> Self {
        let decision = rule.policy().authorize(facts);
        Self {
            outcome: match decision {
                Decision::Allowed => RuleOutcome::Passed,
                Decision::Denied(_) => RuleOutcome::Failed,
                Decision::Obscured(_) => RuleOutcome::NotVisible,
                Decision::Undecided(_) => RuleOutcome::Unknown,
            },
            missing_scopes: missing(&decision, facts.identity()),
            needed,
            ..Self::of_nobody(rule)
        }
    }
}

/// The scopes that would help, of which the token has none.
fn missing(decision: &Decision, identity: &Identity) -> Vec<String> {
    let (Decision::Denied(denial) | Decision::Obscured(denial)) = decision else {
        return Vec::new();
    };
    let Denial::InsufficientScope(told) = denial else {
        return Vec::new();
    };
    let missing = told.iter().filter(|scope| !identity.scopes().grant(scope));
    missing.map(ToString::to_string).collect()
}

fn wanted(wanted: &Wanted) -> Vec<String> {
    match wanted {
        Wanted::AllScopes(scopes) | Wanted::OneScope(scopes) => {
            scopes.iter().map(ToString::to_string).collect()
        }
        Wanted::AccountTypes(types) => types.clone(),
        Wanted::Users(logins, ids) => {
            let ids = ids.iter().map(|id| format!("id {id}"));
            logins.iter().cloned().chain(ids).collect()
        }
        Wanted::SiteAdmins => Vec::new(),
        Wanted::Organizations(groups) | Wanted::Teams(groups) => {
            groups.iter().map(ToString::to_string).collect()
        }
    }
}
