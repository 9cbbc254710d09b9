//! `[ghes]` read by itself, for those who call the server and serve nothing.

use std::path::Path;

use super::GhesConfig;
use super::servers::{self, SECTION};
use crate::config::reader::environment;
use crate::config::reader::error::ConfigErrors;
use crate::config::reader::path::{KeyPath, PREFIX};
use crate::config::reader::report::Report;
use crate::config::reader::section::Section;
use crate::config::reader::source::{Node, Value};
use crate::config::{tree, tree_of_text};
use crate::connect::ProxyVariables;

impl GhesConfig {
    /// Reads `[ghes]` or `[[ghes]]` alone, from a file, if there is one, and the environment;
    /// returns at least one server.
    ///
    /// There may be no app, or several. What the other sections say does not matter, as long as
    /// the file is TOML, and neither do variables but those below `GHES_GATEKEEPER_GHES__` and
    /// those about proxies.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigErrors`] with every mistake in the section, or with one if the file cannot
    /// be read.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Self>, ConfigErrors> {
        Self::build(tree(file, "ghes.url")?, environment)
    }

    /// Does the same with the text of a file, which reports call `configuration`.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigErrors`] with every mistake in the section.
    pub fn parse(
        toml: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Self>, ConfigErrors> {
        Self::build(tree_of_text(toml)?, environment)
    }

    fn build(
        mut root: Node,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Vec<Self>, ConfigErrors> {
        let place = root.place.clone();
        let environment: Vec<_> = environment.into_iter().collect();
        let proxies = ProxyVariables::of(environment.iter().cloned());
        let ours = environment.into_iter().filter(|(name, _)| is_below(name));
        let report = Report::new(environment::overlay(&mut root, ours));
        if let Value::Table(sections) = &mut root.value {
            sections.retain(|section, _| section == SECTION);
        }
        let servers = Section::read(KeyPath::default(), root, &place, &report, |root| {
            servers::read(root, |ghes| Self::read_with_any_apps(ghes, &proxies))
        });
        let errors = report.into_errors();
        match servers {
            Some(servers) if errors.is_empty() => Ok(servers),
            _ => Err(ConfigErrors::new(errors)),
        }
    }
}

/// In any case, so that a name that is not in capitals is refused rather than passed over.
fn is_below(name: &str) -> bool {
    let first = name
        .strip_prefix(PREFIX)
        .and_then(|levels| levels.split("__").next());
    first.is_some_and(|level| level.eq_ignore_ascii_case(SECTION))
}
