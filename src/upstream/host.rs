use std::fmt;
use std::str::FromStr;

/// The host that an upstream gets in `Host`, or `:authority`.
///
/// Tools build links and redirects from it, and compare `Origin` with it. Servers with several
/// virtual hosts choose one by it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum UpstreamHost {
    /// `client`: the host that the client asked for, as in `X-Forwarded-Host`.
    #[default]
    Client,
    /// `upstream`: the host of the request's upstream; `localhost` for a Unix socket.
    Upstream,
}

impl UpstreamHost {
    /// Returns the name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        }
    }
}

impl FromStr for UpstreamHost {
    type Err = UnknownUpstreamHost;

    fn from_str(name: &str) -> Result<Self, UnknownUpstreamHost> {
        match name {
            "client" => Ok(Self::Client),
            "upstream" => Ok(Self::Upstream),
            _ => Err(UnknownUpstreamHost(())),
        }
    }
}

/// The error for a host that is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownUpstreamHost(());

impl fmt::Display for UnknownUpstreamHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not known; write \"client\" or \"upstream\"")
    }
}

impl std::error::Error for UnknownUpstreamHost {}
