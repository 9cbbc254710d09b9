//! `include`: further files, with routes of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs};

use glob::Pattern;

use super::reader::error::{ConfigError, Place};
use super::reader::path::KeyPath;
use super::reader::source::{self, Node, Value};

/// The files that a configuration names, in the order in which they are read.
#[derive(Default)]
pub(super) struct Included {
    files: BTreeSet<PathBuf>,
    /// Where further ones may appear.
    directories: BTreeSet<PathBuf>,
    errors: Vec<ConfigError>,
}

impl Included {
    /// Looks for the files that `root` names, in paths from the directory of its own file.
    pub(super) fn find(root: &Node, directory: &Path) -> Self {
        let mut included = Self::default();
        let Value::Table(root) = &root.value else {
            return included;
        };
        // What is no list of patterns is refused when the key is read.
        let patterns = root.get("include").cloned().map(Node::items_or_one);
        let patterns = patterns.and_then(Result::ok).unwrap_or_default();
        for (at, pattern) in patterns.into_iter().enumerate() {
            let path = KeyPath::default().key("include").item(at);
            let place = pattern.place.clone();
            if let Ok(pattern) = pattern.text()
                && let Err(message) = included.look(directory, &pattern)
            {
                included.errors.push(ConfigError::new(place, path, message));
            }
        }
        included
    }

    fn look(&mut self, directory: &Path, pattern: &str) -> Result<(), String> {
        // The directory is no part of the pattern.
        let here = Pattern::escape(&directory.to_string_lossy());
        let whole = Path::new(&here).join(pattern);
        let found = glob::glob(&whole.to_string_lossy());
        let found = found.map_err(|error| format!("not a pattern: {error}"))?;
        let files = all_of(found)?;
        let is_pattern = |part: &Path| part.to_string_lossy().contains(['*', '?', '[']);
        let pattern = Path::new(pattern);
        if is_pattern(pattern) {
            let plain = pattern.ancestors().find(|part| !is_pattern(part));
            self.directories
                .extend(plain.map(|plain| directory.join(plain)));
        } else if files.is_empty() {
            return Err("there is no such file; create it, or drop it here".to_owned());
        }
        self.files
            .extend(files.into_iter().filter(|file| !file.is_dir()));
        Ok(())
    }

    /// Returns what changes when there are other routes in them.
    pub(super) fn watched(&self) -> impl Iterator<Item = PathBuf> {
        self.files.iter().chain(&self.directories).cloned()
    }

    /// Adds the routes of the files behind those of `root`. Returns every mistake.
    pub(super) fn read_into(self, root: &mut Node) -> Vec<ConfigError> {
        let mut errors = self.errors;
        for file in self.files {
            match routes(&file) {
                Ok(routes) => add(root, routes),
                Err(of_file) => errors.extend(of_file),
            }
        }
        errors
    }
}

/// Refuses a directory that cannot be looked into: its routes would be gone without a word.
fn all_of(
    found: impl Iterator<Item = Result<PathBuf, impl fmt::Display>>,
) -> Result<Vec<PathBuf>, String> {
    let files: Result<_, _> = found.collect();
    files.map_err(|error| format!("cannot be read: {error}"))
}

fn routes(file: &Path) -> Result<Vec<Node>, Vec<ConfigError>> {
    let name: Arc<str> = file.display().to_string().into();
    let place = Place::File(Arc::clone(&name));
    let refuse = |place, path, message: String| vec![ConfigError::new(place, path, message)];
    let text = fs::read_to_string(file).map_err(|error| {
        let message = format!("cannot be read: {error}");
        refuse(place, KeyPath::default(), message)
    })?;
    let Value::Table(entries) = source::parse(&text, &name)?.value else {
        return Ok(Vec::new());
    };
    let mut routes = Vec::new();
    let mut errors = Vec::new();
    for (key, node) in entries {
        let (place, path) = (node.place.clone(), KeyPath::default().key(&key));
        match node.items() {
            Ok(items) if key == "routes" => routes.extend(items),
            Err(message) if key == "routes" => errors.extend(refuse(place, path, message)),
            _ => errors.extend(refuse(place, path, ROUTES_ALONE.to_owned())),
        }
    }
    match errors.is_empty() {
        true => Ok(routes),
        false => Err(errors),
    }
}

fn add(root: &mut Node, further: Vec<Node>) {
    let place = root.place.clone();
    let Value::Table(root) = &mut root.value else {
        return;
    };
    let routes = root.entry("routes".to_owned()).or_insert_with(|| Node {
        value: Value::Array(Vec::new()),
        place,
    });
    // What is no array is refused when it is read.
    if let Value::Array(routes) = &mut routes.value {
        routes.extend(further);
    }
}

const ROUTES_ALONE: &str = "cannot be here; an included file has [[routes]] alone";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_looked_into_is_refused() {
        let file = || Ok(PathBuf::from("routes.d/wiki.toml"));
        let found = [file(), Err("attempting to read `routes.d/git`")];
        assert_eq!(
            all_of(found.into_iter()).unwrap_err(),
            "cannot be read: attempting to read `routes.d/git`"
        );
        let found = [file(), Result::<_, &str>::Ok("routes.d/git.toml".into())];
        assert_eq!(all_of(found.into_iter()).unwrap().len(), 2);
    }
}
