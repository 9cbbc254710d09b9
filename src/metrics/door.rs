use crate::fronts::Dialect;

/// The doors of those who ask about requests instead of sending them through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Door {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
    OAuth2Proxy,
    ExtAuthz,
    /// RFC 7662.
    Introspect,
    /// Kubernetes.
    TokenReview,
    /// Where a proxy sends browsers to log in.
    Login,
    /// A question at a path where nothing is asked.
    None,
}

impl Door {
    pub(super) const ALL: [Self; 10] = [
        Self::Nginx,
        Self::Traefik,
        Self::Caddy,
        Self::Envoy,
        Self::OAuth2Proxy,
        Self::ExtAuthz,
        Self::Introspect,
        Self::TokenReview,
        Self::Login,
        Self::None,
    ];

    /// Returns its name, as it stands in the log and in labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => Dialect::Nginx.as_str(),
            Self::Traefik => Dialect::Traefik.as_str(),
            Self::Caddy => Dialect::Caddy.as_str(),
            Self::Envoy => Dialect::Envoy.as_str(),
            Self::OAuth2Proxy => Dialect::OAuth2Proxy.as_str(),
            Self::ExtAuthz => "ext_authz",
            Self::Introspect => "introspect",
            Self::TokenReview => "token_review",
            Self::Login => "login",
            Self::None => "none",
        }
    }

    /// Tells whether a client gets what is answered here, whatever its status. nginx knows 401 and
    /// 403, and has pages of its own for them.
    pub(crate) const fn passes_pages(self) -> bool {
        matches!(
            self,
            Self::Traefik | Self::Caddy | Self::Envoy | Self::ExtAuthz
        )
    }

    /// The index in [`ALL`](Self::ALL).
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl From<Dialect> for Door {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Nginx => Self::Nginx,
            Dialect::Traefik => Self::Traefik,
            Dialect::Caddy => Self::Caddy,
            Dialect::Envoy => Self::Envoy,
            Dialect::OAuth2Proxy => Self::OAuth2Proxy,
        }
    }
}
