use std::fmt;
use std::path::PathBuf;

use rustls::pki_types::pem;

/// The error for a certificate that cannot be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    Unreadable(PathBuf, pem::Error),
    /// The file holds no certificate.
    NoCertificate(PathBuf),
    /// The certificate is of X.509 v1 or v2, which has no host names.
    Outdated(PathBuf),
    /// The certificate is unusable for clients.
    UnusableCertificate(PathBuf, rustls::Error),
    /// The key is of an unusable kind, or does not belong to the certificate.
    Unusable(PathBuf, rustls::Error),
    /// No TLS configuration can be made.
    Config(rustls::Error),
}

impl TlsError {
    /// Tells whether the system refused to read a file.
    pub(crate) fn is_io(&self) -> bool {
        matches!(self, Self::Unreadable(_, pem::Error::Io(_)))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, pem::Error::Io(_)) => write!(f, "cannot read {path:?}"),
            Self::Unreadable(path, pem::Error::NoItemsFound) => {
                write!(f, "{path:?} holds no private key; it must be PEM")
            }
            Self::Unreadable(path, _) => write!(f, "{path:?} is damaged; it must be PEM"),
            Self::NoCertificate(path) => {
                write!(f, "{path:?} holds no certificate; it must be PEM")
            }
            Self::Outdated(path) => write!(
                f,
                "{path:?} is a certificate of X.509 v1, and has to be of v3, as clients want it: \
                 `openssl req -x509` makes one, and `openssl x509 -req` with -extfile and a \
                 subjectAltName"
            ),
            Self::UnusableCertificate(path, _) => {
                write!(f, "{path:?} holds a certificate that cannot be used")
            }
            Self::Unusable(path, rustls::Error::InconsistentKeys(_)) => {
                write!(f, "{path:?} is not the key of this certificate")
            }
            Self::Unusable(path, _) => write!(f, "{path:?} holds a key that cannot be used"),
            Self::Config(_) => f.write_str("TLS cannot be set up"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, pem::Error::Io(error)) => Some(error),
            Self::Unreadable(_, error) => Some(error),
            Self::NoCertificate(_) | Self::Outdated(_) => None,
            Self::UnusableCertificate(_, error)
            | Self::Unusable(_, error)
            | Self::Config(error) => Some(error),
        }
    }
}
