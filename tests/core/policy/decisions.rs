//! For any person, policy and request, a policy decides what the reference says.

use std::collections::{BTreeMap, BTreeSet};

use ghes_gatekeeper::membership::{Group, Membership};
use ghes_gatekeeper::policy::{Decision, Denial, Facts, Policy};
use proptest::prelude::*;

use super::reference::{Case, GROUPS, PATHS, Rule, cases, meaning, rules};

type Known = BTreeMap<Group, Membership>;

fn decide(policy: &dyn Policy, case: &Case, known: &Known) -> Decision {
    let identity = case.identity();
    let view = |group: &Group| known.get(group).cloned();
    let facts = Facts::new(&identity, &case.method, PATHS[case.path])
        .with_token_kind(case.token_kind)
        .with_memberships(&view);
    policy.authorize(&facts)
}

/// Asks for what the decision depends on until it is made; returns it and what was asked.
fn ask(policy: &dyn Policy, case: &Case, mut known: Known) -> (Decision, BTreeSet<Group>) {
    let truth = case.truth();
    let mut asked = BTreeSet::new();
    loop {
        match decide(policy, case, &known) {
            Decision::Undecided(groups) => {
                assert!(!groups.is_empty());
                for group in groups {
                    assert!(!known.contains_key(&group), "{group} is known");
                    known.insert(group.clone(), truth[&group].clone());
                    asked.insert(group);
                }
            }
            decision => return (decision, asked),
        }
    }
}

fn some_known(case: &Case, which: &[bool]) -> Known {
    let truth = case.truth();
    let known = GROUPS.iter().zip(which).filter(|(_, known)| **known);
    known
        .map(|(name, _)| {
            let group: Group = name.parse().expect("a group");
            (group.clone(), truth[&group].clone())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn who_knows_all_decides_as_the_reference_does(rule in rules(), case in cases()) {
        let decision = decide(&*rule.policy(), &case, &case.truth());
        prop_assert_eq!(meaning(&decision), rule.lets_in(&case));
    }

    /// Whatever is known before, what is decided without asking is what asking would have led to,
    /// and nothing is asked that no rule names.
    #[test]
    fn what_is_known_changes_what_is_asked_and_not_the_decision(
        rule in rules(),
        case in cases(),
        which in prop::collection::vec(any::<bool>(), GROUPS.len()),
    ) {
        let policy = rule.policy();
        let (decision, asked) = ask(&*policy, &case, some_known(&case, &which));
        prop_assert_eq!(meaning(&decision), rule.lets_in(&case));
        prop_assert!(asked.is_subset(&rule.groups().into_iter().collect()));
        // Where the reference knows it for any memberships at all, nobody is asked.
        let anyhow = |membership: Membership| Case {
            memberships: vec![membership; GROUPS.len()],
            ..case.clone()
        };
        let unseen = anyhow(Membership::NotVisible(Default::default()));
        if rule.lets_in(&unseen).is_some() {
            prop_assert!(asked.is_empty(), "{:?}", asked);
        }
    }

    /// Who is turned away is told scopes only if they may help.
    #[test]
    fn scopes_that_are_named_are_missing(rule in rules(), case in cases()) {
        let decision = decide(&*rule.policy(), &case, &case.truth());
        if let Decision::Denied(Denial::InsufficientScope(scopes)) = decision {
            let held = case.identity();
            prop_assert!(!held.scopes().grant_all(&scopes), "{}", scopes.join(" "));
        }
    }

    #[test]
    fn twice_not_is_the_thing_itself(rule in rules(), case in cases()) {
        let twice = Rule::Not(Box::new(Rule::Not(Box::new(rule.clone()))));
        let decision = decide(&*twice.policy(), &case, &case.truth());
        prop_assert_eq!(meaning(&decision), rule.lets_in(&case));
    }
}
