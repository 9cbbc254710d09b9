//! `login`, `token print` and `git-credential`: a token for the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::running::{Running, command};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// A person's state folder, and an emulator.
struct Person {
    state: PathBuf,
    _emulator: Running,
    ghes: String,
}

impl Person {
    async fn new(name: &str, world: Option<&str>) -> Self {
        let name = format!("ghes-gatekeeper-login-{name}-{}", std::process::id());
        let state = std::env::temp_dir().join(name);
        fs::create_dir(&state).expect("a directory");
        let mut arguments = vec!["emulator", "--listen", "127.0.0.1:0"];
        let file = state.join("world.toml");
        if let Some(world) = world {
            fs::write(&file, world).expect("a file");
            arguments.extend(["--world", file.to_str().expect("UTF-8")]);
        }
        let mut emulator = Running::start(&arguments);
        let ghes = format!("http://{}", emulator.address("emulator").await);
        Self {
            state,
            _emulator: emulator,
            ghes,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("XDG_STATE_HOME", &self.state);
        command.env_remove("HTTP_PROXY").env_remove("HTTPS_PROXY");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("the command")
    }

    fn login(&self) -> Login {
        let arguments = ["login", "--ghes", &self.ghes, "--client-id", CLIENT_ID];
        Login::start(self.command(&arguments))
    }

    /// Types the code in at GHES.
    async fn decide(&self, code: &str, decision: &str) {
        let form = format!("user_code={code}&login=octocat&password=octocat&decision={decision}");
        let request = Request::post(format!("{}/login/device", self.ghes));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Full::<Bytes>::from(form)).expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.expect("a response");
        assert_eq!(response.status(), 200);
    }

    fn file(&self) -> PathBuf {
        self.state.join("ghes-gatekeeper/tokens.json")
    }

    async fn git_credential(&self, action: &str, question: &str) -> Output {
        let arguments = ["git-credential", "--for", "git.example.com", action];
        let mut command = self.command(&arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let mut input = child.stdin.take().expect("standard input");
        input
            .write_all(question.as_bytes())
            .await
            .expect("a question");
        drop(input);
        child.wait_with_output().await.expect("an exit")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.state);
    }
}

/// A `login` under way.
struct Login {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    said: String,
}

impl Login {
    fn start(mut command: Command) -> Self {
        let spawned = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.expect("the command");
        let log = BufReader::new(child.stderr.take().expect("standard error"));
        Self {
            child,
            log: log.lines(),
            said: String::new(),
        }
    }

    /// Reads the code that it shows.
    async fn code(&mut self) -> String {
        loop {
            let line = self.log.next_line().await.expect("standard error");
            let line = line.unwrap_or_else(|| panic!("no code: {}", self.said));
            self.said.push_str(&line);
            let word = line.trim();
            if word.len() == 9 && word.as_bytes()[4] == b'-' {
                return word.to_owned();
            }
        }
    }

    /// Waits for its end; returns the exit code, and all that it said.
    async fn end(mut self) -> (Option<i32>, String) {
        while let Some(line) = self.log.next_line().await.expect("standard error") {
            self.said.push_str(&line);
        }
        let output = self.child.wait_with_output().await.expect("an exit");
        assert!(output.stdout.is_empty(), "standard output is for tokens");
        (output.status.code(), self.said)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn a_person_signs_in_and_has_a_token_that_they_alone_can_read() {
    let person = Person::new("whole", None).await;
    let none = person.run(&["token", "print"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("run ghes-gatekeeper login"));
    let mut login = person.login();
    let code = login.code().await;
    person.decide(&code, "authorize").await;
    let (exit, said) = login.end().await;
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("Signed in as octocat"), "{said}");
    assert!(
        said.contains(&format!("Open {}/login/device", person.ghes)),
        "{said}"
    );
    let mode = |path: PathBuf| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(person.file()), 0o600);
    assert_eq!(mode(person.state.join("ghes-gatekeeper")), 0o700);
    let printed = person
        .run(&["token", "print", "--ghes", &person.ghes])
        .await;
    let token = text(&printed.stdout).trim().to_owned();
    assert!(
        token.starts_with("ghu_") && !said.contains(&token),
        "{token}"
    );
    let other = ["token", "print", "--ghes", "https://other.example.com"];
    assert_eq!(person.run(&other).await.status.code(), Some(1));
    // git gets it for the host that was named.
    let question = "protocol=https\nhost=git.example.com\n\n";
    let answer = person.git_credential("get", question).await;
    assert_eq!(
        text(&answer.stdout),
        format!("username=octocat\npassword={token}\n")
    );
    for question in [
        "protocol=https\nhost=github.com\n\n",
        "protocol=http\nhost=git.example.com\n\n",
        "",
    ] {
        let answer = person.git_credential("get", question).await;
        assert!(
            answer.status.success() && answer.stdout.is_empty(),
            "{question}"
        );
    }
    // What another token has done is no matter of ours; what is refused is forgotten.
    for (action, password, is_kept) in [
        ("store", token.as_str(), true),
        ("later", &token, true),
        ("erase", "gho_other", true),
        ("erase", &token, false),
    ] {
        let question = format!(
            "{}password={password}\n",
            question.trim_end_matches('\n').to_owned() + "\n"
        );
        let answer = person.git_credential(action, &question).await;
        assert!(answer.status.success() && answer.stdout.is_empty());
        let exit = person.run(&["token", "print"]).await.status.code();
        assert_eq!(exit, Some(i32::from(!is_kept)), "{action} {password}");
    }
}

/// Real git asks as its documents say.
#[tokio::test]
async fn git_finds_the_token() {
    if Command::new("git").arg("--version").output().await.is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI has git");
        eprintln!("skipped: git is not installed");
        return;
    }
    let person = Person::new("git", None).await;
    let mut login = person.login();
    let code = login.code().await;
    person.decide(&code, "authorize").await;
    assert_eq!(login.end().await.0, Some(0));
    let token = text(&person.run(&["token", "print"]).await.stdout);
    let program = env!("CARGO_BIN_EXE_ghes-gatekeeper");
    let helper = format!(
        "credential.https://git.example.com.helper=!'{program}' git-credential --for git.example.com"
    );
    let fill = async |host: &str| {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "credential.helper=",
            "-c",
            &helper,
            "credential",
            "fill",
        ]);
        git.env("XDG_STATE_HOME", &person.state)
            .env("GIT_TERMINAL_PROMPT", "0");
        git.env("GIT_ASKPASS", "true")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = git.spawn().expect("git");
        let mut input = child.stdin.take().expect("standard input");
        let question = format!("protocol=https\nhost={host}\n\n");
        input
            .write_all(question.as_bytes())
            .await
            .expect("a question");
        drop(input);
        text(&child.wait_with_output().await.expect("an exit").stdout)
    };
    let filled = fill("git.example.com").await;
    assert!(filled.contains("username=octocat\n"), "{filled}");
    assert!(filled.contains(&format!("password={token}")), "{filled}");
    let filled = fill("github.com").await;
    assert!(!filled.contains(token.trim()), "{filled}");
}

#[tokio::test]
async fn what_others_can_read_is_not_taken() {
    let person = Person::new("mode", None).await;
    let file = person.file();
    fs::create_dir(file.parent().expect("a folder")).expect("a directory");
    let kept = |ghes: &str| {
        format!(
            "{{\"ghes\":\"{ghes}\",\"client_id\":\"a\",\"login\":\"l\",\"token\":\"gho_kept\"}}"
        )
    };
    fs::write(&file, format!("[{}]", kept("https://a.example.com"))).expect("a file");
    let chmod = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("chmod");
    for (mode, exit) in [(0o644, 2), (0o640, 2), (0o602, 2), (0o600, 0), (0o400, 0)] {
        chmod(mode);
        let printed = person.run(&["token", "print"]).await;
        assert_eq!(printed.status.code(), Some(exit), "{mode:o}");
        let said = text(&printed.stderr);
        assert!(
            exit == 0 || said.contains("others may read it; run chmod 600 "),
            "{said}"
        );
        assert!(!said.contains("gho_kept"), "{said}");
    }
    chmod(0o600);
    // Of two, one has to be named.
    let two = format!(
        "[{},{}]",
        kept("https://a.example.com"),
        kept("https://b.example.com")
    );
    fs::write(&file, two).expect("a file");
    let printed = person.run(&["token", "print"]).await;
    assert_eq!(printed.status.code(), Some(2));
    let said = text(&printed.stderr);
    assert!(
        said.contains("give one of: --ghes https://a.example.com --client-id a; --ghes"),
        "{said}"
    );
    let named = ["token", "print", "--ghes", "https://B.example.com:443"];
    assert_eq!(text(&person.run(&named).await.stdout), "gho_kept\n");
    // No part of a file that is none of ours is repeated.
    fs::write(&file, "[\"gho_kept\"").expect("a file");
    let printed = person.run(&["token", "print"]).await;
    let said = text(&printed.stderr);
    assert!(
        said.contains("is not what login has written") && !said.contains("gho_kept"),
        "{said}"
    );
}

#[tokio::test]
async fn whoever_says_no_is_named_with_the_cure() {
    let world = "[[users]]\nlogin = \"octocat\"\nid = 1\npassword = \"octocat\"\n\
                 [[apps]]\nkind = \"oauth-app\"\nclient_id = \"abcde12345fghij67890\"\n\
                 client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\nname = \"tools\"\n\
                 url = \"https://tools.example.com\"\ndevice_flow = false\n\
                 [[apps]]\nkind = \"github-app\"\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
                 client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\nname = \"more\"\n\
                 url = \"https://tools.example.com\"\n";
    let person = Person::new("no", Some(world)).await;
    let login = async |ghes: &str, id: &str| {
        let output = person
            .run(&["login", "--ghes", ghes, "--client-id", id])
            .await;
        (output.status.code(), text(&output.stderr))
    };
    let ghes = person.ghes.as_str();
    for (ghes, id, exit, said) in [
        (
            ghes,
            "abcde12345fghij67890",
            1,
            "has no device flow; have its owner enable it",
        ),
        (
            ghes,
            "Iv1.0000000000000000",
            1,
            "knows no app Iv1.0000000000000000",
        ),
        (ghes, "not an id", 2, "--client-id: "),
        (
            "http://127.0.0.1:1",
            CLIENT_ID,
            3,
            "cannot sign in at http://127.0.0.1:1",
        ),
        (
            "http://ghes.example.com",
            CLIENT_ID,
            2,
            "--ghes: must be https://",
        ),
    ] {
        let (code, text) = login(ghes, id).await;
        assert_eq!(code, Some(exit), "{text}");
        assert!(text.contains(said), "{text}");
    }
    let mut canceled = person.login();
    let code = canceled.code().await;
    person.decide(&code, "cancel").await;
    let (exit, said) = canceled.end().await;
    assert_eq!(exit, Some(1));
    assert!(
        said.contains("you have canceled the sign-in at GHES"),
        "{said}"
    );
    assert!(!person.file().exists());
}

#[tokio::test]
async fn an_interrupt_leaves_nothing_behind() {
    let person = Person::new("interrupt", None).await;
    let mut login = person.login();
    login.code().await;
    let id = login.child.id().expect("a running process").to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(kill.expect("kill").success());
    let (exit, said) = login.end().await;
    assert_eq!(exit, Some(1));
    assert!(said.contains("not signed in; nothing was kept"), "{said}");
    assert!(!person.state.join("ghes-gatekeeper").exists());
}
