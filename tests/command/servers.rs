//! `serve` and `emulator` together, as two processes.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::running::{Running, run};

pub(crate) async fn get(address: &str, token: &str) -> u16 {
    let request = Request::get(format!("http://{address}/"))
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    client
        .request(request)
        .await
        .expect("a response")
        .status()
        .as_u16()
}

#[tokio::test]
async fn the_proxy_asks_the_emulator() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    // Any server does as the upstream; the emulator answers 406 outside its API.
    let toml = format!(
        "[server]\nlisten = [\"127.0.0.1:0\", \"[::1]:0\"]\n\
         [ghes]\nurl = \"http://{ghes}\"\napi_version = \"2022-11-28\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n"
    );
    let port = ghes.rsplit_once(':').expect("a port").1;
    let file = std::env::temp_dir().join(format!("ghes-gatekeeper-serve-{port}.toml"));
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = Running::start(&["serve", "--config", file.to_str().expect("UTF-8")]);
    for _ in 0..2 {
        let gate = proxy.address("gate").await;
        let good = get(&gate, "e72e16c7e42f292c6912e7710c838347ae178b4a").await;
        assert_eq!(good, 406);
        assert_eq!(get(&gate, "gho_nobody").await, 401);
    }
    std::fs::remove_file(&file).expect("the file");
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    assert_eq!(emulator.stop("-INT").await, Some(0));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let address = emulator.address("emulator").await;
    let second = run(&["emulator", "--listen", &address]).await;
    let errors = String::from_utf8(second.stderr).expect("UTF-8");
    assert_eq!(second.status.code(), Some(1));
    assert!(
        errors.starts_with(&format!("cannot listen on {address}: ")),
        "{errors}"
    );
}

#[tokio::test]
async fn a_world_with_a_mistake_is_refused() {
    let file =
        std::env::temp_dir().join(format!("ghes-gatekeeper-world-{}.toml", std::process::id()));
    std::fs::write(&file, "[[users]]\nlogin = \"octocat\"\n").expect("a file");
    let name = file.to_str().expect("UTF-8");
    let output = run(&["emulator", "--world", name]).await;
    std::fs::remove_file(&file).expect("the file");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.starts_with(&format!("{name}: ")), "{errors}");
}

#[tokio::test]
async fn a_unix_socket_is_there_as_long_as_the_proxy() {
    let socket = std::env::temp_dir().join(format!("ghes-gatekeeper-{}.sock", std::process::id()));
    let socket = socket.to_str().expect("UTF-8");
    let file =
        std::env::temp_dir().join(format!("ghes-gatekeeper-unix-{}.toml", std::process::id()));
    let toml = format!(
        "[server]\nlisten = \"unix:{socket}\"\nunix_mode = \"600\"\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n"
    );
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = Running::start(&["serve", "--config", file.to_str().expect("UTF-8")]);
    assert_eq!(
        proxy.line().await,
        format!("listening on unix:{socket} (gate)")
    );
    let mut client = UnixStream::connect(socket).await.expect("a connection");
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .expect("a connection");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    assert!(!std::path::Path::new(socket).exists());
    std::fs::remove_file(&file).expect("the file");
}
