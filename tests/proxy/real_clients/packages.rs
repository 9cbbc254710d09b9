use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};

use super::site::files;
use super::{run, text};
use crate::TOKEN;
use crate::support::{Gate, route};
use crate::upstreams::{Temporary, temporary};

/// The gate before a tool, for clients that know a password and those that know a header.
async fn gate(tool: SocketAddr) -> Gate {
    Gate::start(&route("/", tool, "basic = true")).await
}

fn home(name: &str) -> Temporary {
    let home = temporary(name);
    fs::create_dir(&home.0).expect("a directory");
    home
}

fn netrc(home: &Path, password: &str) {
    let line = format!("machine 127.0.0.1 login octocat password {password}\n");
    fs::write(home.join(".netrc"), line).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_is_let_in_by_user_and_by_netrc() {
    let tool = files(vec![("/".to_owned(), "text/plain", Bytes::from("hello"))]).await;
    let (gate, home) = (gate(tool).await, home("curl"));
    let url = format!("http://{}/", gate.address);
    let curl = async |arguments: &[&str]| {
        let quiet = ["-sS", "--noproxy", "*", "-w", " %{http_code}", &url];
        run(&home.0, "curl", &[&quiet[..], arguments].concat()).await
    };
    netrc(&home.0, TOKEN);
    let user = format!("octocat:{TOKEN}");
    let alone = format!("{TOKEN}:");
    for arguments in [
        &["-u", &user][..],
        &["-u", &alone],
        &["--netrc"],
        &["--anyauth", "-u", &user],
    ] {
        let Some(output) = curl(arguments).await else {
            return;
        };
        assert_eq!(text(&output), "hello 200", "{arguments:?}");
    }
    netrc(&home.0, "gho_nobody");
    for arguments in [&["--netrc"][..], &[]] {
        let output = curl(arguments).await.expect("curl");
        assert!(text(&output).ends_with(" 401"), "{}", text(&output));
    }
}

/// A wheel (PEP 427), as a module in Python's own library makes it.
const WHEEL: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('demo.py', 'GATED = True')
    wheel.writestr('demo-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n')
    wheel.writestr('demo-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('demo-1.0.dist-info/RECORD', '')
";

#[tokio::test(flavor = "multi_thread")]
async fn pip_installs_from_a_gated_index() {
    const FILE: &str = "demo-1.0-py3-none-any.whl";
    let home = home("pip");
    let wheel = home.0.join(FILE);
    let python = std::env::var("WEB_TOOLS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let arguments = ["-c", WHEEL, wheel.to_str().expect("UTF-8")];
    if run(&home.0, &python, &arguments).await.is_none() {
        return;
    }
    let wheel = Bytes::from(fs::read(&wheel).expect("a file"));
    let hash: String = Sha256::digest(&wheel)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let page = format!("<!DOCTYPE html><a href=\"/files/{FILE}#sha256={hash}\">{FILE}</a>");
    let tool = files(vec![
        ("/simple/demo/".to_owned(), "text/html", page.into()),
        (format!("/files/{FILE}"), "application/octet-stream", wheel),
    ])
    .await;
    let gate = gate(tool).await;
    let install = async |user: &str, into: &str| {
        let index = format!("http://{user}{}/simple/", gate.address);
        let arguments = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-cache-dir",
            "--no-deps",
            "--no-input",
            "--proxy",
            "",
            "--target",
            into,
            "--index-url",
            &index,
            "demo",
        ];
        run(&home.0, &python, &arguments).await.expect("pip")
    };
    for (user, into) in [
        (format!("octocat:{TOKEN}@"), "by-password"),
        (format!("{TOKEN}:@"), "by-user"),
    ] {
        let output = install(&user, into).await;
        assert!(output.status.success(), "{}", text(&output));
        assert!(home.0.join(into).join("demo.py").exists());
    }
    netrc(&home.0, TOKEN);
    let output = install("", "by-netrc").await;
    assert!(output.status.success(), "{}", text(&output));
    netrc(&home.0, "gho_nobody");
    let output = install("", "never").await;
    assert!(!output.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_installs_from_a_gated_registry() {
    let home = home("npm");
    fs::create_dir(home.0.join("package")).expect("a directory");
    let manifest = r#"{"name": "demo", "version": "1.0.0"}"#;
    fs::write(home.0.join("package/package.json"), manifest).expect("a file");
    if run(&home.0, "tar", &["-czf", "demo.tgz", "package"])
        .await
        .is_none()
    {
        return;
    }
    let archive = Bytes::from(fs::read(home.0.join("demo.tgz")).expect("a file"));
    let integrity = format!(
        "sha512-{}",
        BASE64_STANDARD.encode(Sha512::digest(&archive))
    );
    // npm leads its requests to the registry that it was told of, whatever stands here.
    let metadata = serde_json::json!({
        "name": "demo",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {
            "name": "demo", "version": "1.0.0",
            "dist": {"tarball": "https://registry.npmjs.org/demo/-/demo-1.0.0.tgz", "integrity": integrity},
        }},
    });
    let tool = files(vec![
        (
            "/demo".to_owned(),
            "application/json",
            metadata.to_string().into(),
        ),
        (
            "/demo/-/demo-1.0.0.tgz".to_owned(),
            "application/octet-stream",
            archive,
        ),
    ])
    .await;
    let gate = gate(tool).await;
    let at = format!("//{}/", gate.address);
    let pair = |password: &str| BASE64_STANDARD.encode(format!("octocat:{password}"));
    let password = BASE64_STANDARD.encode(TOKEN);
    for (into, line, is_let_in) in [
        ("auth", format!("{at}:_auth={}", pair(TOKEN)), true),
        ("token", format!("{at}:_authToken={TOKEN}"), true),
        (
            "password",
            format!("{at}:username=octocat\n{at}:_password={password}"),
            true,
        ),
        ("wrong", format!("{at}:_auth={}", pair("gho_nobody")), false),
        ("none", String::new(), false),
    ] {
        let project = home.0.join(into);
        fs::create_dir(&project).expect("a directory");
        fs::write(project.join("package.json"), "{}").expect("a file");
        let settings =
            format!("registry=http:{at}\naudit=false\nfund=false\nupdate-notifier=false\n{line}\n");
        fs::write(project.join(".npmrc"), settings).expect("a file");
        let arguments = ["install", "--fetch-retries=0", "--prefix", into, "demo"];
        let Some(output) = run(&home.0, "npm", &arguments).await else {
            return;
        };
        let said = text(&output);
        assert_eq!(output.status.success(), is_let_in, "{into}: {said}");
        assert_eq!(
            project.join("node_modules/demo/package.json").exists(),
            is_let_in
        );
        assert!(is_let_in || said.contains("E401"), "{said}");
    }
}

/// Asks with what stands in a `.netrc`, and says the status.
const REQUESTS: &str = "
import sys, requests
session = requests.Session()
session.trust_env = True
print(session.get(sys.argv[1], proxies={'http': None}).status_code)
";

#[tokio::test(flavor = "multi_thread")]
async fn requests_finds_the_password_in_a_netrc() {
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/public_clients/python/venv/bin/python"
    );
    if !Path::new(python).exists() && std::env::var_os("CI").is_none() {
        eprintln!("skipped: requests is not installed");
        return;
    }
    let tool = files(vec![("/".to_owned(), "text/plain", Bytes::from("hello"))]).await;
    let (gate, home) = (gate(tool).await, home("requests"));
    let url = format!("http://{}/", gate.address);
    for (password, status) in [(TOKEN, "200\n"), ("gho_nobody", "401\n")] {
        netrc(&home.0, password);
        let output = run(&home.0, python, &["-c", REQUESTS, &url])
            .await
            .expect("python");
        assert_eq!(text(&output), status);
    }
}
