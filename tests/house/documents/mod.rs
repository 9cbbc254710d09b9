//! What the README and the manual show is true. Their Rust code runs as doctests.

mod commands;
mod configurations;
mod links;
mod moving;
mod readme;
mod units;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, iter};

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));

/// A text that users read.
struct Document {
    name: String,
    text: String,
}

/// Something that a reader may paste.
struct Snippet {
    document: String,
    /// As the fence says: `toml`, `sh`, `rust,no_run`.
    language: String,
    text: String,
}

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names of the manual's chapters, by their files.
fn chapters() -> BTreeSet<String> {
    let files = fs::read_dir(in_tree("src/manual")).expect("the manual");
    let names = files.map(|file| file.expect("a file").file_name().into_string());
    let names = names.map(|name| name.expect("UTF-8"));
    let chapters = names.filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()));
    chapters.collect()
}

fn documents() -> Vec<Document> {
    let chapters = chapters().into_iter().map(|name| {
        let text = fs::read_to_string(in_tree(&format!("src/manual/{name}.md")));
        let text = text.expect("a chapter");
        Document { name, text }
    });
    let readme = Document {
        name: "README".to_owned(),
        text: README.to_owned(),
    };
    iter::once(readme).chain(chapters).collect()
}

/// Every block between fences.
fn snippets() -> Vec<Snippet> {
    let of = |document: &Document| {
        let parts: Vec<_> = document.text.split("```").collect();
        // Of text, fence, text, fence, text there is an odd number.
        assert_eq!(parts.len() % 2, 1, "{}: a fence is open", document.name);
        let fenced = parts.into_iter().skip(1).step_by(2);
        let snippet = |fenced: &str| {
            let (language, text) = fenced.split_once('\n').expect("a line of a fence");
            Snippet {
                document: document.name.clone(),
                language: language.to_owned(),
                text: text.to_owned(),
            }
        };
        fenced.map(snippet).collect::<Vec<_>>()
    };
    documents().iter().flat_map(of).collect()
}

fn snippets_in(language: &str) -> Vec<Snippet> {
    let all = snippets().into_iter();
    all.filter(|snippet| snippet.language == language).collect()
}

/// Runs a program, unless it is not installed; CI has all of them.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(arguments).output();
    if output.is_err() {
        assert!(env::var_os("CI").is_none(), "CI has {program}");
        eprintln!("skipped: {program} is not installed");
    }
    output.ok()
}

/// What each language is checked by; a new one needs a check, too.
#[test]
fn nothing_is_shown_that_no_test_looks_at() {
    for Snippet {
        document, language, ..
    } in snippets()
    {
        let is_checked = match language.as_str() {
            // A picture.
            "text" => true,
            // Here, and by `proxy::real_fronts`.
            "toml" | "sh" | "haproxy" | "ini" | "nginx" => true,
            // By rustdoc.
            "rust" | "rust,no_run" => true,
            _ => false,
        };
        assert!(is_checked, "{document}: {language:?}");
    }
}
