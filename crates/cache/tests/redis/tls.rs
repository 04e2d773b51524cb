//! TLS. The server for tests is built without it, so something before it takes it off.

use std::net::TcpListener;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use vetted_cache::redis::{RedisError, Settings, open};
use vetted_cache::{Attributes, Scope};

use crate::contract::{entry, exact, nearest};
use crate::server::{Server, cache, patient};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/tls");

/// Listens, takes TLS off, and hands on to the port.
fn before(port: u16) -> u16 {
    let certificate = CertificateDer::from_pem_file(format!("{FILES}/certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{FILES}/key.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    // On every address of this machine, so that it can be asked under one that its certificate does not name.
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let listening = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let (Ok(mut outside), Ok(mut inside)) =
                        (acceptor.accept(stream).await, TcpStream::connect(("127.0.0.1", port)).await)
                    {
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
    });
    listening
}

#[test]
fn certificates_are_checked() {
    let Some(server) = Server::start(&[]) else { return };
    let port = before(server.port);
    let (scope, none) = (Scope::new("tls"), Attributes::new());
    let backend = cache(&format!("rediss://localhost:{port}?ca={FILES}/certificate.pem"));
    let stored = entry(&scope, "prompt", 1);
    backend.put(&stored).unwrap();
    assert_eq!(*exact(&*backend, &scope, "prompt", &none).unwrap(), stored);
    assert_eq!(nearest(&*backend, &scope, &none, &stored.vector, 3).len(), 1);

    let settings = Settings { command: std::time::Duration::from_secs(2), ..patient() };
    // Nobody vouches for it; it is another host's; and it is spoken to in clear.
    for line in [format!("rediss://localhost:{port}"), format!("rediss://127.0.0.2:{port}?ca={FILES}/certificate.pem")]
    {
        let error = open(&line, &settings).err().unwrap();
        assert!(matches!(error, RedisError::Unreachable { .. }), "{error}");
        assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    }
    assert!(open(&format!("redis://localhost:{port}"), &settings).is_err());
    let error = open(&format!("rediss://localhost:{port}?ca=/nowhere.pem"), &settings).err().unwrap();
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
}
