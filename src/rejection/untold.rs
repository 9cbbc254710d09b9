use std::fmt;

use crate::identity::Identity;

/// What the log is told of a rejection, and its client is not. Boxed, because most have nothing.
#[derive(Clone, Default)]
pub(super) struct Untold(Option<Box<Denied>>);

/// Whom a policy has denied a request, and by which of its rules.
#[derive(Clone)]
pub(crate) struct Denied {
    #[cfg_attr(not(feature = "proxy"), expect(dead_code, reason = "nobody else logs"))]
    pub(crate) identity: Identity,
    pub(crate) rule: Option<String>,
}

impl Untold {
    pub(super) fn get(&self) -> Option<&Denied> {
        self.0.as_deref()
    }
}

impl From<Denied> for Untold {
    fn from(denied: Denied) -> Self {
        Self(Some(Box::new(denied)))
    }
}

/// Rejections are equal that are so to the client.
impl PartialEq for Untold {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Untold {}

impl fmt::Debug for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.get().map(|denied| &denied.rule);
        f.debug_tuple("Untold").field(&rule).finish()
    }
}
