use std::hash::{DefaultHasher, Hash, Hasher};

use crate::membership::Group;
use crate::token::TokenHash;

/// What a call is about: a token, or a person and a group.
///
/// Digests of both, so that it is small and holds nothing worth stealing. Where two share a digest,
/// one is held back with the other for a moment.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::protection) struct Subject {
    person: u64,
    group: Option<u64>,
}

/// One side of a subject that has two.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Side {
    Person(u64),
    Group(u64),
}

impl Subject {
    /// A token. Its user is not known yet.
    pub(in crate::protection) fn of_token(hash: &TokenHash) -> Self {
        Self::alone(digest(hash.as_bytes()))
    }

    /// A person, by the id of the user, and a group.
    pub(in crate::protection) fn of_membership(user_id: u64, group: &Group) -> Self {
        Self {
            person: user_id,
            group: Some(digest(group.as_str())),
        }
    }

    pub(super) const fn alone(person: u64) -> Self {
        let group = None;
        Self { person, group }
    }

    #[cfg(test)]
    pub(super) const fn of(person: u64, group: u64) -> Self {
        let group = Some(group);
        Self { person, group }
    }

    /// Tells whether nothing that is odd about one of them can be what is odd about the other.
    pub(super) fn is_apart_from(self, other: Self) -> bool {
        self.person != other.person && (self.group.is_none() || self.group != other.group)
    }

    /// Returns its sides, if it has two, and what each was asked about.
    pub(super) fn sides(self) -> [Option<(Side, Self)>; 2] {
        let Self { person, group } = self;
        let of_person = |group| (Side::Person(person), Self::alone(group));
        let of_group = |group| (Side::Group(group), Self::alone(person));
        [group.map(of_person), group.map(of_group)]
    }
}

fn digest<T: Hash + ?Sized>(name: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The fewest subjects that must be odd to explain some failures, or half of that at worst: each
/// that is counted is apart from all that were counted before.
#[derive(Debug, Default)]
pub(super) struct Apart {
    counted: Vec<Subject>,
    /// No subject.
    unreachable: usize,
}

impl Apart {
    /// Counts a failure; without a subject, one that no subject can have caused.
    pub(super) fn add(&mut self, blamed: Option<Subject>) {
        match blamed {
            None => self.unreachable += 1,
            Some(subject) => {
                if self
                    .counted
                    .iter()
                    .all(|other| subject.is_apart_from(*other))
                {
                    self.counted.push(subject);
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.counted.len() + self.unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(failures: &[(u64, u64)]) -> usize {
        let mut apart = Apart::default();
        for (person, group) in failures {
            apart.add(Some(Subject::of(*person, *group)));
        }
        apart.len()
    }

    #[test]
    fn what_one_odd_person_or_group_explains_counts_once() {
        assert_eq!(apart(&[(1, 1), (1, 1), (1, 1)]), 1);
        assert_eq!(apart(&[(1, 1), (1, 2), (1, 3)]), 1, "an odd person");
        assert_eq!(apart(&[(1, 1), (2, 1), (3, 1)]), 1, "an odd group");
        assert_eq!(apart(&[(1, 1), (2, 2), (1, 2), (2, 1)]), 2);
        assert_eq!(apart(&[(1, 1), (2, 2), (3, 3)]), 3);
    }

    #[test]
    fn a_group_is_told_from_another_and_from_a_token() {
        let group = |name: &str| Subject::of_membership(1, &name.parse().unwrap());
        assert_eq!(group("octo-org"), group("Octo-Org"));
        assert_ne!(group("octo-org"), group("octo-org/platform"));
        assert_eq!(Subject::alone(1).sides(), [None, None]);
        assert_ne!(group("octo-org").sides(), [None, None]);
    }
}
