use std::str::FromStr;

use super::parsed;
use crate::config::reader::pattern::refuse_pattern;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::membership::{Group, InvalidGroup};

/// The people that a route is for. Where nothing is named, it is for everybody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PeopleConfig {
    /// Logins, without regard to case. A user can give a login up, and another can take it.
    pub users: Vec<String>,
    /// Ids of users, which stay the same when a login changes.
    pub user_ids: Vec<u64>,
    /// Whether administrators of the GHES instance are among them.
    pub site_admins: bool,
    /// Organizations whose members are among them.
    pub orgs: Vec<Group>,
    /// Teams whose members are among them, as `org/team`.
    pub teams: Vec<Group>,
    /// How many of these keys must name a user, from `people`. Absent: `any`.
    pub combination: Combination,
    /// The types of account that come in, such as `User` and `Bot`, beside all that. Absent: all.
    pub account_types: Vec<String>,
}

/// `people`: how the kinds of people of a route go together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Combination {
    /// `"any"`: at least one of the keys names the user.
    #[default]
    Any,
    /// `"all"`: each key that is there names the user: one of `orgs`, and one of `teams`.
    All,
}

impl PeopleConfig {
    pub(super) fn read(route: &mut Section<'_>) -> Self {
        let mut empty = Vec::new();
        let read = Self {
            users: named(route, "users", login, &mut empty),
            user_ids: named(route, "user_ids", id, &mut empty),
            site_admins: route.flag("site_admins"),
            orgs: named(route, "orgs", organization, &mut empty),
            teams: named(route, "teams", team, &mut empty),
            combination: Combination::default(),
            account_types: named(route, "account_types", account_type, &mut empty),
        };
        let combination = route.optional("people", parsed::<Combination>);
        if combination.is_some() && read.kinds() < 2 {
            route.refuse("people", "there is nothing to combine; drop it");
        }
        read.refuse_nobody(route, &empty);
        Self {
            combination: combination.unwrap_or_default(),
            ..read
        }
    }

    /// Refuses empty lists where no other key names a user: read as no rule, they would let
    /// everyone in, and the author may have meant the reverse.
    fn refuse_nobody(&self, route: &Section<'_>, empty: &[&'static str]) {
        for key in empty {
            let names_somebody = match *key {
                "account_types" => false,
                _ => self.kinds() > 0,
            };
            if !names_somebody {
                route.refuse(key, "is empty; leave it out if everybody may enter");
            }
        }
    }

    fn kinds(&self) -> usize {
        [
            !self.users.is_empty() || !self.user_ids.is_empty(),
            self.site_admins,
            !self.orgs.is_empty(),
            !self.teams.is_empty(),
        ]
        .into_iter()
        .filter(|is_named| *is_named)
        .count()
    }
}

/// Reads a list, and notes its key in `empty` if there is nothing in it.
fn named<T>(
    route: &mut Section<'_>,
    key: &'static str,
    read: fn(Node) -> Result<T, String>,
    empty: &mut Vec<&'static str>,
) -> Vec<T> {
    let items = |node: Node| {
        let items = node.items()?;
        if items.is_empty() {
            empty.push(key);
        }
        Ok(items)
    };
    route.list(key, items, read).unwrap_or_default()
}

impl Combination {
    /// Returns the word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

impl FromStr for Combination {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, &'static str> {
        match word {
            "any" => Ok(Self::Any),
            "all" => Ok(Self::All),
            _ => Err("not known; write \"any\" or \"all\""),
        }
    }
}

/// Logins are letters, digits and hyphens, an underscore before the short code of an enterprise,
/// and the brackets of bots.
fn login(node: Node) -> Result<String, String> {
    let login = node.text()?;
    refuse_pattern(
        &login,
        "name each person, or leave users out if everybody may enter",
    )?;
    let bare = login.strip_suffix("[bot]").unwrap_or(&login);
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if bare.is_empty() || !bare.bytes().all(legal) {
        return Err("not a login; write it as in the address of the profile, like octocat".into());
    }
    Ok(login)
}

fn id(node: Node) -> Result<u64, String> {
    let id = u64::try_from(node.integer()?).ok().filter(|id| *id > 0);
    id.ok_or_else(|| "not the id of a user, which is a positive number".to_owned())
}

fn organization(node: Node) -> Result<Group, String> {
    let group = group(node, "name each organization")?;
    match group.team() {
        None => Ok(group),
        Some(_) => Err("names a team; move it to teams".to_owned()),
    }
}

fn group(node: Node, cure: &str) -> Result<Group, String> {
    let name = node.text()?;
    refuse_pattern(&name, cure)?;
    name.parse()
        .map_err(|error: InvalidGroup| error.to_string())
}

fn team(node: Node) -> Result<Group, String> {
    let group = group(node, "name each team, or all of an organization in orgs")?;
    match group.team() {
        Some(_) => Ok(group),
        None => {
            Err("names no team; write it like octo-org/platform, or move it to orgs".to_owned())
        }
    }
}

fn account_type(node: Node) -> Result<String, String> {
    let name = node.text()?;
    match ACCOUNT_TYPES.contains(&&*name) {
        true => Ok(name),
        false => Err("not a type of account; write User or Bot".to_owned()),
    }
}

pub(super) const ACCOUNT_TYPES: [&str; 4] = ["User", "Bot", "Organization", "Mannequin"];
