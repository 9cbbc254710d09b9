use toml::Value;

use crate::config::reader::source::Node;

/// `basic`: whether a token may also be a Basic password.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RouteBasic {
    /// `false`: no.
    #[default]
    Refuse,
    /// `true`: it may, and challenges name both schemes.
    Accept,
    /// `"only"`: it may, and challenges name Basic alone, for clients that would follow one for
    /// Bearer elsewhere. Bearer tokens are accepted as well.
    Only,
}

impl RouteBasic {
    pub(super) fn read(node: Node) -> Result<Self, String> {
        Ok(match node.boolean_or(ONLY)? {
            Some(false) => Self::Refuse,
            Some(true) => Self::Accept,
            None => Self::Only,
        })
    }
}

impl From<RouteBasic> for Value {
    fn from(basic: RouteBasic) -> Self {
        match basic {
            RouteBasic::Refuse => false.into(),
            RouteBasic::Accept => true.into(),
            RouteBasic::Only => ONLY.into(),
        }
    }
}

pub(super) const ONLY: &str = "only";
