use ghes_gatekeeper::config::Config;

use super::Failure;

/// Returns the variables with our prefix in any case: the reader refuses those that are not in
/// capitals, instead of ignoring them. The variables that say how GHES is reached come with them.
///
/// A value of ours that is not UTF-8 is an error. [`std::env::vars`] would panic at any variable.
pub(super) fn variables(prefix: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        // A name that is no UTF-8 cannot be one of ours.
        let Ok(name) = name.into_string() else {
            continue;
        };
        let start = name.get(..prefix.len());
        let is_ours = start.is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if !is_ours && !Config::PROXY_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let value = value
            .into_string()
            .map_err(|_| Failure::usage(format!("{name}: is not UTF-8")))?;
        variables.push((name, value));
    }
    Ok(variables)
}
