//! What a server may do to a path before it looks at it, one thing at a time.
//!
//! Each step takes one reading and makes another, or none where it would change nothing. They come
//! one after the other in any order and any number of times.

use unicode_normalization::UnicodeNormalization;

pub(super) type Step = fn(&str) -> Option<String>;

pub(super) const STEPS: [Step; 16] = [
    merge_slashes,
    resolve_dots,
    cut_all_parameters,
    cut_last_parameters,
    cut_parameters_of_dots,
    end_at_parameters,
    turn_backslashes,
    trim_blanks,
    trim_dots,
    trim_end,
    fold_width,
    end_at_query,
    end_at_control,
    drop_controls,
    rest_after_authority,
    cut_streams,
];

/// What a path says to everybody: its triplets decoded, but for those that some read as more than
/// a letter.
pub(super) fn decode_letters(path: &str) -> Decoded {
    let is_letter = |b: u8| !b.is_ascii_control() && !b"/\\%;?#".contains(&b);
    decoded(path, is_letter)
}

/// The path with its triplets in capitals.
pub(super) fn undecoded(path: &str) -> String {
    decoded(path, |_| false).text
}

/// Decodes everything, `%uXXXX` of old Windows servers included.
pub(super) fn decode(path: &str) -> Option<Decoded> {
    let mut decoded = path.contains('%').then(|| decoded(path, |_| true))?;
    if decoded.text.contains("%u") {
        decoded.text = decode_unicode(&decoded.text);
    }
    Some(decoded)
}

/// A decoded path.
pub(super) struct Decoded {
    pub(super) text: String,
    /// Whether it was UTF-8, so that no server decodes it to anything else.
    pub(super) is_utf_8: bool,
    /// Whether each percent sign began a triplet (RFC 3986 §2.1).
    pub(super) is_well_formed: bool,
}

/// Decodes the triplets for which `is_meant` holds; of the others, the digits become capitals.
fn decoded(path: &str, is_meant: impl Fn(u8) -> bool) -> Decoded {
    let mut bytes = Vec::with_capacity(path.len());
    let mut is_well_formed = true;
    let mut rest = path.as_bytes();
    while let [first, more @ ..] = rest {
        let triplet = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high, *low),
            _ => None,
        };
        let length = if triplet.is_some() { 3 } else { 1 };
        match triplet {
            Some(b) if is_meant(b) => bytes.push(b),
            Some(_) => bytes.extend(rest[..length].to_ascii_uppercase()),
            None => {
                is_well_formed &= *first != b'%';
                bytes.push(*first);
            }
        }
        rest = &rest[length..];
    }
    match String::from_utf8(bytes) {
        Ok(text) => Decoded {
            text,
            is_utf_8: true,
            is_well_formed,
        },
        Err(error) => Decoded {
            text: lenient(error.as_bytes()),
            is_utf_8: false,
            is_well_formed,
        },
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}

/// Takes overlong forms for what they were made from, and other bytes for Latin-1.
fn lenient(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        let (letter, length) = match (*first, more) {
            (0..0x80, _) => (char::from(*first), 1),
            (0xc0..=0xc1, [second @ 0x80..=0xbf, ..]) => {
                (char::from((first & 1) << 6 | second & 0x3f), 2)
            }
            (0xe0, [0x80..=0x81, third @ 0x80..=0xbf, ..]) => {
                (char::from((more[0] & 1) << 6 | third & 0x3f), 3)
            }
            (0xf0, [0x80, 0x80..=0x81, fourth @ 0x80..=0xbf, ..]) => {
                (char::from((more[1] & 1) << 6 | fourth & 0x3f), 4)
            }
            _ => whole_letter(rest).unwrap_or_else(|| (char::from(*first), 1)),
        };
        text.push(letter);
        rest = &rest[length..];
    }
    text
}

/// The letter that well-formed UTF-8 begins with.
fn whole_letter(bytes: &[u8]) -> Option<(char, usize)> {
    let valid = (2..=4).find_map(|length| str::from_utf8(bytes.get(..length)?).ok())?;
    let letter = valid.chars().next()?;
    Some((letter, letter.len_utf8()))
}

fn decode_unicode(path: &str) -> String {
    let mut parts = path.split("%u");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let letter = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match letter.and_then(char::from_u32) {
            Some(letter) => {
                text.push(letter);
                text.push_str(&part[4..]);
            }
            None => {
                text.push_str("%u");
                text.push_str(part);
            }
        }
    }
    text
}

fn merge_slashes(path: &str) -> Option<String> {
    path.contains("//").then(|| {
        let mut merged = String::with_capacity(path.len());
        for c in path.chars() {
            if c != '/' || !merged.ends_with('/') {
                merged.push(c);
            }
        }
        merged
    })
}

/// RFC 3986 §5.2.4.
fn resolve_dots(path: &str) -> Option<String> {
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    if !path.split('/').any(is_dots) {
        return None;
    }
    let mut kept = Vec::new();
    let mut ends_below = false;
    for segment in path.split('/').skip(1) {
        ends_below = is_dots(segment);
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if ends_below {
        kept.push("");
    }
    Some(format!("/{}", kept.join("/")))
}

fn cut_all_parameters(path: &str) -> Option<String> {
    let cut = |segment: &str| without_parameters(segment).to_owned();
    path.contains(';').then(|| by_segment(path, cut))
}

/// RFC 2396 has parameters in every segment, RFC 1808 in the last alone.
fn cut_last_parameters(path: &str) -> Option<String> {
    let last = path.rfind('/')? + 1;
    let at = path[last..].find(';')?;
    Some(path[..last + at].to_owned())
}

/// `/..;/` is a dot segment to servlet containers, whatever they make of other parameters.
fn cut_parameters_of_dots(path: &str) -> Option<String> {
    let cut = |segment: &str| match without_parameters(segment) {
        bare @ ("." | "..") => bare.to_owned(),
        _ => segment.to_owned(),
    };
    path.contains(';').then(|| by_segment(path, cut))
}

fn end_at_parameters(path: &str) -> Option<String> {
    path.find(';').map(|at| path[..at].to_owned())
}

fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

fn turn_backslashes(path: &str) -> Option<String> {
    path.contains('\\').then(|| path.replace('\\', "/"))
}

fn trim_blanks(path: &str) -> Option<String> {
    let trim = |segment: &str| segment.trim_matches(is_blank).to_owned();
    path.contains(is_blank).then(|| by_segment(path, trim))
}

/// Windows drops dots and blanks at the end of a name.
fn trim_dots(path: &str) -> Option<String> {
    let trim = |segment: &str| match segment {
        "." | ".." => segment.to_owned(),
        _ => segment.trim_end_matches(is_dropped).to_owned(),
    };
    let ends_so = |segment: &str| trim(segment) != segment;
    path.split('/').any(ends_so).then(|| by_segment(path, trim))
}

/// Some trim the whole and not its segments.
fn trim_end(path: &str) -> Option<String> {
    path.ends_with(is_dropped)
        .then(|| path.trim_end_matches(is_dropped).to_owned())
}

fn is_dropped(c: char) -> bool {
    c == '.' || is_blank(c)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_unseen(c)
}

/// What takes no room, and is left out where names are compared (RFC 3454 §3.1).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Folds what differs from ASCII in width or form alone, as NFKC does, and as Windows does where a
/// code page lacks a letter.
fn fold_width(path: &str) -> Option<String> {
    let plainer = |c: char| match c {
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2216}' => '\\',
        c => c,
    };
    let folded = || path.chars().filter(|c| !is_unseen(*c)).map(plainer).nfkc();
    (!path.is_ascii()).then(|| folded().map(plainer).collect())
}

/// A path that was decoded before it was parsed.
fn end_at_query(path: &str) -> Option<String> {
    path.find(['?', '#']).map(|at| path[..at].to_owned())
}

fn end_at_control(path: &str) -> Option<String> {
    path.find(char::is_control).map(|at| path[..at].to_owned())
}

fn drop_controls(path: &str) -> Option<String> {
    let is_there = path.contains(char::is_control);
    is_there.then(|| path.replace(char::is_control, ""))
}

/// RFC 3986 §4.2: what begins with two slashes is a host and a path to parsers of references.
fn rest_after_authority(path: &str) -> Option<String> {
    let reference = path.strip_prefix("//")?;
    Some(match reference.find('/') {
        Some(at) => reference[at..].to_owned(),
        None => "/".to_owned(),
    })
}

/// Windows reads a stream of a file as the file: `admin::$DATA`.
fn cut_streams(path: &str) -> Option<String> {
    let cut = |segment: &str| {
        let at = [segment.find("::"), segment.find(":$")];
        let end = at.into_iter().flatten().min().unwrap_or(segment.len());
        segment[..end].to_owned()
    };
    path.contains(':').then(|| by_segment(path, cut))
}

fn by_segment(path: &str, change: impl Fn(&str) -> String) -> String {
    let segments: Vec<String> = path.split('/').map(change).collect();
    segments.join("/")
}
