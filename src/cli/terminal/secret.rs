//! Secrets come from standard input, from a file or from a prompt, and never from an argument:
//! every user of the machine can read arguments.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use ghes_gatekeeper::ghes::OtpDelivery;
use ghes_gatekeeper::token::AccessToken;
use secrecy::{ExposeSecret, SecretString};

use super::escaped;
use super::prompt::without_echo;
use crate::cli::Failure;

/// Reads a token from standard input, or asks for it. Space around it is no part of it.
pub(crate) fn token() -> Result<AccessToken, Failure> {
    let text = from_standard_input("token", "Token: ")?;
    let token = text.expose_secret().trim();
    if token.contains(char::is_whitespace) {
        return Err(Failure::usage(
            "standard input holds more than one token; give one, on one line",
        ));
    }
    Ok(AccessToken::new(token))
}

/// Reads a password from a file or standard input, or asks for it. Only the line break at its end
/// is no part of it.
pub(crate) fn password(login: &str, file: Option<&Path>) -> Result<SecretString, Failure> {
    let password = match file {
        Some(file) => from_file(file)?,
        None => from_standard_input("password", &format!("Password of {}: ", escaped(login)))?,
    };
    let text = password.expose_secret();
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(Failure::usage("the password has several lines; give one"));
    }
    Ok(SecretString::from(line))
}

/// Asks for a one-time password; none if there is no terminal to ask on.
pub(crate) fn one_time_password(delivery: OtpDelivery) -> Option<SecretString> {
    let whence = match delivery {
        OtpDelivery::App => " from your authenticator app",
        OtpDelivery::Sms => " from the text message",
        _ => "",
    };
    let otp = without_echo(&format!("One-time password{whence}: ")).ok()?;
    Some(SecretString::from(otp.trim()))
}

fn from_standard_input(what: &str, prompt: &str) -> Result<SecretString, Failure> {
    let text = if io::stdin().is_terminal() {
        without_echo(prompt).map(SecretString::from)
    } else {
        read(io::stdin().lock())
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::refused("interrupted; nothing was changed"),
        _ => Failure::usage(format!("standard input: cannot read a {what}: {error}")),
    })?;
    if text.expose_secret().trim().is_empty() {
        return Err(Failure::usage(format!(
            "standard input holds no {what}; pipe it in, or type it on a terminal"
        )));
    }
    Ok(text)
}

/// Reads a secret from a file.
pub(crate) fn from_file(file: &Path) -> Result<SecretString, Failure> {
    let name = file.display();
    let text = File::open(file)
        .and_then(read)
        .map_err(|error| Failure::usage(format!("{name}: cannot be read: {error}")))?;
    if text.expose_secret().trim().is_empty() {
        return Err(Failure::usage(format!(
            "{name}: is empty; put the secret there"
        )));
    }
    Ok(text)
}

fn read(source: impl Read) -> io::Result<SecretString> {
    let mut text = String::new();
    source
        .take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)?;
    let is_too_long = text.len() as u64 > MAX_SECRET_BYTES;
    let text = SecretString::from(text);
    if is_too_long {
        return Err(io::Error::other("it is too long for one"));
    }
    Ok(text)
}

/// GitHub's tokens have up to 255 characters, and front ends refuse headers beyond 8 KiB.
const MAX_SECRET_BYTES: u64 = 8 * 1024;
