//! Which sources import each other in circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Module, Source, Tree};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The strongly connected components of more than one node, each sorted.
pub(crate) fn circles(tree: &Tree, node: fn(&Module, &Source) -> String) -> Vec<Vec<String>> {
    let graph = graph(tree, node);
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(from) = next.pop() {
            let further = graph.get(from).into_iter().flatten();
            next.extend(further.filter(|to| seen.insert((*to).clone())));
        }
        seen
    };
    let reach: Graph = graph
        .keys()
        .map(|from| (from.clone(), reached(from)))
        .collect();
    let mut circles = BTreeSet::new();
    for (from, seen) in &reach {
        let returns = |to: &&String| reach.get(*to).is_some_and(|seen| seen.contains(from));
        let circle: Vec<String> = seen.iter().filter(returns).cloned().collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn graph(tree: &Tree, node: fn(&Module, &Source) -> String) -> Graph {
    let mut graph = Graph::new();
    for (module, source) in &tree.0 {
        for import in &source.imports {
            let definer = tree.definer(&import.path).unwrap_or_default();
            if module.is_empty() || definer.is_empty() {
                continue;
            }
            let (from, to) = (node(module, source), node(&definer, &tree.0[&definer]));
            if !is_within(&from, &to) && !is_within(&to, &from) {
                graph.entry(from).or_default().insert(to);
            }
        }
    }
    graph
}

/// A facade and what is below it are one part: what they import of each other is no circle.
fn is_within(inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn a_circle_is_found_however_long() {
    let name = |module: &Module, _: &Source| module.join("/");
    let circle = [
        ("a", "use crate::b::B;"),
        ("b", "use crate::c::C;"),
        ("c", "use crate::a::A;\nuse crate::d::D;"),
        ("d", "pub use self::e::E;"),
        ("d/e", "use super::D;"),
    ];
    assert_eq!(circles(&Tree::of(circle), name), [["a", "b", "c"]]);
    let chain = Tree::of([
        ("a", "use crate::b::B;"),
        ("b", "use crate::c::C;"),
        ("c", ""),
    ]);
    assert!(circles(&chain, name).is_empty());
}
