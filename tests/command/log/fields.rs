//! What one line says of its request.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::json::{ConfigFile, Running, exchange};

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// GHES, a tool that answers with the head of its request, and a gate before it.
struct Scene {
    ghes: Running,
    gate: Running,
    address: String,
    decisions: String,
    issuer: String,
    tool: String,
    _file: ConfigFile,
}

impl Scene {
    async fn start(name: &str, filter: &str) -> Self {
        Self::start_with(name, filter, "").await
    }

    /// The same with more in the configuration.
    async fn start_with(name: &str, filter: &str, more: &str) -> Self {
        let mut ghes = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
        let issuer = ghes.address("emulator").await;
        let tool = tool().await;
        let file = ConfigFile::new(name, &(config(&issuer, &tool) + more));
        let mut gate = Running::start_at(filter, &["serve", "--config", file.path()]);
        Self {
            address: gate.address("gate").await,
            decisions: gate.address("decisions").await,
            issuer,
            ghes,
            gate,
            tool,
            _file: file,
        }
    }

    async fn ask(&self, head: &str) -> String {
        exchange(&self.address, &format!("{head}Connection: close\r\n\r\n")).await
    }

    /// Ends it, and returns the lines of requests.
    async fn lines(self) -> Vec<Value> {
        let log = self.gate.stop().await;
        self.ghes.stop().await;
        let is_access = |line: &Value| line["message"] == "request answered";
        log.into_iter().filter(is_access).collect()
    }
}

fn config(ghes: &str, tool: &str) -> String {
    let app = "client_id = \"Iv1.8a61f9b3a7aba766\"\n\
               client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n";
    let routes = [
        ("all", "/", ""),
        ("open", "/open", "anonymous = true"),
        ("hubots", "/hubots", "users = [\"hubot\"]"),
        (
            "admins",
            "/admins",
            "scopes = [\"admin:org\"]\norgs = [\"octo-org\"]",
        ),
        ("elsewhere", "/elsewhere", "orgs = [\"nowhere\"]"),
        (
            "either",
            "/either",
            "users = [\"hubot\"]\nteams = [\"octo-org/none\"]",
        ),
    ];
    let route = |(name, path, more): (&str, &str, &str)| {
        format!(
            "[[routes]]\nname = \"{name}\"\npath = \"{path}\"\nupstream = \"http://{tool}\"\n{more}\n"
        )
    };
    let down = "[[routes]]\nname = \"down\"\npath = \"/down\"\nanonymous = true\n\
                upstream = \"http://127.0.0.1:1\"\n";
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.2\"]\n\
         [decisions]\nlisten = \"127.0.0.1:0\"\n\
         [ghes]\nname = \"main\"\nurl = \"http://{ghes}\"\n[[ghes.apps]]\n{app}{}{down}",
        routes.map(route).concat()
    )
}

/// Answers each request with the head that it got.
async fn tool() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    address
}

async fn echo(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let start = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        head.len()
    );
    let answer = [start.as_bytes(), &head].concat();
    stream.write_all(&answer).await.expect("a connection");
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: Tools.example.com:8443\r\nUser-Agent: curl/8\r\n{more}")
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Holds a line against what it has to say. Null stands for no field.
fn assert_line(line: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        let said = line.get(name).unwrap_or(&Value::Null);
        assert_eq!(said, value, "{name} of {line}");
    }
    let time = |name: &str| line[name].as_f64().expect("a number");
    assert!(time("gate_ms") <= time("duration_ms"), "{line}");
    assert!(line.get("target").is_none(), "{line}");
}

#[tokio::test]
async fn a_line_says_what_the_request_was_and_whose() {
    let scene = Scene::start("fields", "info").await;
    let trace = format!("traceparent: {TRACE}\r\n");
    let good = bearer(TOKEN);
    let first = scene
        .ask(&get("/notes?secret", &(good.clone() + &trace)))
        .await;
    assert!(
        first.contains(&trace),
        "the tool is told of the trace: {first}"
    );
    let body = first.split_once("\r\n\r\n").expect("a body").1.len();
    scene.ask(&get("/notes", &good)).await;
    scene.ask(&get("/open", "")).await;
    scene.ask(&get("/notes", &bearer("gho_unknown"))).await;
    scene.ask(&get("/notes", &bearer("gho_unknown"))).await;
    let none = scene.ask(&get("/notes", "")).await;
    let none = none.split_once("\r\n\r\n").expect("a body").1.len();
    scene.ask("HEAD /open HTTP/1.0\r\n").await;
    scene.ask(&get("/down", "")).await;
    let upstream = format!("http://{}", scene.tool);
    let lines = scene.lines().await;
    let octocat = json!({
        "client.address": "127.0.0.1", "http.method": "GET", "http.path": "/notes",
        "http.host": "Tools.example.com:8443", "http.version": "1.1", "http.status": 200,
        "user_agent": "curl/8", "route": "all", "upstream": upstream, "outcome": "allowed",
        "reason": null, "rule": null, "user.login": "octocat", "user.id": 1,
        "app.client_id": "Iv1.8a61f9b3a7aba766", "ghes.name": "main", "token.kind": "other",
        "token.hash": "86007eb36769", "level": "INFO", "door": null,
    });
    assert_line(&lines[0], &octocat);
    assert_line(
        &lines[0],
        &json!({
            "trace.id": "0af7651916cd43dd8448eb211c80319c", "cache": "miss", "http.response_bytes": body,
        }),
    );
    assert_line(&lines[1], &octocat);
    assert_line(&lines[1], &json!({"trace.id": null, "cache": "hit"}));
    assert_line(
        &lines[2],
        &json!({
            "route": "open", "outcome": "anonymous", "user.login": null, "token.hash": null,
            "token.kind": null, "ghes.name": null, "cache": null,
        }),
    );
    for (line, cache) in lines[3..5].iter().zip(["miss", "hit"]) {
        assert_line(
            line,
            &json!({
                "outcome": "rejected", "reason": "invalid_token", "token.kind": "oauth", "cache": cache,
                "user.login": null, "http.status": 401, "ghes.name": "main",
            }),
        );
        assert_eq!(line["token.hash"].as_str().map(str::len), Some(12));
    }
    assert_line(
        &lines[5],
        &json!({
            "reason": "missing_token", "http.response_bytes": none, "token.hash": null, "cache": null,
        }),
    );
    assert_line(
        &lines[6],
        &json!({
            "http.version": "1.0", "http.host": null, "user_agent": null, "http.response_bytes": 0,
        }),
    );
    assert_line(
        &lines[7],
        &json!({
            "outcome": "failed", "reason": "bad_gateway", "level": "WARN", "route": "down",
        }),
    );
    assert_eq!(lines.len(), 8);
    let text = Value::from(lines).to_string();
    assert!(!text.contains(TOKEN) && !text.contains("secret") && !text.contains("gho_"));
}

#[tokio::test]
async fn a_rejection_names_the_rule_and_the_person() {
    let scene = Scene::start("rules", "info").await;
    let cases = [
        ("/hubots", "forbidden", "users"),
        ("/admins", "insufficient_scope", "scopes"),
        ("/elsewhere", "forbidden", "orgs"),
        ("/either", "forbidden", "users,teams"),
    ];
    for (path, _, _) in cases {
        let answer = scene.ask(&get(path, &bearer(TOKEN))).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(!answer.contains("octocat"), "{answer}");
    }
    let lines = scene.lines().await;
    assert_eq!(lines.len(), cases.len());
    for (line, (path, reason, rule)) in lines.iter().zip(cases) {
        assert_line(
            line,
            &json!({
                "http.path": path, "route": &path[1..], "outcome": "rejected", "reason": reason,
                "rule": rule, "user.login": "octocat", "user.id": 1,
                "app.client_id": "Iv1.8a61f9b3a7aba766", "token.hash": "86007eb36769",
            }),
        );
    }
}

#[tokio::test]
async fn an_answer_past_its_age_is_told_as_stale() {
    let cache = "[cache]\nactive_max_age = \"1s\"\nstale_if_error = \"5m\"\n";
    let scene = Scene::start_with("stale", "info", cache).await;
    scene.ask(&get("/notes", &bearer(TOKEN))).await;
    let fault = r#"{"status":500,"count":100000}"#;
    let fail = format!(
        "POST /_emulator/faults HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{fault}",
        fault.len()
    );
    exchange(&scene.issuer, &fail).await;
    let is_stale = async {
        while !scene
            .ask(&get("/notes", &bearer(TOKEN)))
            .await
            .contains("x-gatekeeper-stale: 1")
        {}
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), is_stale).await;
    in_time.expect("a stale answer");
    let lines = scene.lines().await;
    assert_line(
        &lines[0],
        &json!({"cache": "miss", "user.login": "octocat"}),
    );
    let last = lines.last().expect("a line");
    assert_line(
        last,
        &json!({"cache": "stale", "user.login": "octocat", "outcome": "allowed"}),
    );
}

/// The same fields for those who ask instead of sending requests through.
#[tokio::test]
async fn a_decision_says_the_same() {
    let scene = Scene::start("doors", "info").await;
    for (path, token) in [("/notes", TOKEN), ("/hubots", TOKEN), ("/notes", "gho_x")] {
        let question = format!(
            "GET /auth/nginx HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nUser-Agent: curl/8\r\n\
             X-Original-Method: PUT\r\nX-Original-URL: https://tools.example.com{path}?q\r\n\
             traceparent: {TRACE}\r\n{}\r\n",
            bearer(token)
        );
        exchange_from(&scene.decisions, &question).await;
    }
    let lines = scene.lines().await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    let common = json!({
        "door": "nginx", "http.method": "PUT", "http.host": "tools.example.com",
        "user_agent": "curl/8", "trace.id": "0af7651916cd43dd8448eb211c80319c",
    });
    let octocat = json!({
        "user.login": "octocat", "user.id": 1, "token.hash": "86007eb36769", "ghes.name": "main",
    });
    lines.iter().for_each(|line| assert_line(line, &common));
    lines[..2]
        .iter()
        .for_each(|line| assert_line(line, &octocat));
    assert_line(
        &lines[0],
        &json!({"route": "all", "outcome": "allowed", "cache": "miss"}),
    );
    assert_line(
        &lines[1],
        &json!({"route": "hubots", "rule": "users", "cache": "hit"}),
    );
    assert_line(
        &lines[2],
        &json!({"reason": "invalid_token", "token.kind": "oauth"}),
    );
}

/// From an address that the gate trusts.
async fn exchange_from(address: &str, request: &str) -> String {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let ours = "127.0.0.2:0".parse().expect("an address");
    socket.bind(ours).expect("a port");
    let address = address.parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// Each line is parsed, as JSON, when the gate ends.
#[tokio::test]
async fn whatever_a_client_writes_is_bounded_and_stays_in_its_field() {
    let scene = Scene::start("hostile", "info").await;
    let long = "x".repeat(7_000);
    let hostile = [
        "\"quoted\" \\",
        "\u{85}\u{2028}\u{202e}\u{e9}",
        "{\"a\":1}",
        &long,
    ];
    for value in hostile {
        for head in [
            format!("GET /open HTTP/1.1\r\nHost: a\r\nUser-Agent: {value}\r\n"),
            format!("GET /open HTTP/1.1\r\nHost: {value}\r\n"),
            format!("GET /open HTTP/1.1\r\nHost: a\r\ntraceparent: {value}\r\n"),
            format!("GET /open HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {value}\r\n"),
            format!(
                "GET /open/{} HTTP/1.1\r\nHost: a\r\n",
                value.replace(' ', "")
            ),
            format!(
                "{}A /open HTTP/1.1\r\nHost: a\r\n",
                "M".repeat(value.len().min(900))
            ),
        ] {
            scene.ask(&head).await;
        }
    }
    let mut stream = TcpStream::connect(&scene.address)
        .await
        .expect("a connection");
    let head = b"GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: \xff\xfe\x80\tz\r\n\r\n";
    stream.write_all(head).await.expect("a connection");
    stream
        .read_to_end(&mut Vec::new())
        .await
        .expect("an answer");
    let lines = scene.lines().await;
    assert!(lines.len() > hostile.len() * 4, "{}", lines.len());
    let agents: Vec<_> = lines
        .iter()
        .filter_map(|line| line["user_agent"].as_str())
        .collect();
    assert!(agents.contains(&"\"quoted\" \\"), "{agents:?}");
    assert_eq!(agents.last(), Some(&"\u{fffd}\u{fffd}\u{fffd}\tz"));
    for line in &lines {
        for (name, value) in line.as_object().expect("an object") {
            let length = value.as_str().map_or(0, |text| text.chars().count());
            assert!(length <= 260 || name == "http.path", "{name}: {length}");
        }
        assert!(line.get("trace.id").is_none(), "{line}");
    }
}

/// A flood of one client's rejections is cut short and counted, and who is admitted stays.
#[tokio::test]
async fn a_flood_of_rejections_leaves_room_for_others() {
    let scene = Scene::start("flood", "info").await;
    let mut sent = 0;
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(1_500) {
        // Hundreds within one second, over one connection.
        let one = get("/notes", "\r\n");
        let last = get("/notes", "Connection: close\r\n\r\n");
        exchange(&scene.address, &(one.repeat(199) + &last)).await;
        sent += 200;
        scene.ask(&get("/notes", &bearer(TOKEN))).await;
    }
    let lines = scene.lines().await;
    let rejected = |line: &&Value| line["reason"] == "missing_token";
    let shown = lines.iter().filter(rejected).count();
    let told = lines.iter().filter_map(|line| line["suppressed"].as_u64());
    let told = told.sum::<u64>() as usize;
    assert!(shown < sent && told > 0, "{shown}, {told} of {sent}");
    assert!(shown + told <= sent, "{shown}, {told} of {sent}");
    let admitted = lines.iter().filter(|line| line["outcome"] == "allowed");
    assert_eq!(admitted.count(), sent / 200);
}

#[tokio::test]
async fn the_access_log_is_a_target_of_its_own() {
    for (filter, answered, failed, others) in [
        ("info", true, true, true),
        ("access=off", false, false, true),
        ("warn,access=info", true, true, false),
        ("warn", false, true, false),
        ("access=warn", false, true, true),
        ("off", false, false, false),
    ] {
        let scene = Scene::start(&filter.replace(['=', ','], "-"), filter).await;
        scene.ask(&get("/open", "")).await;
        scene.ask(&get("/down", "")).await;
        let log = scene.gate.stop().await;
        scene.ghes.stop().await;
        let has = |path: &str| log.iter().any(|line| line["http.path"] == path);
        assert_eq!(
            (has("/open"), has("/down")),
            (answered, failed),
            "{filter}: {log:?}"
        );
        let stopping = log.iter().any(|line| line["message"] == "stopping");
        assert_eq!(stopping, others, "{filter}: {log:?}");
    }
}
