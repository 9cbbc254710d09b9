//! What is written about keys is what is read.

use std::collections::BTreeSet;

use super::*;
use crate::config::keys::TABLES;

/// The example with all that it only shows in force, but `cors`, which is a word or a table,
/// and `preset`, which stands in place of others.
fn whole_example(files: &[TempFile; 5]) -> String {
    let is_shown = |line: &str| line.starts_with("# [") || line.contains(" = ");
    let uncomment = |line: &'static str| match line.strip_prefix("# ") {
        Some(shown) if is_shown(line) => shown,
        _ => line,
    };
    let lines = Config::EXAMPLE.lines().map(uncomment);
    let is_other_form = |line: &str| line.starts_with("cors = ") || line.starts_with("preset = ");
    let lines = lines.filter(|line| !is_other_form(line));
    let [.., cert, key] = files;
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = text.replace("upstream = \"http:", "upstream = \"https:");
    let text = text.replace("/etc/gate/client.crt", cert.path());
    with_files(&text.replace("/etc/gate/client.key", key.path()), files)
}

/// The tables and keys that are asked for while a file is read, without the numbers of items.
fn asked(toml: &str) -> BTreeSet<String> {
    let root = tree_of_text(toml).unwrap();
    let report = Report::new(Vec::new());
    let place = root.place.clone();
    let config = Section::read(KeyPath::default(), root, &place, &report, |root| {
        Config::read(root, &ProxyVariables::of::<&str>([]))
    });
    assert!(config.is_some());
    let asked = report.asked().into_iter();
    let asked = asked.map(|(table, key)| match table.table() {
        table if table.is_empty() => key.to_owned(),
        table => format!("{table}.{key}"),
    });
    asked.collect()
}

#[test]
fn the_example_is_written_from_the_keys() {
    let cure = "write it anew: ghes-gatekeeper check config --example > src/config/example.toml";
    assert_eq!(Config::example(), Config::EXAMPLE, "{cure}");
}

#[test]
fn every_key_that_is_read_is_listed_and_every_key_that_is_listed_is_read() {
    let mut listed = BTreeSet::new();
    for table in TABLES {
        let path = table.header.trim_matches(['[', ']']);
        if path.is_empty() {
            listed.extend(table.keys().map(|key| key.name.to_owned()));
            continue;
        }
        listed.insert(path.to_owned());
        listed.extend(table.keys().map(|key| format!("{path}.{}", key.name)));
    }
    let read = asked(&whole_example(&files()));
    assert!(read.len() > 100, "{}", read.len());
    assert_eq!(read, listed);
}

#[test]
fn every_key_that_is_listed_is_in_the_example_or_its_file_is() {
    let mut shown = 0;
    for table in TABLES {
        let lines = table.to_string();
        assert!(Config::EXAMPLE.contains(&lines), "{lines}");
        for key in table.keys() {
            let is_shown = |name: &str| lines.contains(&format!("{name} = "));
            let name = key.name;
            assert!(
                is_shown(name) || is_shown(&format!("{name}_file")),
                "{name}"
            );
            shown += 1;
        }
    }
    assert!(shown > 100, "{shown}");
}

/// The default of each key as the schema has it, and as a file without the key has it.
#[test]
fn the_schema_tells_the_defaults() {
    let schema = Config::schema();
    let config = Config::parse(GOOD, []).unwrap();
    let defaults = |pointer: &str, key: &str| {
        let property = schema.pointer(pointer).unwrap();
        property["properties"][key]["default"].clone()
    };
    let cache = "/properties/cache";
    assert_eq!(defaults(cache, "active_max_age"), "1m");
    assert_eq!(
        defaults(cache, "active_capacity"),
        config.cache.active_capacity
    );
    assert_eq!(defaults("/properties/server", "h2c"), false);
    let limits = "/properties/ghes/oneOf/1/items/properties/limits";
    assert_eq!(
        defaults(limits, "queue"),
        config.ghes[0].limits.queue,
        "below each of several servers, too"
    );
    assert!(defaults("/properties/server/properties/limits", "h2_head_bytes").is_null());
}

#[test]
fn nothing_of_a_secret_is_in_the_schema_or_the_example() {
    let schema = Config::schema().to_string();
    for text in [schema, Config::example()] {
        assert!(text.contains("client_secret") && !text.contains(SECRET));
    }
}
