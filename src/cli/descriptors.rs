use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets the process have as many files open as the system allows it, and returns how many.
///
/// The lower limit that processes begin with is for programs that count descriptors in 1,024 bits
/// (`select`), of which this is none.
pub(super) fn raise_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let began_with = limit.current;
    limit.current = limit.maximum;
    if limit.current != began_with
        && let Err(error) = setrlimit(Resource::Nofile, limit)
    {
        tracing::debug!("cannot raise the limit of open files: {error}");
        limit.current = began_with;
    }
    limit.current.unwrap_or(u64::MAX)
}
