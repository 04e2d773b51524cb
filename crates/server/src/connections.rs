//! How many connections there are at once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::add_extension::AddExtension;

/// Takes a connection when there is a place for it; until then nothing of it is read.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

/// The place that a connection has, for as long as it is served.
type Place = Arc<OwnedSemaphorePermit>;

impl Places {
    pub(crate) fn new(connections: usize) -> Places {
        Places(Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))))
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Places {
    type Stream = TcpStream;
    type Service = AddExtension<S, Place>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let places = self.0.clone();
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            // An answer is one write: there is nothing to wait for.
            stream.set_nodelay(true)?;
            Ok((stream, AddExtension::new(service, Arc::new(place))))
        })
    }
}
