//! What may be on the wire to an upstream, read as strictly as the standards allow.
//!
//! Needs nothing but the standard library, so that fuzz targets can use it as well.

/// One request, as it was written.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) target: String,
    /// In their order.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// Without its chunks.
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let values = self.fields.iter().filter(|(n, _)| n == name);
        values
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// The value of a field that stands there once.
    pub(crate) fn only(&self, name: &str) -> String {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {self:?}");
        values[0].clone()
    }

    /// `GET /path`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// Reads the first message and its length; none if there is more to come.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Message, usize)>, String> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let mut lines = split(&bytes[..end], b"\r\n").into_iter();
    let (method, target) = request_line(lines.next().unwrap_or_default())?;
    let fields = lines.map(field).collect::<Result<Vec<_>, _>>()?;
    let mut message = Message {
        method,
        target,
        fields,
        body: Vec::new(),
    };
    let rest = &bytes[end + 4..];
    let body = match (
        &*message.all("content-length"),
        &*message.all("transfer-encoding"),
    ) {
        ([], []) => Some((Vec::new(), 0)),
        ([length], []) => sized(rest, length)?,
        ([], [coding]) if coding == "chunked" => chunked(rest)?,
        framing => return Err(format!("framing {framing:?}")),
    };
    Ok(body.map(|(body, length)| {
        message.body = body;
        (message, end + 4 + length)
    }))
}

/// RFC 9112 §3, in the only form that an origin server is sent.
fn request_line(line: &[u8]) -> Result<(String, String), String> {
    let wrong = || format!("request line {:?}", String::from_utf8_lossy(line));
    let words = split(line, b" ");
    let [method, target, b"HTTP/1.1"] = words[..] else {
        return Err(wrong());
    };
    let target_is_good =
        target.starts_with(b"/") && target.iter().all(|&b| b > b' ' && b != 0x7f && b != b'#');
    if method.is_empty() || !method.iter().all(|&b| is_tchar(b)) || !target_is_good {
        return Err(wrong());
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(method), text(target)))
}

fn field(line: &[u8]) -> Result<(String, Vec<u8>), String> {
    let wrong = || format!("field {:?}", String::from_utf8_lossy(line));
    let at = find(line, b": ").or_else(|| line.strip_suffix(b":").map(<[u8]>::len));
    let (name, value) = line.split_at(at.ok_or_else(wrong)?);
    let value = value.get(2..).unwrap_or_default();
    let is_text = |&b: &u8| b == b'\t' || (b >= b' ' && b != 0x7f);
    if name.is_empty() || !name.iter().all(|&b| is_tchar(b)) || !value.iter().all(is_text) {
        return Err(wrong());
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok((name, value.to_vec()))
}

type Body = Option<(Vec<u8>, usize)>;

fn sized(bytes: &[u8], length: &str) -> Result<Body, String> {
    let number: usize = length.parse().map_err(|_| format!("length {length:?}"))?;
    if number.to_string() != length {
        return Err(format!("length {length:?}"));
    }
    Ok(bytes.get(..number).map(|body| (body.to_vec(), number)))
}

/// RFC 9112 §7.1 without extensions and trailers.
fn chunked(bytes: &[u8]) -> Result<Body, String> {
    let mut body = Vec::new();
    let mut at = 0;
    while let Some(end) = find(&bytes[at..], b"\r\n") {
        let digits = String::from_utf8_lossy(&bytes[at..at + end]).into_owned();
        let size = usize::from_str_radix(&digits, 16).map_err(|_| format!("chunk {digits:?}"))?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(format!("chunk {digits:?}"));
        }
        at += end + 2;
        let Some(chunk) = bytes.get(at..at + size + 2) else {
            return Ok(None);
        };
        let data = chunk
            .strip_suffix(b"\r\n")
            .ok_or("a chunk without its end, or a trailer")?;
        body.extend_from_slice(data);
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
    Ok(None)
}

/// What an upstream takes a name for if it is as sloppy as CGI.
pub(crate) fn fold(name: &str) -> String {
    let one = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(one).collect()
}

/// Set by the gate, once each.
const OURS: [&str; 11] = [
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-user",
    "x-github-user-id",
    "x-oauth-client-id",
    "x-oauth-scopes",
    "x-request-id",
];

/// Never sent to an upstream. Those that end in a dash are families.
const NEVER: [&str; 43] = [
    "authorization",
    "cf-",
    "client-cert",
    "client-ip",
    "connection",
    "expect",
    "forwarded",
    "front-end-https",
    "http2-settings",
    "impersonate-",
    "keep-alive",
    "path-info",
    "proxy",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "remote-",
    "script-name",
    "ssl-client-",
    "te",
    "trailer",
    "true-client-ip",
    "upgrade",
    "x-auth-request-",
    "x-authenticated-",
    "x-client-ip",
    "x-cluster-client-",
    "x-envoy-",
    "x-forwarded",
    "x-forwarded-",
    "x-gatekeeper-",
    "x-github-",
    "x-oauth-",
    "x-original-",
    "x-real-ip",
    "x-remote-",
    "x-rewrite-url",
    "x-scheme",
    "x-script-name",
    "x-ssl-client-",
    "x-userinfo",
    "x-webauth-",
];

/// What GitHub's webhooks and clients say of themselves, under these very names.
const GITHUBS_OWN: [&str; 3] = [
    "x-github-api-version",
    "x-github-delivery",
    "x-github-event",
];

/// Fails unless `message` holds what the gate says and nothing that could be taken for it.
pub(crate) fn assert_clean(message: &Message) {
    let is_handshake = asks_for_a_websocket(message);
    for (name, _) in &message.fields {
        let folded = fold(name);
        if is_handshake && ["connection", "upgrade"].contains(&&**name) {
            continue;
        }
        if OURS.contains(&&*folded)
            || ["content-length", "transfer-encoding", "via"].contains(&&*folded)
        {
            assert_eq!(*name, folded, "a look-alike in {message:?}");
            assert!(
                name == "via" || message.all(name).len() == 1,
                "{name} in {message:?}"
            );
            continue;
        }
        if name.starts_with("x-github-") && GITHUBS_OWN.contains(&&**name) {
            continue;
        }
        let is_never = |never: &&str| match never.strip_suffix('-') {
            Some(_) => folded.len() > never.len() && folded.starts_with(never),
            None => folded == *never,
        };
        assert!(!NEVER.iter().any(is_never), "{name} in {message:?}");
    }
    assert_eq!(message.only("host"), message.only("x-forwarded-host"));
    let via = message.all("via").join(", ");
    let ours = ["1.0", "1.1", "2"].map(|version| format!("{version} ghes-gatekeeper"));
    assert!(ours.iter().any(|ours| via.ends_with(ours)), "{via}");
    for name in [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    ] {
        assert!(!message.only(name).is_empty());
    }
}

/// RFC 6455 §4.1: the only request that may ask to go on as something else.
fn asks_for_a_websocket(message: &Message) -> bool {
    message.method == "GET"
        && message.all("connection") == ["Upgrade"]
        && message.all("upgrade") == ["websocket"]
        && message.all("sec-websocket-version") == ["13"]
        && message.all("sec-websocket-key").len() == 1
}

fn is_tchar(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn split<'b>(mut bytes: &'b [u8], at: &[u8]) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    while let Some(end) = find(bytes, at) {
        parts.push(&bytes[..end]);
        bytes = &bytes[end + at.len()..];
    }
    parts.push(bytes);
    parts
}
