//! A configuration that changes while `serve` runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::running::Running;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder with a configuration, its log and the secret of operators.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("ghes-gatekeeper-reload-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).expect("a directory");
        fs::write(folder.0.join("admin"), SECRET).expect("a file");
        folder
    }

    /// Writes a configuration with these routes, and what else there is.
    fn write(&self, routes: &[&str], server: &str) {
        let admin = self.0.join("admin");
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n{server}\
             [admin]\nsecret_file = \"{}\"\n[ghes]\nurl = \"http://127.0.0.1:1\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n",
            admin.display()
        );
        for route in routes {
            let line =
                format!("[[routes]]\npath = \"{route}\"\nupstream = \"http://127.0.0.1:1\"\n");
            text.push_str(&line);
        }
        fs::write(self.toml(), text).expect("a file");
    }

    fn toml(&self) -> PathBuf {
        self.0.join("serve.toml")
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Waits for a line of the log.
    async fn logs(&self, text: &str) -> String {
        let logged = async {
            loop {
                let log = fs::read_to_string(self.log()).expect("a log");
                if let Some(line) = log.lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                tokio::task::yield_now().await;
            }
        };
        let line = timeout(Duration::from_secs(30), logged).await;
        line.unwrap_or_else(|_| panic!("{text}: {}", fs::read_to_string(self.log()).expect("it")))
    }

    async fn start(&self) -> (Running, String, String) {
        let toml = self.toml();
        let arguments = ["serve", "--config", text(&toml)];
        let mut proxy = Running::start_logging(&arguments, &self.log());
        let gate = proxy.address("gate").await;
        let admin = proxy.address("admin").await;
        (proxy, gate, admin)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

async fn send(method: Method, url: String, fields: &[(&str, &str)]) -> (u16, Value) {
    let (status, body) = exchange(method, url, fields).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Returns how many have worked, and how many have failed.
async fn reloads(admin: &str) -> [String; 2] {
    let (_, text) = exchange(Method::GET, format!("http://{admin}/metrics"), &[]).await;
    let text = String::from_utf8(text.into()).expect("UTF-8");
    ["ok", "failed"].map(|result| {
        let series = format!("ghes_gatekeeper_reloads_total{{result=\"{result}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&*series));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    })
}

async fn exchange(method: Method, url: String, fields: &[(&str, &str)]) -> (u16, Bytes) {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::default()).expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.expect("a response");
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, body)
}

/// A gated route answers 401, and what is no route 404.
async fn get(gate: &str, path: &str) -> u16 {
    send(Method::GET, format!("http://{gate}{path}"), &[])
        .await
        .0
}

async fn reload(admin: &str) -> (u16, Value) {
    let bearer = format!("Bearer {SECRET}");
    let url = format!("http://{admin}/reload");
    send(Method::POST, url, &[("authorization", &bearer)]).await
}

#[tokio::test]
async fn a_hangup_puts_the_whole_file_in_force_or_nothing_of_it() {
    let folder = Folder::new("hangup");
    folder.write(&["/a"], "");
    let (proxy, gate, _) = folder.start().await;
    assert_eq!((get(&gate, "/a").await, get(&gate, "/b").await), (401, 404));
    folder.write(&["/b"], "");
    proxy.signal("-HUP").await;
    folder.logs("the configuration was read again").await;
    assert_eq!((get(&gate, "/a").await, get(&gate, "/b").await), (404, 401));
    folder.logs("reload: /b: added").await;
    // Two mistakes: both are told, and the rest of the file changes nothing.
    folder.write(&["/a", "c"], "realm = 1\n");
    proxy.signal("-HUP").await;
    folder.logs("server.realm: expected a string").await;
    folder.logs("routes[1].path: must start with a slash").await;
    folder.logs("reload: nothing has changed").await;
    assert_eq!((get(&gate, "/a").await, get(&gate, "/b").await), (404, 401));
    assert_eq!(proxy.stop("-TERM").await, Some(0));
}

#[tokio::test]
async fn operators_reload_by_their_secret_and_learn_what_came_of_it() {
    let folder = Folder::new("operators");
    folder.write(&["/a"], "");
    let (proxy, gate, admin) = folder.start().await;
    folder.write(&["/a", "/b"], "shutdown_delay = \"1s\"\n");
    let url = format!("http://{admin}/reload");
    for fields in [
        &[][..],
        &[("authorization", "Bearer guessed")],
        &[("authorization", "Basic 0123456789abcdef0123456789abcdef")],
        &[("authorization", "Bearer ")],
    ] {
        let (status, problem) = send(Method::POST, url.clone(), fields).await;
        assert_eq!(status, 401, "{fields:?}");
        assert_eq!(
            problem["detail"],
            "send Authorization: Bearer and the secret of [admin]"
        );
    }
    let bearer = format!("Bearer {SECRET}");
    let from_page = [
        ("authorization", &*bearer),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(send(Method::POST, url.clone(), &from_page).await.0, 403);
    assert_eq!(send(Method::GET, url.clone(), &[]).await.0, 405);
    // A purge needs it, too; who looks does not.
    let json = ("content-type", "application/json");
    assert_eq!(
        send(Method::POST, format!("http://{admin}/purge"), &[json])
            .await
            .0,
        401
    );
    assert_eq!(reloads(&admin).await, ["0", "0"]);
    assert_eq!(get(&gate, "/b").await, 404);
    let (status, reloaded) = reload(&admin).await;
    assert_eq!(status, 200);
    let expected = json!({
        "differences": ["/b: added"],
        "kept_until_restart": ["server.shutdown_delay"],
    });
    assert_eq!(reloaded, expected);
    assert_eq!(get(&gate, "/b").await, 401);
    folder
        .logs("reload: server.shutdown_delay cannot change while the proxy serves")
        .await;
    // It is told each time, as long as it is so.
    assert_eq!(
        reload(&admin).await.1["kept_until_restart"],
        json!(["server.shutdown_delay"])
    );
    folder.write(&[], "realm = 1\n");
    let (status, failed) = reload(&admin).await;
    assert_eq!(status, 422);
    let errors = failed["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 2, "{failed}");
    assert!(!failed.to_string().contains(SECRET), "{failed}");
    assert_eq!(get(&gate, "/b").await, 401);
    // The file is gone.
    fs::remove_file(folder.toml()).expect("the file");
    assert_eq!(reload(&admin).await.0, 422);
    assert_eq!(get(&gate, "/b").await, 401);
    assert_eq!(reloads(&admin).await, ["2", "2"]);
    assert_eq!(proxy.stop("-TERM").await, Some(0));
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_by_itself() {
    let folder = Folder::new("poll");
    folder.write(&["/a"], "");
    let (proxy, gate, _) = folder.start().await;
    folder.write(&["/a", "/b"], "");
    folder.logs("the configuration was read again").await;
    assert_eq!(get(&gate, "/b").await, 401);
    assert_eq!(proxy.stop("-TERM").await, Some(0));
}
