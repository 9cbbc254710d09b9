//! Dialling: makes connections, for any protocol over them.

mod no_proxy;
mod proxy_url;
mod proxy_variables;
mod roots;
mod tunnel;

pub use self::proxy_url::{InvalidProxyUrl, ProxyUrl};
pub use self::proxy_variables::InvalidProxyVariable;
pub(crate) use self::proxy_variables::ProxyVariables;
pub(crate) use self::roots::system_roots;
#[cfg(feature = "proxy")]
pub(crate) use self::roots::{Contents, certificates};
pub(crate) use self::tunnel::{TunnelError, open_tunnel};
