//! The documented example has every key, so what holds for each of its lines holds for all.

use super::*;

/// One key of the example: its section, and where the two stand, counted from 0. Before the first
/// section there is none, which stands nowhere.
struct Key {
    section: String,
    section_line: Option<usize>,
    name: &'static str,
    line: usize,
}

/// Reads a line as `name = …`, behind a `#` as well: some keys do not go together with others.
fn name_on(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start_matches("# ").split_once(" = ")?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(is_name).then_some(name)
}

fn section_on(line: &str) -> Option<String> {
    let line = line.trim_start_matches("# ");
    let (header, _) = line.split_once(']')?;
    match header.strip_prefix("[[") {
        Some(array) => Some(format!("{array}[0]")),
        None => Some(header.strip_prefix('[')?.replace("routes", "routes[0]")),
    }
}

fn keys() -> Vec<Key> {
    let (mut section, mut section_line) = (String::new(), None);
    let mut keys = Vec::new();
    for (line, text) in Config::EXAMPLE.lines().enumerate() {
        if let Some(next) = section_on(text) {
            (section, section_line) = (next, Some(line));
        } else if let Some(name) = name_on(text) {
            let section = section.clone();
            keys.push(Key {
                section,
                section_line,
                name,
                line,
            });
        }
    }
    keys
}

/// The example with a value in one place that no key can have. A section that only shows what
/// there is comes into force for it, in place of a key of the same name.
fn with_nonsense(example: &str, key: &Key) -> String {
    let lines = example.lines().enumerate().map(|(at, line)| {
        let replaced = |name| key.section.ends_with(&format!(".{name}"));
        match name_on(line) {
            _ if Some(at) == key.section_line => line.trim_start_matches("# ").to_owned(),
            Some(name) if at == key.line => format!("{name} = {{ nonsense = 1979-05-27 }}"),
            Some(name) if replaced(name) => format!("# {line}"),
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_key_refuses_nonsense_and_names_itself() {
    let files = files();
    let example = example(&files);
    let keys = keys();
    assert!(keys.len() > 80, "{}", keys.len());
    for key in keys {
        let text = errors(&with_nonsense(&example, &key), &[]);
        let dot = if key.section.is_empty() { "" } else { "." };
        let (line, section, name) = (key.line + 1, &key.section, key.name);
        let begin = format!("configuration:{line}: {section}{dot}{name}");
        let is_about_key = |line: &str| {
            let rest = line.strip_prefix(&begin);
            rest.is_some_and(|rest| rest.starts_with([':', '.']))
        };
        assert!(text.lines().any(is_about_key), "{begin} is not in:\n{text}");
    }
}
