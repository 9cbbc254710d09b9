//! Flask, Django, lighttpd and git behind the gate, as people run them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::TOKEN;
use super::carrier::{Answer, Ask, Carrier, Front};
use super::peers::run;
use super::real_upstreams::free;
use super::support::{Client, Gate, PATIENCE, route, status};
use super::upstreams::{Temporary, temporary};

over!(every protocol with bodies:
    flask_leads_its_users_back_to_the_gate,
    django_takes_the_forms_that_it_has_made,
    lighttpd_takes_posts_without_a_body,
);

const HOST: &str = "tools.example.com";

/// A running program that listens somewhere.
struct Tool {
    address: SocketAddr,
    _process: Child,
    _files: Option<Temporary>,
}

impl Tool {
    /// A tool of `tests/web_tools`, with the Python that `.ci/run` has made for it.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    async fn python(script: &str, needs: &str) -> Option<Self> {
        let program = std::env::var("WEB_TOOLS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let has = run(&program, &["-c", &format!("import {needs}")]).await?;
        if !has.status.success() {
            assert!(std::env::var_os("CI").is_none(), "{needs} is not installed");
            eprintln!("skipped: {needs} is not installed");
            return None;
        }
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web_tools");
        let mut process = Command::new(program)
            .arg(format!("{directory}/{script}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a tool");
        let output = process.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(output).lines();
        let port = timeout(PATIENCE, lines.next_line()).await;
        let port = port.expect("in time").expect("a pipe").expect("a port");
        Some(Self {
            address: ([127, 0, 0, 1], port.parse().expect("a port")).into(),
            _process: process,
            _files: None,
        })
    }

    /// lighttpd, which runs a script that says the length that it was told, and serves what git
    /// repositories there are in its directory.
    async fn lighttpd() -> Option<(Self, PathBuf)> {
        let program = match Path::new("/usr/sbin/lighttpd").exists() {
            true => "/usr/sbin/lighttpd",
            false => "lighttpd",
        };
        run(program, &["-v"]).await?;
        let files = temporary("lighttpd");
        let directory = files.0.clone();
        fs::create_dir(&directory).expect("a directory");
        let [address] = free();
        let shown = directory.display();
        let script = "printf 'Content-Type: text/plain\\r\\n\\r\\n%s %s' \
                      \"$CONTENT_LENGTH\" \"$HTTP_HOST\"\n";
        let configuration = format!(
            "server.modules = (\"mod_alias\", \"mod_cgi\", \"mod_setenv\")\n\
             server.document-root = \"{shown}\"\nserver.bind = \"127.0.0.1\"\n\
             server.port = {}\n\
             alias.url = (\"/git\" => \"/usr/lib/git-core/git-http-backend\")\n\
             cgi.assign = (\".sh\" => \"/bin/sh\")\n\
             $HTTP[\"url\"] =~ \"^/git/\" {{\n\
               cgi.assign = (\"\" => \"\")\n\
               setenv.set-environment = (\n\
                 \"GIT_PROJECT_ROOT\" => \"{shown}\", \"GIT_HTTP_EXPORT_ALL\" => \"1\"\n\
               )\n\
             }}\n",
            address.port(),
        );
        fs::write(directory.join("length.sh"), script).expect("a file");
        fs::write(directory.join("conf"), configuration).expect("a file");
        let process = Command::new(program)
            .args(["-D", "-f"])
            .arg(directory.join("conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a server");
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, listening)
            .await
            .expect("lighttpd listens");
        let tool = Self {
            address,
            _process: process,
            _files: Some(files),
        };
        Some((tool, directory))
    }

    async fn front(&self, on: Carrier, path: &str, more: &str) -> Front {
        Front::start(on, "", &route(path, self.address, more)).await
    }
}

fn ask(path: &str) -> Ask {
    Ask::known(path).host(HOST)
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

async fn flask_leads_its_users_back_to_the_gate(on: Carrier) {
    let Some(tool) = Tool::python("flask_tool.py", "flask").await else {
        return;
    };
    let scheme = on.scheme();
    for (path, more, location, cookie_path) in [
        ("/", "", "/dir/", "Path=/"),
        (
            "/builds",
            "strip_prefix = true",
            "/builds/dir/",
            "Path=/builds",
        ),
        (
            "/builds",
            "strip_prefix = true\nhost = \"upstream\"",
            "/builds/dir/",
            "Path=/builds",
        ),
    ] {
        let front = tool.front(on, path, more).await;
        let base = path.trim_end_matches('/');
        for path in ["/dir", "/login"] {
            let answer = front.answer(&ask(&format!("{base}{path}"))).await;
            assert!([302, 308].contains(&answer.status));
            let got = answer.all("location").join(", ");
            // What is right as it is stays.
            let whole = format!("{scheme}://{HOST}{location}");
            assert!(got == location || got == whole, "{got}");
            front.assert_status(&ask(location), 200).await;
            if path == "/login" {
                let cookies = answer.all("set-cookie");
                assert!(
                    cookies[0].ends_with(&format!("; {cookie_path}")),
                    "{cookies:?}"
                );
            }
        }
    }
    let front = tool.front(on, "/", "").await;
    let told = front.answer(&ask("/length").method("POST")).await;
    assert_eq!(text(&told), "0");
    let link = front.answer(&ask("/link")).await;
    assert_eq!(
        text(&link),
        format!("http://{HOST}/dir/"),
        "a page has it whole"
    );
}

async fn django_takes_the_forms_that_it_has_made(on: Carrier) {
    let Some(tool) = Tool::python("django_tool.py", "django").await else {
        return;
    };
    let scheme = on.scheme();
    for (path, more, accepted) in [
        ("/", "", 200),
        ("/builds", "strip_prefix = true", 200),
        // It compares the origin with the host that it knows.
        ("/", "host = \"upstream\"", 403),
    ] {
        let front = tool.front(on, path, more).await;
        let base = path.trim_end_matches('/');
        let moved = front.answer(&ask(&format!("{base}/form"))).await;
        assert_eq!(moved.status, 301);
        assert_eq!(moved.all("location"), [format!("{base}/form/")]);
        let page = front.answer(&ask(&format!("{base}/form/"))).await;
        let token = text(&page);
        let cookies = page.all("set-cookie");
        let (cookie, attributes) = cookies[0].split_once(';').expect("attributes");
        let cookie_path = if base.is_empty() { "/" } else { base };
        let expected = format!("Path={cookie_path};");
        assert!(attributes.contains(&expected), "{attributes}");
        let post = |origin: &str| {
            ask(&format!("{base}/form/"))
                .method("POST")
                .line("Cookie", cookie)
                .line("X-CSRFToken", &*token)
                .line("Origin", origin)
        };
        for (origin, status) in [
            (format!("{scheme}://{HOST}"), accepted),
            ("https://evil.example".to_owned(), 403),
        ] {
            front.assert_status(&post(&origin), status).await;
        }
    }
    let front = tool.front(on, "/", "").await;
    let link = front.answer(&ask("/link/")).await;
    assert_eq!(text(&link), format!("{scheme}://{HOST}/form/"));
}

async fn lighttpd_takes_posts_without_a_body(on: Carrier) {
    let Some((tool, _)) = Tool::lighttpd().await else {
        return;
    };
    // That is how it is.
    let bare = format!("POST /length.sh HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let bare = Client::to(tool.address).await.exchange(&bare).await;
    assert_eq!(status(&bare), 411);
    let front = tool.front(on, "/", "").await;
    for (method, body) in [("POST", None), ("POST", Some("")), ("PUT", Some(""))] {
        let asked = ask("/length.sh").method(method);
        let asked = match body {
            Some(body) => asked.body(body),
            None => asked,
        };
        front.assert_status(&asked, 200).await;
    }
}

/// A program that must come to a good end.
async fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=octocat",
            "-c",
            "user.email=octocat@github.com",
        ])
        .args(["-c", "http.proxy=", "-c", "protocol.version=2"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, output).await.expect("in time");
    let output = output.expect("git");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn git_clones_and_pushes_through_the_gate() {
    let (Some((tool, directory)), Some(_)) =
        (Tool::lighttpd().await, run("git", &["--version"]).await)
    else {
        return;
    };
    git(
        &directory,
        &["init", "-q", "--bare", "-b", "main", "repo.git"],
    )
    .await;
    let repo = directory.join("repo.git");
    git(&repo, &["config", "http.receivepack", "true"]).await;
    let gate = Gate::start(&route("/git", tool.address, "")).await;
    let url = format!("http://{}/git/repo.git", gate.address);
    let header = format!("http.extraHeader=Authorization: Bearer {TOKEN}");
    git(&directory, &["clone", "-q", "-c", &header, &url, "one"]).await;
    let one = directory.join("one");
    // More than git sends at once, so that it comes in chunks (`http.postBuffer`).
    let large: String = (0..400_000).map(|number| format!("{number}\n")).collect();
    fs::write(one.join("file"), &large).expect("a file");
    git(&one, &["add", "file"]).await;
    git(&one, &["commit", "-q", "-m", "Add a file"]).await;
    git(
        &one,
        &[
            "-c",
            "http.postBuffer=65536",
            "push",
            "-q",
            "origin",
            "HEAD:main",
        ],
    )
    .await;
    git(
        &directory,
        &["clone", "-q", "-b", "main", "-c", &header, &url, "other"],
    )
    .await;
    let cloned = fs::read_to_string(directory.join("other/file")).expect("a file");
    assert!(cloned == large);
    let log = git(&directory.join("other"), &["log", "--format=%s"]).await;
    assert_eq!(log, "Add a file\n");
}
