//! The people, apps and organisations of an emulated server; nothing changes them.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::state::Account;
use super::world::{App, User, World};

/// Who and what there is.
pub(super) struct Directory {
    /// By login in lower case.
    users: HashMap<String, Arc<User>>,
    /// By client id.
    apps: HashMap<String, Arc<App>>,
    /// By login in lower case.
    organizations: BTreeMap<String, Organization>,
    private_mode: bool,
}

/// An organisation; there are those that users name.
#[derive(Debug)]
pub(super) struct Organization {
    pub(super) login: String,
    pub(super) id: u64,
}

/// A team of an organisation; there are those that users name.
pub(super) struct Team<'d> {
    pub(super) id: u64,
    pub(super) slug: String,
    pub(super) organization: &'d Organization,
    pub(super) members: usize,
}

/// A user's place in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Invited,
    Member,
    Owner,
}

impl Directory {
    /// Reads the directory of a world; its tokens are no part of it.
    pub(super) fn new(world: World) -> Self {
        Self {
            organizations: organizations(&world.users),
            users: world
                .users
                .into_iter()
                .map(|user| (user.login.to_ascii_lowercase(), Arc::new(user)))
                .collect(),
            apps: world
                .apps
                .into_iter()
                .map(|app| (app.client_id.clone(), Arc::new(app)))
                .collect(),
            private_mode: world.private_mode,
        }
    }

    pub(super) fn app(&self, client_id: &str) -> Option<&Arc<App>> {
        self.apps.get(client_id)
    }

    pub(super) fn user(&self, login: &str) -> Option<&Arc<User>> {
        self.users.get(&login.to_ascii_lowercase())
    }

    pub(super) fn organization(&self, login: &str) -> Option<&Organization> {
        self.organizations.get(&login.to_ascii_lowercase())
    }

    /// Returns the organisations a user is an active member of, in the order of their names.
    pub(super) fn organizations_of(&self, user: &User) -> Vec<&Organization> {
        self.organizations
            .values()
            .filter(|organization| organization.has(user))
            .collect()
    }

    /// Returns a user's places in organisations, invitations included, in the order of their names.
    pub(super) fn memberships_of(&self, user: &User) -> Vec<(&Organization, Membership)> {
        let all = self.organizations.values();
        all.filter_map(|organization| Some((organization, organization.membership(user)?)))
            .collect()
    }

    /// Returns the teams of a user who has joined their organisations, in the order of their names.
    pub(super) fn teams_of(&self, user: &User) -> Vec<Team<'_>> {
        let lower = |name: &String| name.to_ascii_lowercase();
        let own: BTreeSet<String> = user.teams.iter().map(lower).collect();
        let everybody = self.users.values();
        let all: BTreeSet<String> = everybody
            .flat_map(|user| user.teams.iter().map(lower))
            .collect();
        let numbered = all.into_iter().zip(FIRST_TEAM_ID..);
        numbered
            .filter(|(name, _)| own.contains(name))
            .filter_map(|(name, id)| {
                let (login, slug) = name.split_once('/')?;
                let organization = self.organization(login)?;
                let is_in = |user: &&Arc<User>| {
                    let mut teams = user.teams.iter();
                    organization.has(user) && teams.any(|team| team.eq_ignore_ascii_case(&name))
                };
                organization.has(user).then(|| Team {
                    id,
                    slug: slug.to_owned(),
                    organization,
                    members: self.users.values().filter(is_in).count(),
                })
            })
            .collect()
    }

    /// Returns the users and organisations, which may own repositories.
    pub(super) fn accounts(&self) -> impl Iterator<Item = Account> {
        let users = self.users.values().map(|user| Account::of(user));
        let organizations = self.organizations.values().map(|organization| Account {
            login: organization.login.clone(),
            id: organization.id,
            is_organization: true,
            site_admin: false,
        });
        users.chain(organizations)
    }

    /// Tells whether the server requires a credential for everything.
    pub(super) fn is_private(&self) -> bool {
        self.private_mode
    }
}

impl Organization {
    pub(super) fn membership(&self, user: &User) -> Option<Membership> {
        let names = |list: &[String]| {
            list.iter()
                .any(|name| name.eq_ignore_ascii_case(&self.login))
        };
        if names(&user.owner_of) {
            Some(Membership::Owner)
        } else if names(&user.orgs) {
            Some(Membership::Member)
        } else {
            names(&user.invited_to).then_some(Membership::Invited)
        }
    }

    /// Says whether a user is an active member.
    pub(super) fn has(&self, user: &User) -> bool {
        self.membership(user)
            .is_some_and(|membership| membership != Membership::Invited)
    }
}

fn organizations(users: &[User]) -> BTreeMap<String, Organization> {
    let mut organizations = BTreeMap::new();
    for login in users
        .iter()
        .flat_map(|user| user.orgs.iter().chain(&user.invited_to))
    {
        let id = FIRST_ORGANIZATION_ID + organizations.len() as u64;
        organizations
            .entry(login.to_ascii_lowercase())
            .or_insert_with(|| Organization {
                login: login.clone(),
                id,
            });
    }
    organizations
}

/// Organisations share the ids of users on a GHES; a world has rarely so many users.
/// Teams have ids of their own.
const FIRST_TEAM_ID: u64 = 1;

const FIRST_ORGANIZATION_ID: u64 = 1_000_001;
