/// Refuses text that is a pattern elsewhere. Here it would be plain letters, match nothing, and
/// raise no error.
pub(in crate::config) fn refuse_pattern(text: &str, cure: &str) -> Result<(), String> {
    match text.contains(PATTERN_LETTERS) {
        true => Err(format!("there are no patterns here; {cure}")),
        false => Ok(()),
    }
}

/// Globs, regular expressions and templates. The brackets of `dependabot[bot]` are no class.
const PATTERN_LETTERS: [char; 12] = ['*', '?', '{', '}', '(', ')', '<', '>', '^', '$', '|', '+'];

/// Tells the same of a host. Beside globs, regular expressions and templates, `.example.com` is all
/// below it to cookies and nginx, and `_` every host.
pub(in crate::config) fn is_host_pattern(host: &str) -> bool {
    let is_address = host.starts_with('[');
    let has_letters = host.contains(PATTERN_LETTERS) || host.contains(['~', '\\', '%']);
    let has_class = !is_address && host.contains(['[', ']']);
    has_letters || has_class || host == "_" || (host.starts_with('.') && host != ".")
}
