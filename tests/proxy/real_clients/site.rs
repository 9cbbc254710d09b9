//! Small servers behind the gate: one of files, and one that runs git's own CGI program.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{ChildStdin, Command};

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Serves files by their path; all else is 404. What each request carried of a credential is an
/// error: a tool gets none.
pub(super) async fn files(files: Vec<(String, &'static str, Bytes)>) -> SocketAddr {
    let files: HashMap<_, _> = files
        .into_iter()
        .map(|(path, kind, file)| (path, (kind, file)))
        .collect();
    let files = Arc::new(files);
    serve(move |request| {
        let files = Arc::clone(&files);
        async move {
            assert!(!request.headers().contains_key("authorization"));
            let Some((kind, file)) = files.get(request.uri().path()) else {
                let mut response = Response::new(full(Bytes::new()));
                *response.status_mut() = StatusCode::NOT_FOUND;
                return response;
            };
            let mut response = Response::new(full(file.clone()));
            response
                .headers_mut()
                .insert("content-type", HeaderValue::from_static(kind));
            response
        }
    })
    .await
}

/// Runs `git http-backend` (RFC 3875) for the repositories in a directory, as the user that the
/// gate names.
pub(super) async fn repositories(root: PathBuf) -> SocketAddr {
    serve(move |request| backend(root.clone(), request)).await
}

async fn serve<F>(answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static) -> SocketAddr
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let response = answer(request);
                    async { Ok::<_, Infallible>(response.await) }
                });
                // A client may leave whenever it has what it wants.
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let _ = connection.await;
            });
        }
    });
    address
}

async fn backend(root: PathBuf, request: Request<Incoming>) -> Response<Body> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value
            .map_or("", |value| value.to_str().expect("ASCII"))
            .to_owned()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", header("x-forwarded-user"))
        .env("REQUEST_METHOD", request.method().as_str())
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", header("content-length"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("git");
    let input = child.stdin.take().expect("a pipe");
    tokio::spawn(pipe(request.into_body(), input));
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (status, headers) = cgi_head(&mut output).await;
    let frames = futures_util::stream::unfold((child, output), async |(child, mut output)| {
        let mut piece = vec![0; 64 * 1024];
        let read = output.read(&mut piece).await.expect("a pipe");
        piece.truncate(read);
        let frame = Ok(Frame::data(Bytes::from(piece)));
        (read > 0).then_some((frame, (child, output)))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

async fn pipe(mut body: Incoming, mut input: ChildStdin) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if input.write_all(&data).await.is_err() {
            return;
        }
    }
}

async fn cgi_head(output: &mut (impl AsyncBufReadExt + Unpin)) -> (StatusCode, HeaderMap) {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    loop {
        let mut line = String::new();
        output.read_line(&mut line).await.expect("a line");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return (status, headers);
        };
        if name == "Status" {
            let (code, _) = value.split_once(' ').expect("a status");
            status = code.parse().expect("a status");
        } else {
            let name = http::HeaderName::try_from(name).expect("a name");
            headers.insert(name, HeaderValue::try_from(value).expect("a value"));
        }
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
