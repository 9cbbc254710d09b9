use std::str::FromStr;
use std::{fmt, iter, slice};

use serde::{Serialize, Serializer};

use super::github::{GRANTED_BY, KNOWN, contained_in, known};
use super::{InvalidScope, Scope};

/// A set of scopes: those a token carries, or those a route asks for.
///
/// Of GitHub's own scopes each takes one bit, for there is such a set with every token that is
/// remembered.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Scopes {
    /// By their places in GitHub's.
    known: u64,
    /// The rest, sorted, without repetitions.
    others: Box<[Scope]>,
}

impl Scopes {
    /// Parses every item, sorts them and drops repetitions.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidScope`] if one of them is no scope.
    pub fn parse<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        scopes.into_iter().map(str::parse::<Scope>).collect()
    }

    /// Tells whether these scopes, with all that they contain, grant `required`.
    #[must_use]
    pub fn grant(&self, required: &Scope) -> bool {
        self.iter().any(|scope| scope.grants(required))
    }

    /// Tells whether these scopes grant every one of `required`.
    #[must_use]
    pub fn grant_all(&self, required: &Self) -> bool {
        places(required.known).all(|place| self.grant_known(place))
            && required.others.iter().all(|scope| self.grant(scope))
    }

    /// Tells whether these scopes grant one of `accepted`; never if there are none.
    #[must_use]
    pub fn grant_any(&self, accepted: &Self) -> bool {
        places(accepted.known).any(|place| self.grant_known(place))
            || accepted.others.iter().any(|scope| self.grant(scope))
    }

    /// The same as [`grant`](Self::grant), of one of GitHub's own.
    fn grant_known(&self, place: usize) -> bool {
        self.known & GRANTED_BY[place] != 0
    }

    /// Returns the scope that grants the least besides itself; none if there are none.
    pub(crate) fn narrowest(&self) -> Option<&Scope> {
        self.iter()
            .min_by_key(|scope| contained_in(scope.as_str()).len())
    }

    /// Returns the scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        InOrder {
            known: self.known,
            others: self.others.iter(),
        }
    }

    /// Tells whether there are none, as for every token of a GitHub App.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known == 0 && self.others.is_empty()
    }

    /// Joins the names with `separator`: a comma and a space in `X-OAuth-Scopes`, a space in a
    /// challenge (RFC 6750 §3).
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        names.join(separator)
    }
}

impl FromStr for Scopes {
    type Err = InvalidScope;

    /// Reads a list that commas or blanks separate, as in `X-OAuth-Scopes` and in a challenge.
    ///
    /// An empty text is an empty set.
    fn from_str(list: &str) -> Result<Self, InvalidScope> {
        let items = list.split([',', ' ', '\t']);
        Self::parse(items.filter(|item| !item.is_empty()))
    }
}

impl<'s> FromIterator<&'s str> for Scopes {
    /// Collects scopes that stand in the program; for those from elsewhere, there is
    /// [`parse`](Self::parse).
    ///
    /// # Panics
    ///
    /// Panics if one of them is no scope: to leave it out would ask for less than is written.
    fn from_iter<I: IntoIterator<Item = &'s str>>(scopes: I) -> Self {
        let scopes = scopes.into_iter().map(|name| match name.parse::<Scope>() {
            Ok(scope) => scope,
            Err(error) => panic!("{name:?}: {error}"),
        });
        scopes.collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut bits = 0;
        let mut others = Vec::new();
        for scope in scopes {
            match known(scope.as_str()) {
                Some((place, _)) => bits |= 1 << place,
                None => others.push(scope),
            }
        }
        others.sort_unstable();
        others.dedup();
        Self {
            known: bits,
            others: others.into_boxed_slice(),
        }
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<&Scope> = self.iter().collect();
        f.debug_tuple("Scopes").field(&scopes).finish()
    }
}

/// The places of the bits that are set.
fn places(bits: u64) -> impl Iterator<Item = usize> {
    // Takes the lowest bit away.
    let without_lowest = |bits: &u64| Some(bits & (bits - 1)).filter(|bits| *bits != 0);
    let first = (bits != 0).then_some(bits);
    iter::successors(first, without_lowest).map(|bits| bits.trailing_zeros() as usize)
}

/// What is left of two sorted lists that share nothing.
struct InOrder<'a> {
    known: u64,
    others: slice::Iter<'a, Scope>,
}

impl<'a> Iterator for InOrder<'a> {
    type Item = &'a Scope;

    #[inline]
    fn next(&mut self) -> Option<&'a Scope> {
        if self.known == 0 {
            return self.others.next();
        }
        let known = &KNOWN[self.known.trailing_zeros() as usize];
        if self
            .others
            .as_slice()
            .first()
            .is_some_and(|other| other < known)
        {
            return self.others.next();
        }
        // Takes the lowest bit away.
        self.known &= self.known - 1;
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Scopes {
        Scopes::parse(names.iter().copied()).unwrap()
    }

    #[test]
    fn joining_sorts_and_drops_repetitions() {
        assert_eq!(scopes(&["user", "gist", "user"]).join(", "), "gist, user");
    }

    #[test]
    fn scopes_that_github_does_not_list_stand_among_the_others() {
        let mixed = scopes(&["user", "zeta", "alpha", "repo", "read:zoo", "zeta", "gist"]);
        let order = ["alpha", "gist", "read:zoo", "repo", "user", "zeta"];
        let shown: Vec<&str> = mixed.iter().map(Scope::as_str).collect();
        assert_eq!(shown, order);
        assert_eq!(
            serde_json::to_value(&mixed).unwrap(),
            serde_json::json!(order)
        );
        assert_eq!(mixed, scopes(&order));
        assert_ne!(mixed, scopes(&order[1..]));
        assert!(mixed.grant(&"read:zoo".parse().unwrap()));
        assert!(!mixed.grant(&"read:zoos".parse().unwrap()));
        assert!(!scopes(&["alpha"]).is_empty() && !scopes(&["gist"]).is_empty());
    }

    #[test]
    fn sets_grant_what_one_of_their_scopes_grants() {
        let all: Vec<&str> = KNOWN.iter().map(Scope::as_str).chain(["zeta"]).collect();
        for held in &all {
            for required in &all {
                let one: Scope = held.parse().unwrap();
                let grants = one.grants(&required.parse().unwrap());
                let (held, required) = (scopes(&[held]), scopes(&[required]));
                assert_eq!(held.grant_all(&required), grants, "{held:?} {required:?}");
                assert_eq!(held.grant_any(&required), grants, "{held:?} {required:?}");
            }
        }
    }

    #[test]
    fn debugging_shows_the_names() {
        let shown = format!("{:?}", scopes(&["repo", "beta"]));
        assert_eq!(shown, r#"Scopes([Scope("beta"), Scope("repo")])"#);
    }

    #[test]
    fn a_list_is_read_however_it_is_separated() {
        let set = scopes(&["read:org", "gist"]);
        for list in [
            "read:org, gist",
            "gist read:org",
            "read:org,gist",
            " gist ,\tread:org, ",
        ] {
            assert_eq!(list.parse::<Scopes>().unwrap(), set, "{list:?}");
        }
        for empty in ["", " ", ","] {
            assert!(empty.parse::<Scopes>().unwrap().is_empty());
        }
        for bad in ["read:org; gist\\", "\"gist\"", "gist, caf\u{e9}"] {
            assert!(bad.parse::<Scopes>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_in_the_program_are_collected() {
        assert_eq!(
            Scopes::from_iter(["gist", "read:org"]),
            scopes(&["read:org", "gist"])
        );
        assert!(Scopes::from_iter([""; 0]).is_empty());
    }

    #[test]
    #[should_panic(expected = "\"read org\": a scope is")]
    fn a_name_that_is_no_scope_is_not_left_out() {
        let _ = Scopes::from_iter(["gist", "read org"]);
    }

    #[test]
    fn a_set_is_as_small_as_a_list_and_a_word() {
        assert_eq!(size_of::<Scopes>(), 3 * size_of::<u64>());
        assert!(KNOWN.len() <= u64::BITS as usize);
    }
}
