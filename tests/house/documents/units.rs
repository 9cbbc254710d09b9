//! Units of systemd.

use std::path::PathBuf;
use std::{env, fs, process};

use ghes_gatekeeper::proxy::ListenAddress;

use super::{documents, run, snippets_in};

/// Deleted when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes each block to the file that its first line names, and returns the paths.
fn write(folder: &Folder) -> Vec<String> {
    fs::create_dir(&folder.0).expect("a directory");
    let units = snippets_in("ini").into_iter().map(|snippet| {
        let name = snippet
            .text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "));
        let path = folder.0.join(name.expect("the name of a file"));
        // It has to be a program that is here.
        let text = snippet
            .text
            .replace("/usr/local/bin/ghes-gatekeeper", "/bin/true");
        fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    });
    units.collect()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let name = format!("ghes-gatekeeper-units-{}", process::id());
    let folder = Folder(env::temp_dir().join(name));
    let units = write(&folder);
    assert_eq!(units.len(), 2, "{units:?}");
    let mut arguments = vec!["verify"];
    arguments.extend(units.iter().map(String::as_str));
    let Some(output) = run("systemd-analyze", &arguments) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    // It only warns of keys that it does not know; and the machine's own units are not ours.
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let folder = folder.0.to_str().expect("UTF-8");
    let ours: Vec<_> = told.lines().filter(|line| line.contains(folder)).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

/// A socket that no listener has is refused, so the text beside the unit must name all of them.
#[test]
fn each_socket_has_its_listener() {
    let documents = documents();
    let mut sockets = 0;
    for snippet in snippets_in("ini") {
        let text = documents
            .iter()
            .find(|document| document.name == snippet.document);
        let text = &text.expect("the document").text;
        let lines = snippet.text.lines();
        for stream in lines.filter_map(|line| line.strip_prefix("ListenStream=")) {
            let prefix = if stream.starts_with('/') { "unix:" } else { "" };
            let address = format!("{prefix}{stream}");
            address.parse::<ListenAddress>().expect("an address");
            assert!(text.contains(&format!("\"{address}\"")), "{address}");
            sockets += 1;
        }
    }
    assert_eq!(sockets, 2);
}
