//! Each link leads somewhere, and each chapter is linked to.

use std::fs;

use super::{Document, README, chapters, documents, in_tree};

/// What stands between `](` or `]: ` and the end of a link.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1).map(|rest| rest.split(')').next());
    let apart = text.lines().filter(|line| line.starts_with('['));
    let apart = apart.filter_map(|line| line.split_once("]: ").map(|(_, link)| link));
    inline.flatten().chain(apart)
}

/// As rustdoc makes it of a header.
fn anchor(header: &str) -> String {
    let kept = header.chars().filter_map(|letter| match letter {
        ' ' | '-' => Some('-'),
        letter if letter.is_alphanumeric() || letter == '_' => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn every_link_leads_somewhere() {
    let chapters = chapters();
    let (docs, source) = ("ghes_gatekeeper/manual/", "/latest/source/");
    let mut count = 0;
    for Document { name, text } in documents() {
        for link in links(&text) {
            count += 1;
            if let Some((_, path)) = link.split_once(source) {
                assert!(in_tree(path).exists(), "{name}: {link}");
            } else if let Some((_, chapter)) = link.split_once(docs) {
                assert!(
                    chapters.contains(chapter.trim_end_matches('/')),
                    "{name}: {link}"
                );
            } else if let Some(place) = link.strip_prefix("crate::manual::") {
                // That the chapter is there is looked at by rustdoc; the header is not.
                let (chapter, header) = place.split_once('#').unwrap_or((place, ""));
                let chapter = in_tree(&format!("src/manual/{chapter}.md"));
                let chapter = fs::read_to_string(chapter).expect(link);
                let mut headers = chapter.lines().filter_map(|line| line.strip_prefix("# "));
                let is_there = header.is_empty() || headers.any(|line| anchor(line) == header);
                assert!(is_there, "{name}: {link}");
            } else {
                let item = link.trim_start_matches("mod@");
                let is_known = item.starts_with("crate") || link.starts_with("https://");
                assert!(is_known, "{name}: {link}");
            }
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_chapter_is_in_the_readme_and_in_the_list_of_the_manual() {
    let list = fs::read_to_string(in_tree("src/manual/mod.rs")).expect("the list");
    for chapter in chapters() {
        assert!(README.contains(&format!("][{chapter}] |")), "{chapter}");
        assert!(list.contains(&format!("](mod@{chapter}) |")), "{chapter}");
        assert!(
            list.contains(&format!("pub mod {chapter} {{}}")),
            "{chapter}"
        );
    }
}
