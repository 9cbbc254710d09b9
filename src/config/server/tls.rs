use std::path::PathBuf;

use crate::causes::Causes;
use crate::config::reader::kind::Shape;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::server::{CertificateFiles, TlsError};

/// The keys of `[server.tls]`.
pub(in crate::config) const KEYS: &[Key] = keys! {
    /// PEM, with the chain; both files are read again when they change
    cert_file: Shape::Text, shown "/etc/gate/tls.crt";
    key_file: Shape::Text, shown "/etc/gate/tls.key";
};

/// Reads `[server.tls]`, and the files once, because a certificate that cannot be served would
/// surface as failed handshakes.
pub(in crate::config) fn read(tls: &mut Section<'_>) -> Option<CertificateFiles> {
    let path = |node: Node| node.text().map(PathBuf::from);
    let cert_file = tls.required("cert_file", "cert_file = \"/etc/gate/tls.crt\"", path);
    let key_file = tls.required("key_file", "key_file = \"/etc/gate/tls.key\"", path);
    let files = CertificateFiles {
        cert_file: cert_file?,
        key_file: key_file?,
    };
    if let Err(error) = files.check() {
        tls.refuse(key_of(&error, &files), message(&error));
        return None;
    }
    Some(files)
}

fn key_of(error: &TlsError, files: &CertificateFiles) -> &'static str {
    match error {
        TlsError::Unreadable(path, _) if *path == files.key_file => "key_file",
        TlsError::Unusable(..) => "key_file",
        _ => "cert_file",
    }
}

/// Leaves out rustls's text about a damaged file, which does not help; why a file cannot be read
/// does.
fn message(error: &TlsError) -> String {
    if error.is_io() {
        format!("{error}: {}", Causes(error))
    } else {
        error.to_string()
    }
}
