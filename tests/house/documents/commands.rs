//! Each command line that is shown is understood.

use std::fs;

use ghes_gatekeeper::config::Config;

use super::configurations::{Files, completed, configurations};
use super::{run, snippets_in};

fn command_lines() -> impl Iterator<Item = String> {
    let lines = snippets_in("sh").into_iter().flat_map(|snippet| {
        let lines = snippet.text.lines().map(str::to_owned);
        lines.collect::<Vec<_>>()
    });
    // Comments and redirections are the shell's.
    lines.map(|line| {
        line.split(['#', '<', '>'])
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

#[test]
fn every_command_line_is_understood() {
    let Some(gate) = option_env!("CARGO_BIN_EXE_ghes-gatekeeper") else {
        return;
    };
    // With `--help` at its end, a command line is parsed and nothing is done.
    let understood = |arguments: &[&str]| {
        let output = run(gate, &[arguments, &["--help"]].concat()).expect("the command");
        output.status.success()
    };
    let mut count = 0;
    for line in command_lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ghes-gatekeeper", arguments @ ..] => {
                assert!(understood(arguments), "{line}");
                let nonsense = [arguments, &["--nonsense"]].concat();
                assert!(!understood(&nonsense), "{line}");
                count += 1;
            }
            ["cargo" | "curl" | "git" | "openssl", ..] => {}
            _ => panic!("what is {line:?}?"),
        }
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn the_key_that_openssl_makes_signs() {
    let files = Files::new("openssl");
    let path = files.path("assertion.pem");
    let mut lines = command_lines();
    let line = lines.find(|line| line.starts_with("openssl")).expect("it");
    let line = line.replace("/etc/gate/assertion.pem", &path);
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    fs::remove_file(&path).expect("the key of the test");
    let Some(output) = run("openssl", &words) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let mut all = configurations();
    let assertion = all.find(|snippet| snippet.text.starts_with("[assertion]"));
    let toml = completed(&assertion.expect("the table").text, &files);
    assert!(Config::parse(&toml, []).is_ok());
}

#[test]
fn haproxy_understands_its_block() {
    let files = Files::new("haproxy");
    let block = snippets_in("haproxy").pop().expect("the block").text;
    let around = "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n\
                  frontend clients\n bind 127.0.0.1:80\n default_backend gates\n";
    let checked = |block: &str| {
        files.write("haproxy.cfg", &format!("{around}{block}"));
        run("haproxy", &["-c", "-f", &files.path("haproxy.cfg")])
    };
    let Some(output) = checked(&block) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let nonsense = checked(&block.replace("httpchk", "nonsense"));
    assert!(!nonsense.expect("it ran before").status.success());
}
