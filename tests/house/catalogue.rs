//! The table of what happened to others is whole, and what it names is there.

use std::fs;
use std::path::{Path, PathBuf};

/// Families and how many rows each has.
const FAMILIES: [(char, usize); 9] = [
    ('A', 20),
    ('B', 16),
    ('C', 14),
    ('D', 13),
    ('E', 13),
    ('F', 15),
    ('G', 10),
    ('H', 6),
    ('I', 10),
];

const REASONS: [&str; 3] = ["Not applicable: ", "By construction: ", "Not yet: "];

/// The first and the last cell of each row.
fn rows() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("tests/catalogue.md")).expect("the table");
    let cells = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        (cells[0].to_owned(), cells[2].to_owned())
    };
    let lines = text.lines().filter(|line| line.starts_with("| "));
    let lines = lines.filter(|line| !line.starts_with("| row "));
    lines.map(cells).collect()
}

#[test]
fn every_row_is_there_once_and_in_order() {
    let ids: Vec<String> = rows().into_iter().map(|(id, _)| id).collect();
    let of_family = |(family, count)| (1..=count).map(move |number| format!("{family}{number}"));
    let expected: Vec<String> = FAMILIES.into_iter().flat_map(of_family).collect();
    assert_eq!(ids, expected);
    assert_eq!(ids.len(), 117);
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    for (id, shown) in rows() {
        let has_reason = REASONS.iter().any(|reason| shown.contains(reason));
        assert!(!named(&shown).is_empty() || has_reason, "{id}: {shown}");
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    for (id, shown) in rows() {
        for test in named(&shown) {
            assert!(exists(test), "{id}: there is no test {test}");
        }
    }
}

/// Otherwise the check above would have nothing to find.
#[test]
fn what_is_not_there_is_found_out() {
    for test in [
        "proxy::catalogue::identity::a21_there_is_none",
        "proxy::catalogue::nowhere::a1_underscores_forge_no_identity",
        // A function that is not a test.
        "proxy::catalogue::identity::forwarded",
        "proxy::carrier::front::connect",
    ] {
        assert!(!exists(test), "{test}");
    }
}

/// What stands in backticks and looks like the path of a test.
fn named(shown: &str) -> Vec<&str> {
    let quoted = shown.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains("::")).collect()
}

fn exists(test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").expect("a path");
    let sources = sources(module)
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    sources.into_iter().any(|source| is_test(&source, name))
}

/// Where a module can stand.
fn sources(module: &str) -> Vec<PathBuf> {
    let path = module.replace("::", "/");
    let path = match path.strip_prefix("lib/") {
        Some(rest) => format!("src/{rest}"),
        None => format!("tests/{path}"),
    };
    // A `mod tests` may stand in the file of what it tests.
    let outer = path.strip_suffix("/tests").unwrap_or(&path);
    let files = [
        format!("{path}.rs"),
        format!("{path}/mod.rs"),
        format!("{path}/main.rs"),
        format!("{outer}.rs"),
        format!("{outer}/mod.rs"),
    ];
    files.map(|file| root().join(file)).into()
}

/// A test has its attribute, or is run by a macro over several protocols, or before several servers.
fn is_test(source: &str, name: &str) -> bool {
    let lists = ["over!(", "every_front!(", "every_login!("];
    has_attribute(source, name) || lists.into_iter().any(|list| is_in_list(source, list, name))
}

fn has_attribute(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let begins = format!("fn {name}(");
    let mut places = (0..lines.len()).filter(|&at| lines[at].contains(&begins));
    places.any(|at| {
        let above = lines[..at].iter().rev();
        let mut above = above.take_while(|line| line.starts_with("#["));
        above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

fn is_in_list(source: &str, list: &str, name: &str) -> bool {
    let lists = source.split(list).skip(1);
    let mut lists = lists.map(|rest| rest.split(");").next().unwrap_or_default());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    lists.any(|list| list.split(|c| !is_name(c)).any(|word| word == name))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
