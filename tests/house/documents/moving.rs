//! What stands in the table for those who had oauth2-proxy is there.

use std::collections::BTreeSet;
use std::fs;

use super::in_tree;

const CHAPTER: &str = include_str!("../../../src/manual/moving_from_oauth2_proxy.md");

/// The keys of the configuration, such as `routes.timeouts.response`.
fn keys() -> BTreeSet<String> {
    let example = fs::read_to_string(in_tree("src/config/example.toml")).expect("the example");
    let (mut section, mut keys) = (String::new(), BTreeSet::new());
    for line in example.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            let name = line.trim_start_matches('[').split(']').next();
            name.expect("a name").clone_into(&mut section);
            keys.insert(section.clone());
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

/// The cells of the settings, theirs and ours.
fn rows() -> Vec<(&'static str, &'static str)> {
    let (_, table) = CHAPTER
        .split_once("| oauth2-proxy | here |\n|---|---|\n")
        .expect("it");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.map(|line| line.trim_matches('|').split_once('|').expect("two cells"));
    cells
        .map(|(theirs, ours)| (theirs.trim(), ours.trim()))
        .collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_setting_has_a_key_that_exists_or_a_reason() {
    let keys = keys();
    assert!(keys.contains("routes.timeouts.response") && keys.contains("session.max_age"));
    let (mut seen, mut named) = (BTreeSet::new(), 0);
    for (theirs, ours) in rows() {
        for setting in quoted(theirs) {
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(setting.chars().all(is_name), "{setting}");
            assert!(seen.insert(setting), "{setting} is there twice");
        }
        let looks_like_one = |text: &&str| {
            text.contains('.')
                && text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || "._".contains(c))
        };
        let mut names = 0;
        for key in quoted(ours).filter(looks_like_one) {
            assert!(keys.contains(key), "{theirs}: there is no {key}");
            names += 1;
        }
        let has_reason = ours.starts_with("none: ") && ours.len() > "none: ".len();
        assert!(names > 0 || has_reason, "{theirs}: {ours}");
        named += names;
    }
    assert!(seen.len() > 80 && named > 30, "{} {named}", seen.len());
}
