//! The trusted certificate authorities.

#[cfg(feature = "proxy")]
use std::fs;
#[cfg(feature = "proxy")]
use std::path::Path;
use std::sync::LazyLock;

use rustls::RootCertStore;
#[cfg(feature = "proxy")]
use rustls::pki_types::CertificateDer;
#[cfg(feature = "proxy")]
use rustls::pki_types::pem::{self, PemObject};
#[cfg(feature = "proxy")]
use sha2::{Digest as _, Sha256};

/// The certificate authorities of the system, read once.
pub(crate) fn system_roots() -> RootCertStore {
    static ROOTS: LazyLock<RootCertStore> = LazyLock::new(load_system_roots);
    ROOTS.clone()
}

fn load_system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // A system without roots, or with one that is broken, still reaches a GHES of a private CA
    // or on loopback; a certificate that cannot be verified is refused when it is presented.
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!("a root certificate of the system cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Reads the certificates in a file; there must be at least one.
#[cfg(feature = "proxy")]
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(|error| match error {
            pem::Error::Io(error) => format!("cannot read {path:?}: {error}"),
            _ => format!("{path:?} is damaged; it must hold certificates as PEM"),
        })?;
    if certificates.is_empty() {
        return Err(format!("{path:?} holds no certificate; it must be PEM"));
    }
    Ok(certificates)
}

/// What was in some files, to be told from what is there later.
#[cfg(feature = "proxy")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Contents([u8; 32]);

#[cfg(feature = "proxy")]
impl Contents {
    /// A file that cannot be read counts as empty: who needs it has found that out before.
    pub(crate) fn of(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let mut all = Sha256::new();
        for file in files {
            all.update(Sha256::digest(fs::read(file).unwrap_or_default()));
        }
        Self(all.finalize().into())
    }
}
