use tokio::io::{AsyncRead, AsyncReadExt};

/// What a client gets for a request.
#[derive(Debug)]
pub(crate) enum End {
    Answered(Answer),
    /// The stream is reset with this code of RFC 9113 §7.
    Reset(u32),
    /// The connection is closed with this code of RFC 9113 §7, or without one.
    Closed(Option<u32>),
}

#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl End {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            Self::Reset(_) | Self::Closed(_) => None,
        }
    }
}

impl Answer {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(n, _)| n == name);
        fields.map(|(_, value)| &**value).collect()
    }

    /// Everything that the client can read, in lower case.
    pub(crate) fn text(&self) -> String {
        let lines = self.fields.iter().map(|(n, v)| format!("{n}: {v}\n"));
        let text = lines.collect::<String>() + &String::from_utf8_lossy(&self.body);
        text.to_lowercase()
    }

    /// Reads one of HTTP/1 to a request with this method, past interim ones; none if there was no
    /// whole one.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), method: &str) -> Option<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Self::whole(&mut bytes, method != "HEAD") {
                return Some(answer);
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn whole(bytes: &mut Vec<u8>, has_body: bool) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let rest = bytes.split_off(head.len() + 4);
        if status == 100 {
            *bytes = rest;
            return Self::whole(bytes, has_body);
        }
        let one = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a field");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let answer = Self {
            status,
            fields: lines.map(one).collect(),
            body: Vec::new(),
        };
        let length = answer.all("content-length");
        let length = length.first().filter(|_| has_body);
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        if rest.len() < length {
            bytes.extend(rest);
            return None;
        }
        Some(Self {
            body: rest[..length].to_vec(),
            ..answer
        })
    }
}
