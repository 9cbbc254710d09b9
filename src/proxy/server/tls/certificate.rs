use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;

/// The files of a certificate and of its key, both PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate, followed by those that lead to the root.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// By what a file is known to be another one than before: a rename changes the inode, a write the
/// time, and a write within the clock's grain most likely the length.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Stamp([Option<(u64, Option<SystemTime>, u64)>; 2]);

impl CertificateFiles {
    /// Tells what is wrong with the files, if anything is.
    pub(in crate::proxy) fn check(&self) -> Result<(), TlsError> {
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
        // This refuses a key that is not the certificate's.
        CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
            .map_err(|error| TlsError::Unusable(self.key_file.clone(), error))
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp([&self.cert_file, &self.key_file].map(|path| {
            // A link is followed: Kubernetes replaces the directory that it leads through.
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.modified().ok(), metadata.len()))
        }))
    }
}
