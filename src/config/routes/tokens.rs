use std::cell::RefCell;

use crate::config::ghes::servers::Servers;
use crate::config::ghes::{AppConfig, GhesConfig};
use crate::config::reader::section::{Section, closest};
use crate::config::reader::source::Node;

/// Whose tokens are good on a route.
///
/// No token of a request is sent to another server than this one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TokensConfig {
    /// The [name](GhesConfig::name) of the server. Absent: the only one; required where there are
    /// several.
    pub ghes: String,
    /// The client ids of the apps, at least one, in the order of the server's `apps`. Absent: all but
    /// those of a preset, to whose tokens anybody can get; those as well where there is no other.
    pub apps: Vec<String>,
}

impl TokensConfig {
    /// Reads the keys; none where the route needs no token.
    pub(super) fn read(
        route: &mut Section<'_>,
        servers: Servers<'_>,
        anonymous: bool,
    ) -> Option<Self> {
        if anonymous {
            for key in ["ghes", "apps"] {
                if route.take(key).is_some() {
                    super::refuse_question(route, key);
                }
            }
            return None;
        }
        let ghes = servers.pick(route, "a token is sent to one server only");
        let wanted = apps(route, ghes);
        let ghes = ghes?;
        let has_own = ghes.apps.iter().any(|app| app.preset.is_none());
        let is_wanted = |app: &&AppConfig| match &wanted {
            Some(wanted) => wanted.contains(&app.client_id),
            None => app.preset.is_none() || !has_own,
        };
        let apps = ghes.apps.iter().filter(is_wanted);
        Some(Self {
            ghes: ghes.name.clone(),
            apps: apps.map(|app| app.client_id.clone()).collect(),
        })
    }
}

/// Reads the key `apps`. Without a server, there is nothing to hold it against.
fn apps(route: &mut Section<'_>, ghes: Option<&GhesConfig>) -> Option<Vec<String>> {
    let seen = RefCell::new(Vec::new());
    let items = |node: Node| match node.items()? {
        none if none.is_empty() => Err("names no app; leave it out to mean all apps".to_owned()),
        some => Ok(some),
    };
    route.list("apps", items, |node| {
        let id = node.text()?;
        if let Some(ghes) = ghes {
            refuse_unknown(&id, ghes)?;
        }
        if seen.borrow().contains(&id) {
            return Err("is listed twice; keep one".to_owned());
        }
        seen.borrow_mut().push(id.clone());
        Ok(id)
    })
}

fn refuse_unknown(id: &str, ghes: &GhesConfig) -> Result<(), String> {
    let ids = ghes.apps.iter().map(|app| &*app.client_id);
    if ids.clone().any(|known| known == id) {
        return Ok(());
    }
    let name = &ghes.name;
    Err(match closest(id, ids.clone()) {
        Some(meant) => format!("{name} has no such app; did you mean {meant}?"),
        None => {
            let ids: Vec<&str> = ids.collect();
            format!("{name} has no such app; there are {}", ids.join(", "))
        }
    })
}
