//! The requirements of a route, or of a caller, on a token and on the person behind it.

use std::fmt;
use std::sync::Arc;

use crate::config::{Admittance, Combination, PeopleConfig};
use crate::membership::Group;
use crate::policy::{
    All, Any, Decision, Facts, GitHubAppUser, Policy, RequireAccountType, RequireGroup,
    RequireScopes, RequireSiteAdmin, RequireUser,
};
use crate::scope::Scopes;

/// The rules of a route by name, which make up its policy.
///
/// They are in the order of decision: first those that need no call to GHES.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Each of them must let in.
    needed: Vec<Rule>,
    /// The rules about people, as they are combined; without any, everyone may enter.
    people: Vec<Rule>,
    combination: Combination,
}

/// The policy of a route, which can tell its rules.
struct NamedRules {
    composed: All,
    rules: Rules,
}

impl Policy for NamedRules {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        self.composed.authorize(facts)
    }

    fn needs_memberships(&self) -> bool {
        self.composed.needs_memberships()
    }

    #[cold]
    fn rejecting_rule(&self, facts: &Facts<'_>) -> Option<String> {
        self.rules.rejecting(facts)
    }
}

/// One key of a route that can reject a request.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) wanted: Wanted,
    /// Whether a token of a GitHub App passes without it.
    pub(crate) exempts_github_apps: bool,
    policy: Arc<dyn Policy>,
}

/// What a rule requires.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    AllScopes(Scopes),
    OneScope(Scopes),
    AccountTypes(Vec<String>),
    Users(Vec<String>, Vec<u64>),
    SiteAdmins,
    Organizations(Vec<Group>),
    Teams(Vec<Group>),
}

impl Rules {
    pub(crate) fn of(admittance: &Admittance) -> Self {
        Self {
            needed: needed(admittance),
            people: people(&admittance.people),
            combination: admittance.people.combination,
        }
    }

    /// Makes the policy that the gate decides by.
    pub(crate) fn policy(&self) -> impl Policy + use<> {
        NamedRules {
            composed: self.compose(|rule| Arc::clone(&rule.policy)),
            rules: self.clone(),
        }
    }

    /// Names the first rule that rejects; where one of several is enough, all of them.
    fn rejecting(&self, facts: &Facts<'_>) -> Option<String> {
        let rejects = |rule: &&Rule| rule.policy.authorize(facts) != Decision::Allowed;
        let first = self.needed.iter().find(rejects);
        let of_people = || match self.combination {
            Combination::All => self.people.iter().find(rejects).map(Rule::name),
            Combination::Any if self.people.is_empty() => None,
            Combination::Any => {
                let names: Vec<_> = self.people.iter().map(Rule::name).collect();
                Some(names.join(","))
            }
        };
        first.map(Rule::name).or_else(of_people)
    }

    /// Combines a policy `of` each rule, as the gate does.
    pub(crate) fn compose<P: Policy>(&self, mut of: impl FnMut(&Rule) -> P) -> All {
        let needed: All = self.needed.iter().map(&mut of).collect();
        let people = self.people.iter().map(of);
        match (self.people.is_empty(), self.combination) {
            (true, _) => needed,
            (false, Combination::Any) => needed.with(people.collect::<Any>()),
            (false, Combination::All) => needed.with(people.collect::<All>()),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.needed.iter().chain(&self.people)
    }

    /// Returns the groups that any rule names, in order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.iter().flat_map(|rule| rule.wanted.groups())
    }

    /// How the rules about people are combined; none if there are fewer than two.
    pub(crate) fn combination(&self) -> Option<Combination> {
        (self.people.len() > 1).then_some(self.combination)
    }
}

impl Rule {
    fn new(wanted: Wanted) -> Self {
        Self {
            policy: wanted.policy(),
            wanted,
            exempts_github_apps: false,
        }
    }

    fn exempt_github_apps(self) -> Self {
        Self {
            policy: Arc::new(self.policy.or(GitHubAppUser)),
            exempts_github_apps: true,
            ..self
        }
    }

    pub(crate) fn policy(&self) -> &Arc<dyn Policy> {
        &self.policy
    }

    fn name(&self) -> String {
        self.wanted.key().to_owned()
    }
}

impl Wanted {
    /// Returns the key of the configuration.
    pub(crate) const fn key(&self) -> &'static str {
        match self {
            Self::AllScopes(_) => "scopes",
            Self::OneScope(_) => "scopes_any",
            Self::AccountTypes(_) => "account_types",
            Self::Users(..) => "users",
            Self::SiteAdmins => "site_admins",
            Self::Organizations(_) => "orgs",
            Self::Teams(_) => "teams",
        }
    }

    /// Returns the groups with memberships that have to be asked for.
    pub(crate) fn groups(&self) -> &[Group] {
        match self {
            Self::Organizations(groups) | Self::Teams(groups) => groups,
            _ => &[],
        }
    }

    fn policy(&self) -> Arc<dyn Policy> {
        match self {
            Self::AllScopes(scopes) => Arc::new(RequireScopes::new(scopes.clone())),
            Self::OneScope(scopes) => Arc::new(RequireScopes::any_of(scopes.clone())),
            Self::AccountTypes(types) => Arc::new(RequireAccountType::any_of(types)),
            Self::Users(logins, ids) => {
                Arc::new(RequireUser::by_login(logins).or_id(ids.iter().copied()))
            }
            Self::SiteAdmins => Arc::new(RequireSiteAdmin),
            Self::Organizations(groups) | Self::Teams(groups) => {
                let groups = groups.iter().cloned();
                Arc::new(groups.map(RequireGroup::new).collect::<Any>())
            }
        }
    }
}

fn needed(admittance: &Admittance) -> Vec<Rule> {
    let mut needed = Vec::new();
    if !admittance.scopes.is_empty() {
        needed.push(Rule::new(Wanted::AllScopes(admittance.scopes.clone())));
    }
    if !admittance.scopes_any.is_empty() {
        let any = admittance.scopes_any.iter().cloned().collect();
        needed.push(Rule::new(Wanted::OneScope(any)));
    }
    if admittance.exempt_github_apps {
        needed = needed.into_iter().map(Rule::exempt_github_apps).collect();
    }
    let types = &admittance.people.account_types;
    if !types.is_empty() {
        needed.push(Rule::new(Wanted::AccountTypes(types.clone())));
    }
    needed
}

/// Rules that need no call to GHES come first.
fn people(people: &PeopleConfig) -> Vec<Rule> {
    let mut kinds = Vec::new();
    if !people.users.is_empty() || !people.user_ids.is_empty() {
        kinds.push(Wanted::Users(people.users.clone(), people.user_ids.clone()));
    }
    if people.site_admins {
        kinds.push(Wanted::SiteAdmins);
    }
    if !people.orgs.is_empty() {
        kinds.push(Wanted::Organizations(people.orgs.clone()));
    }
    if !people.teams.is_empty() {
        kinds.push(Wanted::Teams(people.teams.clone()));
    }
    kinds.into_iter().map(Rule::new).collect()
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wanted.fmt(f)
    }
}
