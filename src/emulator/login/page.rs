//! The pages a browser sees; plain, without scripts.
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

/// A form that asks a user to let an app in.
pub(super) struct Form<'a> {
    pub(super) title: String,
    /// Lines to read first.
    pub(super) text: Vec<String>,
    /// Fields that the next step needs.
    pub(super) hidden: Vec<(&'a str, &'a str)>,
    pub(super) login: &'a str,
    /// What was wrong the last time.
    pub(super) problem: Option<&'a str>,
    /// Asks for the code a device shows, with this one filled in.
    pub(super) user_code: Option<&'a str>,
}

impl Form<'_> {
    /// Shows the form; with a problem, as a refusal.
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let status = match self.problem {
            Some(_) => StatusCode::UNAUTHORIZED,
            None => StatusCode::OK,
        };
        let mut body = String::new();
        for line in self
            .problem
            .iter()
            .copied()
            .chain(self.text.iter().map(String::as_str))
        {
            body.push_str(&format!("<p>{}</p>\n", escaped(line)));
        }
        body.push_str("<form method=\"post\">\n");
        for (name, value) in &self.hidden {
            body.push_str(&input("hidden", name, value));
        }
        if let Some(user_code) = self.user_code {
            body.push_str(&labelled("Code", &input("text", "user_code", user_code)));
        }
        body.push_str(&labelled("Username", &input("text", "login", self.login)));
        body.push_str(&labelled("Password", &input("password", "password", "")));
        let otp = input("text", "otp", "");
        body.push_str(&labelled("Two-factor code, if you have one", &otp));
        body.push_str(
            "<button name=\"decision\" value=\"authorize\">Authorize</button>\n\
             <button name=\"decision\" value=\"cancel\">Cancel</button>\n</form>\n",
        );
        page(status, &self.title, &body)
    }
}

/// Tells a user one thing.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    page(status, text, "")
}

pub(super) fn not_found() -> Response<Full<Bytes>> {
    message(StatusCode::NOT_FOUND, "Page not found")
}

pub(super) fn bad_request() -> Response<Full<Bytes>> {
    message(StatusCode::BAD_REQUEST, "Bad request")
}

fn page(status: StatusCode, title: &str, body: &str) -> Response<Full<Bytes>> {
    let title = escaped(title);
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n{body}</html>\n"
    );
    let mut response = Response::new(Full::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (FRAME_OPTIONS, "deny"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn labelled(label: &str, input: &str) -> String {
    format!("<p><label>{label} {input}</label></p>\n")
}

fn input(kind: &str, name: &str, value: &str) -> String {
    let value = escaped(value);
    format!("<input type=\"{kind}\" name=\"{name}\" value=\"{value}\">")
}

/// Writes a text so that HTML and XML read it as text.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");
