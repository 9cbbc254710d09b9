//! What bytes travel in.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::pair;

/// A connection of any kind.
pub(crate) type Stream = Pin<Box<dyn Duplex>>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Duplex for S {}

pub(crate) async fn tcp(address: std::net::SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    stream
}

pub(super) async fn unix(path: &Path) -> UnixStream {
    UnixStream::connect(path).await.expect("a connection")
}

/// Reaches a gate that has our certificate by this name.
pub(crate) async fn tls_by(
    config: Arc<rustls::ClientConfig>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    name: ServerName<'static>,
) -> TlsStream<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
    let protocol = config.alpn_protocols.first().cloned();
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let stream = stream.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), protocol.as_deref());
    stream
}

/// A client that trusts our certificate, whatever name the gate is reached by.
pub(crate) fn tls_client(protocol: &[u8]) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OurCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

/// One for all gates of this process.
pub(crate) fn certificate() -> &'static CertifiedKey<KeyPair> {
    static CERTIFICATE: OnceLock<CertifiedKey<KeyPair>> = OnceLock::new();
    CERTIFICATE.get_or_init(pair)
}

/// Takes our certificate, for any name: what is tested is not the client.
#[derive(Debug)]
struct OurCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for OurCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        assert_eq!(end_entity, certificate().cert.der());
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        let algorithms = self.0.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
