//! What each file of `src` imports, as far as its text shows.
//!
//! Tests do not count, since they may look at anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a module from the root of the crate, such as `["proxy", "config"]`.
pub(crate) type Module = Vec<String>;

/// A path in the source: the line it stands on, and what it leads to.
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: Module,
    is_use: bool,
}

pub(crate) struct Source {
    /// From the root of the repository.
    pub(crate) file: PathBuf,
    pub(crate) imports: Vec<Import>,
}

/// The sources by their modules; the root of the library has the empty path.
pub(crate) struct Tree(pub(crate) BTreeMap<Module, Source>);

impl Tree {
    pub(crate) fn read() -> Self {
        let read = |file: PathBuf| {
            let text = fs::read_to_string(&file).expect("UTF-8");
            (file.strip_prefix(root()).expect("within").to_owned(), text)
        };
        let files = files(&root().join("src")).into_iter().map(read);
        Self::from_texts(files.filter(|(file, _)| !is_test(file)).collect())
    }

    /// A tree of these files, named without `src` and `.rs`.
    pub(crate) fn of<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let files = files.into_iter();
        let file = |name: &str| Path::new("src").join(name).with_extension("rs");
        Self::from_texts(
            files
                .map(|(name, text)| (file(name), text.to_owned()))
                .collect(),
        )
    }

    fn from_texts(files: Vec<(PathBuf, String)>) -> Self {
        let modules: BTreeSet<Module> = files.iter().map(|(file, _)| module(file)).collect();
        let source = |(file, text): (PathBuf, String)| {
            let module = module(&file);
            let is_child = |name: &str| modules.contains(&join(&module, &[name.to_owned()]));
            let text = without_comments_and_tests(&text);
            let imports = imports(&text, &module, is_child);
            (module, Source { file, imports })
        };
        Self(files.into_iter().map(source).collect())
    }

    /// The module that defines what a path leads to, through what others re-export.
    pub(crate) fn definer(&self, path: &[String]) -> Option<Module> {
        let mut path = path.to_vec();
        // A circle of re-exports would not compile, but names can be taken for others here.
        for _ in 0..8 {
            let depth = (0..=path.len())
                .rev()
                .find(|&depth| self.0.contains_key(&path[..depth]))?;
            let (module, rest) = path.split_at(depth);
            let again = rest.first().and_then(|name| {
                let mut uses = self.0[module].imports.iter().filter(|import| import.is_use);
                uses.find(|import| import.path.last() == Some(name) && import.path != path)
            });
            match again {
                Some(import) => path = import.path.clone(),
                None => return Some(module.to_vec()),
            }
        }
        None
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let below = paths.iter().flat_map(|path| match path.is_dir() {
        true => files(path),
        false => vec![path.clone()],
    });
    below
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect()
}

fn is_test(file: &Path) -> bool {
    let names = ["tests", "tests.rs", "schedules.rs"];
    let mut parts = file.iter().filter_map(|part| part.to_str());
    // The command's root has the path of the library's, and imports what it likes as well.
    file == Path::new("src/main.rs") || parts.any(|part| names.contains(&part))
}

fn module(file: &Path) -> Module {
    let file = file.strip_prefix("src").expect("within");
    let mut module: Module = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().expect("UTF-8").to_owned())
        .collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// The text with the same lines.
fn without_comments_and_tests(text: &str) -> String {
    let (code, _) = text
        .split_once("#[cfg(test)]\nmod tests {")
        .unwrap_or((text, ""));
    let code_of = |line: &str| match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    code.lines().map(|line| code_of(line) + "\n").collect()
}

fn imports(text: &str, module: &[String], is_child: impl Fn(&str) -> bool) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut end = 0;
    for (at, word) in words(text) {
        let is_use = text[..at].trim_end().ends_with("use");
        let begins = match word {
            "crate" | "self" | "super" | "ghes_gatekeeper" => true,
            _ => is_use && is_child(word),
        };
        if at < end || !begins || !text[at + word.len()..].starts_with("::") {
            continue;
        }
        let mut leaves = Leaves {
            text,
            at,
            found: Vec::new(),
        };
        leaves.tree(&[]);
        end = leaves.at;
        let module = join(module, &inline_module(&text[..at]));
        let resolved = leaves.found.into_iter().map(|(at, path)| Import {
            line: text[..at].matches('\n').count() + 1,
            path: resolve(&path, &module),
            is_use,
        });
        imports.extend(resolved);
    }
    imports
}

/// The module in braces that this text ends within, if any.
fn inline_module(text: &str) -> Module {
    let outer = |line: &&str| !line.is_empty() && !line.starts_with([' ', '#']);
    let line = text.lines().rev().skip(1).find(outer).unwrap_or_default();
    let line = line.strip_suffix(" {").unwrap_or_default();
    let name = line.split_once("mod ").map(|(_, name)| name.to_owned());
    name.into_iter().collect()
}

/// The words of a text and where they begin, but for those in the middle of a path.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words = text.split(ends).filter(|word| !word.is_empty());
    words.filter_map(move |word| {
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        let before = &text[..at];
        (!before.ends_with("::") && !before.ends_with('$')).then_some((at, word))
    })
}

/// Makes a path begin at the root of the crate.
fn resolve(path: &[String], module: &[String]) -> Module {
    let above = path.iter().take_while(|name| *name == "super").count();
    match path[0].as_str() {
        "crate" | "ghes_gatekeeper" => path[1..].to_vec(),
        "super" => join(
            &module[..module.len().saturating_sub(above)],
            &path[above..],
        ),
        "self" => join(module, &path[1..]),
        _ => join(module, path),
    }
}

fn join(front: &[String], back: &[String]) -> Module {
    [front, back].concat()
}

/// Reads the tree of one `use`, or one path.
struct Leaves<'t> {
    text: &'t str,
    at: usize,
    found: Vec<(usize, Module)>,
}

impl Leaves<'_> {
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        loop {
            let start = self.skip();
            if self.takes("{") {
                return self.branches(&path);
            }
            let rest = &self.text[self.at..];
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            match &rest[..length] {
                "" => return self.found.push((start, path)),
                // Of `use a::{self}`.
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            self.at += length;
            if !self.takes("::") {
                return self.found.push((start, path));
            }
        }
    }

    /// What stands in braces, after the first.
    fn branches(&mut self, prefix: &[String]) {
        while self.at < self.text.len() && !self.takes("}") {
            self.tree(prefix);
            let rest = &self.text[self.at..];
            // Past ` as other`.
            self.at += rest.find([',', '}']).unwrap_or(rest.len());
            self.takes(",");
            self.skip();
        }
    }

    fn takes(&mut self, what: &str) -> bool {
        let is_there = self.text[self.at..].starts_with(what);
        self.at += if is_there { what.len() } else { 0 };
        is_there
    }

    fn skip(&mut self) -> usize {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.at
    }
}
