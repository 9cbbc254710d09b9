//! What one decision asks in several rounds, where no membership is remembered after it.

use super::*;
use crate::policy::{Decision, from_fn};

type Asked = Arc<Mutex<Vec<Group>>>;

/// An admission that remembers no membership. Its directory says `said` of each group, given how
/// often it was asked before.
fn forgetful(
    policy: impl Policy,
    said: impl Fn(&Group, usize) -> Membership + Clone + Send + Sync + 'static,
) -> (Admission<impl CheckService>, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let directory = service_fn(move |request: MembershipRequest| {
        let mut seen = seen.lock().unwrap();
        let before = seen.len();
        seen.push(request.group().clone());
        ready(Ok::<_, Infallible>(said(request.group(), before)))
    });
    let cache = CacheOptions::default().with_membership_capacity(0);
    let validator = Validator::builder(says(active()))
        .with_memberships(directory)
        .with_cache(cache.with_membership_max_age(Duration::ZERO))
        .build();
    (Admission::new(validator.into()).with_policy(policy), asked)
}

fn groups(names: &[&str]) -> Vec<Group> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn no_group_is_asked_about_twice_for_one_decision() {
    for names in [&["one"][..], &["one", "two"], &["octo-org/web", "octo-org"]] {
        let wanted = groups(names);
        let stubborn = from_fn(move |_| Decision::Undecided(wanted.clone()));
        let (admission, asked) = forgetful(stubborn, |_, _| Membership::Active);
        let expected = Some(RejectionKind::Unavailable);
        assert_eq!(kind(after_waiting(&admission, "gho_a").await), expected);
        assert_eq!(*asked.lock().unwrap(), groups(names));
    }
}

/// The token may have been revoked and granted anew in between, and the groups with it.
#[tokio::test]
async fn after_a_doubt_every_group_is_asked_about_again() {
    for names in [&["one"][..], &["one", "two"], &["one", "two", "three"]] {
        let required: Vec<_> = groups(names).into_iter().map(RequireGroup::new).collect();
        let chain = from_fn(move |facts| {
            let mut decisions = required.iter().map(|group| group.authorize(facts));
            let first = decisions.find(|decision| *decision != Decision::Allowed);
            first.unwrap_or(Decision::Allowed)
        });
        let last = names.len() - 1;
        let (admission, asked) = forgetful(chain, move |_, before| match before {
            before if before == last => Membership::TokenRefused,
            _ => Membership::Active,
        });
        assert!(after_waiting(&admission, "gho_a").await.is_ok());
        assert_eq!(*asked.lock().unwrap(), groups(&names.repeat(2)));
    }
}
