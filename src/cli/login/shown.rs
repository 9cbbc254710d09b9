//! What a person sees while they sign in, on standard error: standard output is for tokens.

use std::io::{self, IsTerminal, Write};

use ghes_gatekeeper::ghes::DeviceCode;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::json;

use super::minutes;
use crate::cli::logging::LogFormat;
use crate::cli::terminal::escaped;

#[derive(Clone, Copy)]
pub(super) struct Shown(LogFormat);

impl Shown {
    pub(super) fn new(format: LogFormat) -> Self {
        Self(format)
    }

    /// Shows where to type in what.
    pub(super) fn code(self, code: &DeviceCode) {
        let (page, word) = (escaped(&code.verification_uri), escaped(&code.user_code));
        let minutes = minutes(code.left());
        write(&match self.0 {
            LogFormat::Text => format!(
                "\nOpen {page}\nand type in this code:\n\n    {}\n\n{}Waiting for up to {minutes} minutes; \
                 Ctrl-C ends it.\n",
                spaced(&word),
                picture(&code.verification_uri),
            ),
            LogFormat::Json => line(&json!({
                "verification_uri": page,
                "user_code": word,
                "expires_in": code.left().as_secs(),
            })),
        });
    }

    pub(super) fn signed_in(self, login: &str) {
        let login = escaped(login);
        write(&match self.0 {
            LogFormat::Text => {
                format!("Signed in as {login}. ghes-gatekeeper token print prints the token.\n")
            }
            LogFormat::Json => line(&json!({ "signed_in": login })),
        });
    }
}

/// Large enough to be read from a distance, and still one word to copy.
fn spaced(code: &str) -> String {
    match io::stderr().is_terminal() {
        // Bold, and the colors of the terminal the other way around.
        true => format!("\u{1b}[1;7m {code} \u{1b}[0m"),
        false => code.to_owned(),
    }
}

/// Returns the page as a picture for a phone, where the terminal has room and letters for it.
fn picture(page: &str) -> String {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = locale
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let has_letters = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if !has_letters || !io::stderr().is_terminal() {
        return String::new();
    }
    let Ok(code) = QrCode::with_error_correction_level(page, EcLevel::L) else {
        return String::new();
    };
    let room = terminal_size::terminal_size_of(io::stderr());
    let has_room = room.is_some_and(|(width, height)| {
        let side = code.width() + 8;
        usize::from(width.0) > side && usize::from(height.0) > side / 2 + 8
    });
    match has_room {
        true => format!("{}\n\n", code.render::<Dense1x2>().build()),
        false => String::new(),
    }
}

fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}

fn write(text: &str) {
    // There is nowhere to report that standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}
