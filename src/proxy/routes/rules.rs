use crate::policy::{
    All, Any, GitHubAppUser, Policy, RequireAccountType, RequireGroup, RequireScopes,
    RequireSiteAdmin, RequireUser,
};
use crate::proxy::config::{Combination, PeopleConfig, RouteConfig};
use crate::scope::Scopes;

/// What a route asks of a token, and of the person behind it: the scopes first, because nobody is
/// asked about them.
pub(super) fn rules(route: &RouteConfig) -> All {
    let mut rules = All::default();
    if route.needs_scopes() && route.exempt_github_apps {
        rules = rules.with(scopes(route).or(GitHubAppUser));
    } else if route.needs_scopes() {
        rules = rules.with(scopes(route));
    }
    if !route.people.account_types.is_empty() {
        rules = rules.with(RequireAccountType::any_of(&route.people.account_types));
    }
    match people(&route.people) {
        Some(people) => rules.with(people),
        None => rules,
    }
}

fn scopes(route: &RouteConfig) -> All {
    let mut scopes = All::default();
    if !route.scopes.is_empty() {
        scopes = scopes.with(RequireScopes::new(route.scopes.clone()));
    }
    if !route.scopes_any.is_empty() {
        let any: Scopes = route.scopes_any.iter().cloned().collect();
        scopes = scopes.with(RequireScopes::any_of(any));
    }
    scopes
}

/// Who may enter; none if everybody. Those who are known without a question come first.
fn people(people: &PeopleConfig) -> Option<Box<dyn Policy>> {
    let mut kinds: Vec<Box<dyn Policy>> = Vec::new();
    if !people.users.is_empty() || !people.user_ids.is_empty() {
        let ids = people.user_ids.iter().copied();
        let users = RequireUser::by_login(&people.users).or_id(ids);
        kinds.push(Box::new(users));
    }
    if people.site_admins {
        kinds.push(Box::new(RequireSiteAdmin));
    }
    for groups in [&people.orgs, &people.teams] {
        if !groups.is_empty() {
            let groups = groups.iter().cloned();
            kinds.push(Box::new(groups.map(RequireGroup::new).collect::<Any>()));
        }
    }
    match (kinds.is_empty(), people.combination) {
        (true, _) => None,
        (false, Combination::Any) => Some(Box::new(kinds.into_iter().collect::<Any>())),
        (false, Combination::All) => Some(Box::new(kinds.into_iter().collect::<All>())),
    }
}
