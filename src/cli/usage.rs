//! What a command line that makes no sense is answered with.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Failure;
use super::logging::LogFormat;

/// Prints what is wrong, or the help that was asked for, and returns the exit code.
pub(super) fn report(error: Error) -> ExitCode {
    let is_help =
        !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !is_help && format(env::args_os()) == LogFormat::Json {
        let text = without_values(error).render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        return Failure::usage(text.trim_end()).report(LogFormat::Json);
    }
    let code = u8::try_from(error.exit_code()).unwrap_or(1);
    // There is nowhere to report that an output is closed.
    let _ = without_values(error).print();
    ExitCode::from(code)
}

/// Hides what was typed where a secret may have been typed: what a command prints is kept by
/// terminals, and by the logs of those who start it.
///
/// Names of options, and what resembles a command, stay.
fn without_values(mut error: Error) -> Error {
    let place = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => ContextKind::InvalidValue,
    };
    let resembles_command = error.get(ContextKind::SuggestedSubcommand).is_some();
    if let Some(ContextValue::String(typed)) = error.get(place)
        && !resembles_command
        && let Some(shown) = hidden(typed)
    {
        error.insert(place, ContextValue::String(shown));
        // Tips repeat what was typed.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Returns what stands in place of a word; none if it can stay.
fn hidden(word: &str) -> Option<String> {
    let (name, has_value) = match word.split_once('=') {
        Some((name, _)) => (name, true),
        None => (word, false),
    };
    let is_word = |name: &str| {
        name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let is_option = name.strip_prefix("--").is_some_and(is_word)
        || name.strip_prefix('-').is_some_and(|name| name.len() == 1);
    match (is_option, has_value) {
        (true, false) => None,
        (true, true) => Some(format!("{name}={HIDDEN}")),
        // clap's own word for it where a value is missing.
        (false, _) if word.is_empty() => None,
        (false, _) => Some(HIDDEN.to_owned()),
    }
}

/// Reads the form of the log from arguments that are not understood as a whole.
fn format(arguments: impl Iterator<Item = OsString>) -> LogFormat {
    let mut arguments = arguments
        .skip_while(|argument| argument != "--log-format" && argument != "--log-format=json");
    let first = arguments.next();
    let is_json = first.is_some_and(|argument| argument == "--log-format=json")
        || arguments.next().is_some_and(|value| value == "json");
    match is_json {
        true => LogFormat::Json,
        false => LogFormat::Text,
    }
}

const HIDDEN: &str = "[hidden]";

/// As long as the longest of ours.
const LONGEST_NAME: usize = 24;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Arguments;

    fn told(line: &str) -> String {
        let words = line.split(' ').filter(|word| !word.is_empty());
        let error = Arguments::try_parse_from(words).expect_err("a mistake");
        without_values(error).render().to_string()
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for line in [
            "ghes-gatekeeper token check gho_CANARY",
            "ghes-gatekeeper token check CANARY",
            "ghes-gatekeeper check token -- gho_CANARY",
            "ghes-gatekeeper check gho_CANARY",
            "ghes-gatekeeper gho_CANARY",
            "ghes-gatekeeper token check --token=gho_CANARY",
            "ghes-gatekeeper token check --gho_CANARY",
            "ghes-gatekeeper token check -gho_CANARY",
            "ghes-gatekeeper token check --listen http://a:CANARY@b",
            "ghes-gatekeeper demo --listen CANARY",
            "ghes-gatekeeper emulator --seed CANARY",
            "ghes-gatekeeper emulator --ghes-version gho_CANARY",
            "ghes-gatekeeper demo --log-format CANARY",
            "ghes-gatekeeper demo --log-format=CANARY",
            "ghes-gatekeeper grants get CANARY",
            "ghes-gatekeeper health --url http://user:CANARY@[1/",
        ] {
            let told = told(line);
            assert!(!told.contains("CANARY"), "{line}: {told}");
            assert!(told.starts_with("error: "), "{told}");
        }
    }

    #[test]
    fn what_helps_stays() {
        for (line, word) in [
            ("ghes-gatekeeper servee", "'servee'"),
            ("ghes-gatekeeper serve --confg x", "'--confg'"),
            ("ghes-gatekeeper serve --confg=x", "'--confg'"),
            ("ghes-gatekeeper serve -x", "'-x'"),
            ("ghes-gatekeeper serve --config", "a value is required"),
            ("ghes-gatekeeper demo --listen x", "--listen <ADDR>"),
            ("ghes-gatekeeper demo --log-format x", "text, json"),
        ] {
            let told = told(line);
            assert!(told.contains(word), "{line}: {told}");
        }
    }

    #[test]
    fn no_option_is_longer_than_what_is_shown() {
        fn longest(command: &clap::Command) -> usize {
            let options = command.get_arguments().filter_map(clap::Arg::get_long);
            let below = command.get_subcommands().map(longest);
            options.map(str::len).chain(below).max().unwrap_or(0)
        }
        assert!(longest(&Arguments::command()) <= LONGEST_NAME);
    }

    #[test]
    fn the_form_of_the_log_is_read_wherever_it_stands() {
        for (line, expected) in [
            ("x serve --log-format json", LogFormat::Json),
            ("x --log-format=json gho_", LogFormat::Json),
            ("x --log-format text", LogFormat::Text),
            ("x --log-format", LogFormat::Text),
            ("x json", LogFormat::Text),
            ("x", LogFormat::Text),
        ] {
            let words = line.split(' ').map(OsString::from);
            assert_eq!(format(words), expected, "{line}");
        }
    }
}
