use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;
use super::validity::{Trouble, Validity, is_outdated};
use crate::watched::WatchedFiles;

/// The files of a certificate and of its key, both PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate, followed by the chain to the root.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

impl CertificateFiles {
    /// Returns an error if the files cannot be served.
    pub(crate) fn check(&self) -> Result<(), TlsError> {
        self.read().map(drop)
    }

    /// Reads both files.
    ///
    /// # Errors
    ///
    /// Returns [`TlsError`] if one cannot be read, or if they do not belong together.
    pub(super) fn read(&self) -> Result<CertifiedKey, TlsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |error| TlsError::Unreadable(path, error)
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.cert_file)
            .and_then(Iterator::collect::<Result<_, _>>)
            .map_err(unreadable(&self.cert_file))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(self.cert_file.clone()));
        }
        let key =
            PrivateKeyDer::from_pem_file(&self.key_file).map_err(unreadable(&self.key_file))?;
        let is_outdated = is_outdated(&chain[0]);
        // This refuses a key that does not belong to the certificate.
        CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
            .map_err(|error| self.blame(error, is_outdated))
    }

    /// Maps an error to the file that causes it.
    fn blame(&self, error: rustls::Error, is_outdated: bool) -> TlsError {
        match error {
            rustls::Error::InvalidCertificate(_) if is_outdated => {
                TlsError::Outdated(self.cert_file.clone())
            }
            rustls::Error::InvalidCertificate(_) => {
                TlsError::UnusableCertificate(self.cert_file.clone(), error)
            }
            _ => TlsError::Unusable(self.key_file.clone(), error),
        }
    }

    /// Returns a line for operators if the dates of the certificate are, or will soon be, invalid
    /// for clients. Files that cannot be read have no dates.
    pub(crate) fn warning(&self) -> Option<String> {
        let key = self.read().ok()?;
        let trouble = Validity::of(&key.cert).trouble(SystemTime::now())?;
        Some(self.line(trouble))
    }

    pub(super) fn line(&self, trouble: Trouble) -> String {
        format!("server.tls.cert_file: {:?}: {trouble}", self.cert_file)
    }

    pub(super) fn watch(&self) -> WatchedFiles {
        WatchedFiles::new([self.cert_file.clone(), self.key_file.clone()])
    }
}
