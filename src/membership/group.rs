use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An organization, such as `octo-org`, or a team in one, `octo-org/platform`.
///
/// GitHub compares the names of both without regard to case, and so does this: it keeps them in
/// lower case. A handle: clones share one allocation.
///
/// Organizations and teams are named, and names can be given up and taken by others. When an
/// organization is renamed, rename it here, too.
///
/// ```
/// use ghes_gatekeeper::membership::Group;
///
/// let team: Group = "Octo-Org/Platform".parse()?;
/// assert_eq!(team.organization(), "octo-org");
/// assert_eq!(team.team(), Some("platform"));
/// assert_eq!(team, Group::team_of("octo-org", "platform")?);
/// # Ok::<_, ghes_gatekeeper::membership::InvalidGroup>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Group(Arc<str>);

impl Group {
    /// Names an organization by its login.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidGroup`] if no organization can have this login.
    pub fn of_organization(login: &str) -> Result<Self, InvalidGroup> {
        if !is_login(login) {
            return Err(InvalidGroup(()));
        }
        Ok(Self(login.to_ascii_lowercase().into()))
    }

    /// Names a team by its organization's login and its own slug, as it stands in its address.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidGroup`] if no team can have this slug, or no organization this login.
    pub fn team_of(organization: &str, slug: &str) -> Result<Self, InvalidGroup> {
        if !is_login(organization) || !is_slug(slug) {
            return Err(InvalidGroup(()));
        }
        let name = format!("{organization}/{slug}");
        Ok(Self(name.to_ascii_lowercase().into()))
    }

    /// Returns the login of the organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(login, _)| login)
    }

    /// Returns the slug of the team; none if the whole organization is meant.
    #[must_use]
    pub fn team(&self) -> Option<&str> {
        self.0.split_once('/').map(|(_, slug)| slug)
    }

    /// Returns the name as oauth2-proxy tells GitHub's teams: `organization:team`.
    #[cfg(feature = "session")]
    pub(crate) fn with_colon(&self) -> String {
        self.0.replacen('/', ":", 1)
    }

    /// Returns the name, `organization` or `organization/team`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Group {
    type Err = InvalidGroup;

    fn from_str(name: &str) -> Result<Self, InvalidGroup> {
        match name.split_once('/') {
            Some((organization, slug)) => Self::team_of(organization, slug),
            None => Self::of_organization(name),
        }
    }
}

impl TryFrom<&str> for Group {
    type Error = InvalidGroup;

    fn try_from(name: &str) -> Result<Self, InvalidGroup> {
        name.parse()
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(&self.0).finish()
    }
}

/// The error for a name that no organization or team can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidGroup(());

impl fmt::Display for InvalidGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an organization as octo-org and a team as octo-org/platform")
    }
}

impl std::error::Error for InvalidGroup {}

/// Both stand in a path, where nothing of this is read as anything else.
fn is_login(login: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !login.is_empty() && login.len() <= MAX_LENGTH && login.bytes().all(legal)
}

/// The slug of a team that belongs to the whole enterprise begins with `ent:`.
fn is_slug(slug: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let is_dots = slug.bytes().all(|b| b == b'.');
    !is_dots && slug.len() <= MAX_LENGTH && slug.bytes().all(legal)
}

/// GitHub's own limits are 39 for logins and 100 for the names that slugs are made of.
const MAX_LENGTH: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let one: Group = "Octo-Org".parse().unwrap();
        assert_eq!(one, "octo-org".parse().unwrap());
        assert_eq!((one.organization(), one.team()), ("octo-org", None));
        assert_ne!(one, "octo-org/octo-org".parse().unwrap());
    }

    #[test]
    fn what_could_lead_to_another_path_is_no_name() {
        for bad in [
            "", "/", "a/", "/a", ".", "..", "a/.", "a/..", "a/b/c", "a b", "a/b c", "a%2fb",
            "a/b%2f", "a?b", "a/b?c", "a#b", "a/b#c", "é", "a/é", "a\\b", "a.b/c",
        ] {
            assert!(bad.parse::<Group>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(256).parse::<Group>().is_err());
        for good in ["octo_org", "octo-org/v1.x", "octo-org/ent:all"] {
            assert_eq!(good.parse::<Group>().unwrap().as_str(), good);
        }
    }
}
