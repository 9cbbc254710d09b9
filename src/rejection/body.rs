//! Bodies made of bytes, for a layer that knows the type of its service's bodies only by name.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt as _, Full};
use tower::BoxError;

/// How a gate makes the bodies of its rejections.
#[derive(Clone, Default)]
pub(crate) enum Bodies {
    /// Those that are known, of bytes; all others are empty.
    #[default]
    Known,
    /// By a function from [`Bytes`]. Its type names the bodies that it is for.
    By(Arc<dyn Any + Send + Sync>),
    /// All are empty.
    None,
}

impl Bodies {
    pub(crate) fn by<B: 'static>(make: fn(Bytes) -> B) -> Self {
        Self::By(Arc::new(make))
    }

    /// Tells whether there is any sense in making the bytes.
    pub(crate) fn are_wanted(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Makes a body of `bytes`; none if there is no way from bytes to a `B`.
    pub(crate) fn make<B: 'static>(&self, bytes: Bytes) -> Option<B> {
        match self {
            Self::None => None,
            Self::Known => known(bytes),
            Self::By(make) => match make.downcast_ref::<fn(Bytes) -> B>() {
                Some(make) => Some(make(bytes)),
                None => known(bytes),
            },
        }
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known => "Known",
            Self::By(_) => "By(..)",
            Self::None => "None",
        })
    }
}

/// Makes one of the bodies that services commonly have. Which one `B` is, the compiler knows and
/// settles: nothing of this is left to be decided when it runs.
fn known<B: 'static>(bytes: Bytes) -> Option<B> {
    let mut body = None::<B>;
    let slot: &mut dyn Any = &mut body;
    #[cfg(feature = "axum")]
    if let Some(slot) = slot.downcast_mut::<Option<axum_core::body::Body>>() {
        *slot = Some(bytes.into());
        return body;
    }
    if let Some(slot) = slot.downcast_mut::<Option<Full<Bytes>>>() {
        *slot = Some(Full::new(bytes));
    } else if let Some(slot) = slot.downcast_mut::<Option<Bytes>>() {
        *slot = Some(bytes);
    } else if let Some(slot) = slot.downcast_mut::<Option<Vec<u8>>>() {
        *slot = Some(bytes.into());
    } else if let Some(slot) = slot.downcast_mut::<Option<String>>() {
        *slot = String::from_utf8(bytes.into()).ok();
    } else if !boxed::<std::convert::Infallible>(slot, &bytes) && !boxed::<BoxError>(slot, &bytes) {
        boxed::<std::io::Error>(slot, &bytes);
    }
    body
}

/// Does the same with boxed bodies that fail with an `E`.
fn boxed<E: 'static>(slot: &mut dyn Any, bytes: &Bytes) -> bool {
    let full = || Full::new(bytes.clone()).map_err(|never| match never {});
    if let Some(slot) = slot.downcast_mut::<Option<BoxBody<Bytes, E>>>() {
        *slot = Some(full().boxed());
        return true;
    }
    if let Some(slot) = slot.downcast_mut::<Option<UnsyncBoxBody<Bytes, E>>>() {
        *slot = Some(full().boxed_unsync());
        return true;
    }
    false
}
