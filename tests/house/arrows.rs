//! Dependencies of `src` point one way, from what is the product to what knows nothing of it.
//!
//! Each table of exceptions can only shrink: what is not in it fails, and so does what is in it
//! and has been mended.

use std::collections::{BTreeMap, BTreeSet};

use crate::circles::circles;
use crate::imports::{Module, Source, Tree, files, root};

/// The rooms of `src`, each of which may use those before it. Not all have to be there.
const ORDER: [&str; 42] = [
    // Ground.
    "causes",
    "counter",
    "clock",
    "throttle",
    "watched",
    "path",
    "fold",
    "method_override",
    "authority",
    "network",
    "token",
    "scope",
    "identity",
    "bearer",
    "connect",
    // What GHES says.
    "check",
    "membership",
    "policy",
    "rejection",
    "validator",
    "admission",
    "gatekeeper",
    "extractor",
    "testing",
    "assertion",
    // GHES.
    "ghes",
    "protection",
    "emulator",
    // HTTP, without a gate.
    "server",
    "hygiene",
    "upstream",
    "endpoint",
    "fronts",
    // The product.
    "metrics",
    "webhook",
    "config",
    "routing",
    "callers",
    "session",
    "proxy",
    "cli",
    "manual",
];

/// Rooms that may use no more than these.
const KNOWS_ONLY: [(&str, &[&str]); 7] = [
    ("emulator", &[]),
    ("endpoint", HTTP),
    ("fronts", HTTP),
    ("ghes", ASKING),
    ("hygiene", HTTP),
    ("server", HTTP),
    ("upstream", HTTP),
];

/// What is asked and answered, but not what is remembered of it or follows from it.
const ASKING: &[&str] = &[
    "causes",
    "clock",
    "path",
    "authority",
    "token",
    "scope",
    "identity",
    "connect",
    "check",
    "membership",
];

/// No token, and nothing that is made of one.
const HTTP: &[&str] = &[
    "causes",
    "counter",
    "clock",
    "throttle",
    "watched",
    "path",
    "fold",
    "authority",
    "network",
    "connect",
    "rejection",
    "hygiene",
    "server",
    "upstream",
];

/// Arrows that are turned, and why they are.
const TURNED: &[(&str, &str)] = &[];

/// Folders of more files than are enough, and why.
const CROWDED: &[(&str, &str)] = &[];

/// Circles of files, by the first of them, and why.
const CIRCLES_OF_FILES: &[(&str, &str)] = &[];

/// Circles of folders, by the first of them, and why.
const CIRCLES_OF_FOLDERS: &[(&str, &str)] = &[
    ("config/ghes", "the reader knows how a server is written"),
    ("ghes/api", "a reply is read into the errors of the API"),
    (
        "server/connection",
        "a connection knows its protocol, and that its stream",
    ),
];

const MOST_FILES: usize = 16;

/// The lines to complain of, by what an exception would name.
type Found = BTreeMap<String, Vec<String>>;

pub(crate) fn assert_one_way() {
    assert_none(&but_for(turned(&Tree::read()), TURNED));
}

fn turned(tree: &Tree) -> Found {
    let mut found = Found::new();
    for (from, to, place) in arrows(tree) {
        if !may_use(&from, &to) {
            let complaint = format!("{place} room {from} may not use room {to}");
            let arrow = format!("{from} -> {to}");
            found.entry(arrow).or_default().push(complaint);
        }
    }
    found
}

/// Which rooms use which others, and where: what a path names, and what that is re-exported from.
fn arrows(tree: &Tree) -> BTreeSet<(String, String, String)> {
    let mut arrows = BTreeSet::new();
    for (module, source) in &tree.0 {
        for import in &source.imports {
            let definer = tree.definer(&import.path).unwrap_or_default();
            let named = import
                .path
                .first()
                .filter(|name| ORDER.contains(&name.as_str()));
            for to in named.into_iter().chain(definer.first()) {
                if let Some(from) = module.first().filter(|from| *from != to) {
                    let place = format!("{}:{}", source.file.display(), import.line);
                    arrows.insert((from.clone(), to.clone(), place));
                }
            }
        }
    }
    arrows
}

fn may_use(from: &str, to: &str) -> bool {
    let place = |room| ORDER.iter().position(|name| *name == room);
    let knows = KNOWS_ONLY.iter().find(|(room, _)| *room == from);
    place(from) > place(to) && knows.is_none_or(|(_, rooms)| rooms.contains(&to))
}

#[test]
fn every_room_has_its_place_in_the_order() {
    let tree = Tree::read();
    let rooms: BTreeSet<&str> = tree
        .0
        .keys()
        .filter_map(|module| module.first())
        .map(String::as_str)
        .collect();
    let without: Vec<_> = rooms.iter().filter(|room| !ORDER.contains(room)).collect();
    assert!(without.is_empty(), "not in ORDER: {without:?}");
    // Otherwise there would be nothing to hold.
    assert!(rooms.len() > 20 && arrows(&tree).len() > 300);
}

#[test]
fn a_turned_arrow_is_found() {
    let others = [
        ("token", ""),
        ("proxy", "pub use self::config::Config;"),
        ("proxy/config", ""),
    ];
    let tree = |from, text| Tree::of(others.into_iter().chain([(from, text)]));
    for (from, text, complaint) in [
        (
            "token",
            "use crate::proxy::Config;",
            "src/token.rs:1 room token may not use room proxy",
        ),
        (
            "check/kind",
            "\nuse super::super::{token, proxy::{Config, config}};",
            "src/check/kind.rs:2 room check may not use room proxy",
        ),
        (
            "emulator",
            "fn a(_: &crate::token::AccessToken) {}",
            "src/emulator.rs:1 room emulator may not use room token",
        ),
        (
            "server",
            "mod sealed {\n    use super::super::token::AccessToken;\n}",
            "src/server.rs:2 room server may not use room token",
        ),
    ] {
        let complaints = but_for(turned(&tree(from, text)), &[]);
        assert_eq!(
            complaints.first().map(String::as_str),
            Some(complaint),
            "{text}"
        );
    }
    for (from, text) in [
        ("proxy/routes", "use crate::token::AccessToken;"),
        (
            "check",
            "//! See [`crate::proxy`].\nuse crate::token::AccessToken;",
        ),
        (
            "token",
            "#[cfg(test)]\nmod tests {\n    use crate::proxy::Config;\n}\n",
        ),
    ] {
        let found = turned(&tree(from, text));
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn an_exception_that_is_mended_is_found() {
    let found = || Found::from([("a -> b".to_owned(), vec!["a.rs:1".to_owned()])]);
    assert_eq!(but_for(found(), &[("a -> b", "why")]), [""; 0]);
    let complaints = but_for(found(), &[("b -> a", "why")]);
    let mended = "b -> a is mended: take it out of the exceptions";
    assert_eq!(complaints, ["a.rs:1", mended]);
}

#[test]
fn no_folder_is_crowded() {
    let mut count = BTreeMap::<String, usize>::new();
    for file in files(&root().join("src")) {
        let folder = file.parent().expect("a folder");
        let folder = folder.strip_prefix(root()).expect("within");
        *count.entry(folder.display().to_string()).or_default() += 1;
    }
    let crowded = count.into_iter().filter(|(_, count)| *count > MOST_FILES);
    let complaint = |(folder, count): (String, usize)| {
        let complaint = format!("{folder} has {count} files, of which {MOST_FILES} are enough");
        (folder, vec![complaint])
    };
    assert_none(&but_for(crowded.map(complaint).collect(), CROWDED));
}

#[test]
fn no_files_and_no_folders_import_each_other_in_a_circle() {
    let tree = Tree::read();
    let files = circles(&tree, |module, _| module.join("/"));
    let folders = circles(&tree, folder);
    println!(
        "{} circles of files, {} of folders",
        files.len(),
        folders.len()
    );
    let complaint = |circle: Vec<String>| {
        println!("{}", circle.join(", "));
        let complaint = format!("a circle of {}: {}", circle.len(), circle.join(", "));
        (circle[0].clone(), vec![complaint])
    };
    let files = files.into_iter().map(complaint).collect();
    let folders = folders.into_iter().map(complaint).collect();
    assert_none(&but_for(files, CIRCLES_OF_FILES));
    assert_none(&but_for(folders, CIRCLES_OF_FOLDERS));
}

/// The folder of a module; a room of one file is as good as a folder.
fn folder(module: &Module, source: &Source) -> String {
    let folder = source.file.parent().expect("a folder");
    match folder.strip_prefix("src") {
        Ok(folder) if folder.iter().next().is_some() => folder.display().to_string(),
        _ => module.join("/"),
    }
}

/// What is found and no exception, and the exceptions that are not found.
fn but_for(mut found: Found, exceptions: &[(&str, &str)]) -> Vec<String> {
    let stale = exceptions
        .iter()
        .filter(|(name, _)| found.remove(*name).is_none());
    let stale = stale.map(|(name, _)| format!("{name} is mended: take it out of the exceptions"));
    let stale: Vec<_> = stale.collect();
    found.into_values().flatten().chain(stale).collect()
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
