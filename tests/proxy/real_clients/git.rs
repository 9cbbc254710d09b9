use std::fs;
use std::path::Path;

use super::site::repositories;
use super::{run, text};
use crate::TOKEN;
use crate::support::{Gate, route};
use crate::upstreams::{Temporary, temporary};

/// A directory with a bare repository, and what git needs to know of its user.
fn home() -> Temporary {
    let home = temporary("git");
    fs::create_dir_all(home.0.join("served")).expect("a directory");
    let settings = "[user]\nname = octocat\nemail = octocat@github.com\n\
                    [init]\ndefaultBranch = main\n[http]\nproxy = \"\"\n[gc]\nauto = 0\n\
                    [core]\ncompression = 0\n";
    fs::write(home.0.join(".gitconfig"), settings).expect("a file");
    home
}

async fn git(home: &Path, arguments: &[&str]) -> Option<String> {
    let output = run(home, "git", arguments).await?;
    let said = text(&output);
    assert!(output.status.success(), "{arguments:?}: {said}");
    Some(said)
}

async fn gate(home: &Path) -> Option<Gate> {
    git(home, &["init", "-q", "--bare", "served/repo.git"]).await?;
    let tool = repositories(home.join("served")).await;
    Some(Gate::start(&route("/", tool, "basic = true")).await)
}

/// Bytes that nothing makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(bytes / 8).flatten().collect()
}

/// The form of a URL in which git is told a token, and how it keeps it for the next time.
#[tokio::test(flavor = "multi_thread")]
async fn git_clones_and_pushes_a_hundred_megabytes_by_a_password() {
    let home = home();
    let Some(gate) = gate(&home.0).await else {
        return;
    };
    let url = |user: &str| format!("http://{user}@{}/repo.git", gate.address);
    let with_password = url(&format!("octocat:{TOKEN}"));
    git(&home.0, &["clone", "-q", &with_password, "one"]).await;
    let one = home.0.join("one");
    let large = noise(100_000_000);
    fs::write(one.join("large"), &large).expect("a file");
    let at = |rest: &[&'static str]| [&["-C", "one"], rest].concat();
    git(&home.0, &at(&["add", "large"])).await;
    git(&home.0, &at(&["commit", "-q", "-m", "Add a large file"])).await;
    git(&home.0, &at(&["push", "-q", "origin", "HEAD:main"])).await;
    let with_word = url(&format!("{TOKEN}:x-oauth-basic"));
    git(
        &home.0,
        &["clone", "-q", "--depth", "1", &with_word, "other"],
    )
    .await;
    let cloned = fs::read(home.0.join("other/large")).expect("a file");
    assert!(cloned == large);
    // With the token as user name alone, git asks for a password.
    let helper = "credential.helper=!f() { echo password=; }; f";
    let refs = git(&home.0, &["-c", helper, "ls-remote", &url(TOKEN)]).await;
    assert!(refs.expect("git").contains("refs/heads/main"));
}

/// git forgets a password only if it is told 401.
#[tokio::test(flavor = "multi_thread")]
async fn git_forgets_a_wrong_password_and_keeps_a_good_one() {
    let home = home();
    let Some(gate) = gate(&home.0).await else {
        return;
    };
    let url = format!("http://{}/repo.git", gate.address);
    for (password, told) in [
        (TOKEN, "get\nstore\n"),
        ("gho_nobody", "get\nerase\n"),
        ("correct horse battery staple", "get\nerase\n"),
    ] {
        let log = home.0.join("helper");
        let _ = fs::remove_file(&log);
        let helper = format!(
            "credential.helper=!f() {{ echo $1 >>{}; echo username=octocat; echo password='{password}'; }}; f",
            log.display(),
        );
        let output = run(&home.0, "git", &["-c", &helper, "ls-remote", &url]).await;
        let output = output.expect("git");
        assert_eq!(
            output.status.success(),
            password == TOKEN,
            "{}",
            text(&output)
        );
        assert_eq!(
            fs::read_to_string(&log).expect("a file"),
            told,
            "{password}"
        );
    }
}
