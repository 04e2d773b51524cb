//! The Hugging Face hub as a source: plain HTTP GET, going on where an earlier transfer broke off.

use std::time::Duration;

use ureq::http::header::{CONTENT_RANGE, RANGE};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::Progress;
use crate::error::Failure;
use crate::registry::Bundle;
use crate::transfer::{CopyError, Halt, Incoming};

/// How often a file is asked for in all when the connection keeps breaking.
const ATTEMPTS: usize = 5;

/// A client that notices within seconds that there is no network, and later that a transfer has stalled.
pub fn client() -> Agent {
    // The system's certificates, so that company proxies with their own authority work.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .timeout_resolve(Some(Duration::from_secs(5)))
        .timeout_connect(Some(Duration::from_secs(5)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .user_agent(concat!("vetted/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .new_agent()
}

/// Fetches one file of `bundle` from the hub at `endpoint`.
pub fn fetch(
    client: &Agent,
    endpoint: &str,
    bundle: &Bundle,
    incoming: &Incoming<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let Bundle { repository, revision, .. } = bundle;
    let path = incoming.file.path;
    let url = format!("{endpoint}/{repository}/resolve/{revision}/{path}");
    let goes_on = incoming.arrived() > 0;
    match receive(client, &url, incoming, progress) {
        // What had arrived before was not of this file: once more, from the start.
        Err(Halt::Source(Failure::WrongContent { .. })) if goes_on => receive(client, &url, incoming, progress),
        outcome => outcome,
    }
}

fn receive(
    client: &Agent,
    url: &str,
    incoming: &Incoming<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let (file, total) = (incoming.file.path, incoming.file.bytes);
    let mut attempt = 1;
    while incoming.arrived() < total {
        let (from, body) = request(client, url, incoming.arrived())?;
        let at = |bytes| progress(Progress::Fetching { file, bytes, total });
        match incoming.append(from, body.into_reader(), at) {
            Ok(()) => break,
            Err(CopyError::Write(error)) => return Err(error.into()),
            Err(CopyError::Read(source)) if attempt == ATTEMPTS => {
                return Err(Halt::Source(Failure::Interrupted {
                    url: url.into(),
                    bytes: incoming.arrived(),
                    total,
                    source,
                }));
            }
            Err(CopyError::Read(_)) => attempt += 1,
        }
    }
    incoming.finish()
}

/// Asks for a file from byte `from` on. The answer starts there, or at 0 where the server knows no ranges.
fn request(client: &Agent, url: &str, from: u64) -> Result<(u64, Body), Failure> {
    let mut request = client.get(url);
    if from > 0 {
        request = request.header(RANGE, format!("bytes={from}-"));
    }
    let response =
        request.call().map_err(|source| Failure::Unreachable { url: url.into(), source: Box::new(source) })?;
    let status = response.status().as_u16();
    let starts_as_asked = || {
        let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
        Some(range.starts_with(&format!("bytes {from}-")))
    };
    match status {
        200 => Ok((0, response.into_body())),
        206 if starts_as_asked() == Some(true) => Ok((from, response.into_body())),
        _ => Err(Failure::Status { url: url.into(), status }),
    }
}
