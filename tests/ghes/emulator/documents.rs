//! Every `curl` line of five of GitHub's documents runs, and answers as the document says.
//!
//! `tests/fixtures/documents` has the lines and what stands below them, and none of the prose. A
//! script wrote them: from each line that starts with `curl` on, as long as a line ends in a
//! backslash; the number after the next `Status:`, or without one the first row of the table of
//! status codes above the line; and the JSON below that number, if any. The documents are
//! "REST API endpoints for OAuth authorizations" of GHES 3.9 (0 and 2) and 3.8 (1), and "REST API
//! endpoints for OAuth app authorizations" of GHES 3.10 (3) and 3.9 (4).
use ghes_gatekeeper::emulator::{Emulator, Version};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, GITHUB_APP, SECRET, TOKEN, basic, send};

#[derive(Deserialize)]
struct Document {
    release: String,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    curl: String,
    status: u16,
    body: Value,
}

/// A `curl` line, taken apart.
#[derive(Debug, Default)]
struct Curl {
    method: Option<String>,
    headers: Vec<(String, String)>,
    user: Option<String>,
    url: String,
    data: Option<String>,
}

impl Curl {
    fn parse(line: &str) -> Self {
        let mut curl = Self::default();
        let mut words = words(line).into_iter().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap();
            match word.as_str() {
                "-L" => {}
                "-X" => curl.method = Some(next()),
                "-u" => curl.user = Some(next()),
                "-d" => curl.data = Some(next()),
                "-H" => {
                    let header = next();
                    let (name, value) = header.split_once(": ").unwrap();
                    curl.headers.push((name.to_owned(), value.to_owned()));
                }
                url => url.clone_into(&mut curl.url),
            }
        }
        curl
    }

    /// Fills in what the documents leave open; `credential` replaces what they say of it.
    fn into_request(self, credential: Option<&str>) -> Request<String> {
        let url = self
            .url
            .replace("http(s)://HOSTNAME", "http://ghes.test")
            .replace("GRANT_ID", "1")
            .replace("AUTHORIZATION_ID", "1")
            .replace("FINGERPRINT", "jklmnop12345678");
        let default = if self.data.is_some() { "POST" } else { "GET" };
        let method = self.method.as_deref().unwrap_or(default);
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            if name != "Authorization" {
                request = request.header(name, value);
            }
        }
        let documented = self
            .headers
            .iter()
            .find(|(name, _)| name == "Authorization");
        let credential = match (credential, documented, self.user) {
            (Some(credential), _, _) => credential.to_owned(),
            (None, Some((_, value)), _) => value.replace("<YOUR-TOKEN>", TOKEN),
            (None, None, Some(pair)) => {
                assert_eq!(pair, "<YOUR_CLIENT_ID>:<YOUR_CLIENT_SECRET>");
                basic(GITHUB_APP, SECRET)
            }
            (None, None, None) => panic!("no credential"),
        };
        request = request.header("authorization", credential);
        request.body(self.data.unwrap_or_default()).unwrap()
    }
}

/// Splits a line as a shell does.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.chars() {
        match (quote, character) {
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn documents() -> Vec<Document> {
    [
        include_str!("../../fixtures/documents/0.json"),
        include_str!("../../fixtures/documents/1.json"),
        include_str!("../../fixtures/documents/2.json"),
        include_str!("../../fixtures/documents/3.json"),
        include_str!("../../fixtures/documents/4.json"),
    ]
    .map(|text| serde_json::from_str(text).unwrap())
    .into()
}

async fn run(release: &str, call: &Call, credential: Option<&str>) -> Answer {
    let ghes = Emulator::default().with_version(release.parse::<Version>().unwrap());
    let request = || Curl::parse(&call.curl).into_request(credential);
    if call.curl.contains("-X PUT") && call.status == 200 {
        // Documented as "if returning an existing token".
        send(&ghes, request()).await;
    }
    send(&ghes, request()).await
}

/// Checks that a documented member is there and of the documented type.
fn assert_like(path: &str, documented: &Value, actual: &Value) {
    match (documented, actual) {
        (Value::Object(members), Value::Object(actual)) => {
            for (name, value) in members {
                let actual = actual.get(name);
                let actual = actual.unwrap_or_else(|| panic!("`{path}/{name}` is missing"));
                assert_like(&format!("{path}/{name}"), value, actual);
            }
        }
        (Value::Array(documented), Value::Array(actual)) => {
            assert!(!actual.is_empty(), "`{path}` is empty");
            for value in actual {
                assert_like(&format!("{path}[]"), &documented[0], value);
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Null, _) => {}
        // The published schema lets these be null, and nothing has set them here.
        (_, Value::Null) => {
            let nullable = ["note", "note_url", "fingerprint", "expires_at"];
            assert!(
                nullable.contains(&path.rsplit('/').next().unwrap()),
                "`{path}` is null"
            );
        }
        _ => panic!("`{path}`: {actual} where the document has {documented}"),
    }
}

fn assert_as_documented(call: &Call, answer: &Answer) {
    assert_eq!(
        answer.status.as_u16(),
        call.status,
        "{}: {}",
        call.curl,
        answer.text
    );
    if answer.status == StatusCode::NO_CONTENT {
        assert_eq!(answer.text, "");
    } else if !call.body.is_null() {
        assert_like("", &call.body, &answer.json());
    }
}

#[tokio::test]
async fn every_line_answers_as_its_document_says() {
    let mut lines = 0;
    for document in documents() {
        for call in &document.calls {
            // Where the documents say `Bearer`, they are wrong: see the test below.
            let credential = match call.curl.contains("Bearer <YOUR-TOKEN>") {
                false => None,
                true if call.curl.contains(GITHUB_APP) => Some(basic(GITHUB_APP, SECRET)),
                true => Some(basic("octocat", "octocat")),
            };
            let answer = run(&document.release, call, credential.as_deref()).await;
            assert_as_documented(call, &answer);
            lines += 1;
        }
    }
    assert_eq!(lines, 32);
}

#[tokio::test]
async fn documents_that_say_bearer_are_wrong_about_it() {
    let mut lines = 0;
    for document in documents() {
        for call in &document.calls {
            if !call.curl.contains("Bearer <YOUR-TOKEN>") {
                continue;
            }
            // The same page of 3.8 says in prose that these four need Basic authentication with
            // the app's client id and secret; the legacy pages, that only a user's login and
            // password will do.
            let expected = if call.curl.contains(GITHUB_APP) {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::FORBIDDEN
            };
            let answer = run(&document.release, call, None).await;
            assert_eq!(answer.status, expected, "{}", call.curl);
            lines += 1;
        }
    }
    assert_eq!(lines, 24);
}
