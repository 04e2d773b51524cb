//! Starting and stopping.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::connections::Places;
use crate::error::{Code, Failure};
use crate::service::Service;
use crate::settings::{Limits, Settings, TlsFiles};
use crate::{KeysError, guard, routes};

/// A server that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An index could not be opened.
    #[error("the index {name:?}: {error}")]
    Index {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        error: Box<vetted::Error>,
    },
    /// Two indexes have the same name.
    #[error("two indexes are called {name:?}: give one another name, as --index NAME=DIR")]
    SameName {
        /// The name.
        name: String,
    },
    /// A cache could not be opened.
    #[error("the cache {name:?}: {error}")]
    Cache {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        error: Box<vetted_cache::CacheError>,
    },
    /// Two caches have the same name.
    #[error("two caches are called {name:?}: give one another name, as --cache NAME=DIR")]
    SameCacheName {
        /// The name.
        name: String,
    },
    /// A model could not be loaded.
    #[error(transparent)]
    Model(Box<vetted::Error>),
    /// The calibration cannot be used.
    #[error(transparent)]
    Calibration(Box<vetted::Error>),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Everybody who reaches the machine could ask.
    #[error(
        "{address} can be reached from other machines, and there are no keys: give --keys FILE, or --no-keys if whoever reaches it \
         may ask, change and remove everything"
    )]
    OpenToAll {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// It cannot listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate and key cannot be used.
    #[error("cannot use the certificate {certificate} with the key {key}: {source}")]
    Tls {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// Nothing can be sent to the OTLP collector.
    #[error(
        "cannot send traces: {0}: give --otlp the address of a collector that takes OTLP over HTTP, as http://127.0.0.1:4318"
    )]
    Telemetry(#[from] opentelemetry_otlp::ExporterBuildError),
    /// A cache on Redis could not be opened.
    #[error("the cache {name:?}: {error}")]
    Redis {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        error: vetted_cache::redis::RedisError,
    },
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// A server that listens.
pub struct Running {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    service: Arc<Service>,
    shutdown: Duration,
    thread: Option<JoinHandle<()>>,
}

/// Threads that read and write sockets. What computes has its own.
const SOCKET_THREADS: usize = 2;

/// Opens indexes, loads models (which may fetch them), and listens.
///
/// # Errors
/// When something that it was told to serve cannot be had, or it cannot listen.
pub fn start(settings: Settings) -> Result<Running, StartError> {
    let address = settings.listen;
    if !address.ip().is_loopback() && settings.keys.is_none() && !settings.open_to_all {
        return Err(StartError::OpenToAll { address });
    }
    check_names(&settings)?;
    // Before models are loaded: a port that is taken should cost nothing.
    let fault = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let (limits, tls) = (settings.limits, settings.tls.clone());
    let service = Arc::new(Service::open(settings)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SOCKET_THREADS)
        .thread_name("vetted-sockets")
        .enable_all()
        .build()?;
    let tls = match tls {
        None => None,
        Some(TlsFiles { certificate, key }) => {
            let config = runtime.block_on(RustlsConfig::from_pem_file(&certificate, &key));
            let config = config.map_err(|source| StartError::Tls { certificate, key, source })?;
            let mut settings = (*config.get_inner()).clone();
            settings.alpn_protocols = vec![b"http/1.1".to_vec()];
            Some(RustlsConfig::from_config(Arc::new(settings)))
        }
    };
    let handle = Handle::new();
    let (app, own) = (app(service.clone()), handle.clone());
    let serving = service.clone();
    let serve = move || {
        let served = runtime.block_on(serve(listener, app, own, tls, limits));
        if let Err(error) = served {
            tracing::error!(%error, "the server ended");
        }
        // What was accepted is answered: the queues are empty, unless clients went away.
        serving.finish();
        runtime.shutdown_timeout(Duration::from_secs(1));
    };
    let thread = std::thread::Builder::new().name("vetted-server".into()).spawn(serve)?;
    Ok(Running { address, handle, service, shutdown: limits.shutdown, thread: Some(thread) })
}

/// Requests could not say which of two indexes they mean that are called the same.
pub(crate) fn check_names(settings: &Settings) -> Result<(), StartError> {
    for (at, index) in settings.indexes.iter().enumerate() {
        if settings.indexes[..at].iter().any(|other| other.name == index.name) {
            return Err(StartError::SameName { name: index.name.clone() });
        }
    }
    for (at, cache) in settings.caches.iter().enumerate() {
        if settings.caches[..at].iter().any(|other| other.name == cache.name) {
            return Err(StartError::SameCacheName { name: cache.name.clone() });
        }
    }
    Ok(())
}

fn app(service: Arc<Service>) -> Router {
    routes::router(service.clone())
        .layer(from_fn_with_state(service.clone(), guard::check))
        .layer(from_fn(routes::tell_langcache_problems))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(service, guard::watch))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Failure::new(Code::Internal, "vetted failed while it answered this; its log says how").into_response()
}

async fn serve(
    listener: TcpListener,
    app: Router,
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
    limits: Limits,
) -> io::Result<()> {
    // HTTP/2 has no patience that ends: clients that only keep their connections would keep everybody else out.
    let (app, places, patience) = (app.into_make_service(), Places::new(limits.connections), limits.read_timeout);
    match tls {
        None => {
            let server = axum_server::from_tcp(listener)?.handle(handle).acceptor(places);
            let mut server = server.first_request_timeout(patience).http1_only();
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(patience);
            server.serve(app).await
        }
        Some(config) => {
            let server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            let server = server.map(|acceptor| acceptor.acceptor(places));
            let mut server = server.first_request_timeout(patience).http1_only();
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(patience);
            server.serve(app).await
        }
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more, finishes what was accepted, and ends. Says whether it ended in time.
    pub fn stop(mut self) {
        self.begin_to_stop();
        self.join();
    }

    fn begin_to_stop(&self) {
        self.service.stop();
        self.handle.graceful_shutdown(Some(self.shutdown));
    }

    /// Waits until the process is told to end (SIGINT, SIGTERM), and then [stops](Self::stop). From when it calls `listening` on,
    /// that ends it in this way.
    ///
    /// # Errors
    /// When signals cannot be waited for.
    pub fn wait(mut self, listening: impl FnOnce()) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(told_to_end(listening))?;
        tracing::info!("stopping: requests that were accepted are finished");
        self.begin_to_stop();
        self.join();
        Ok(())
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread ended by a panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.begin_to_stop();
            self.join();
        }
    }
}

/// Returns when the process is told to end (SIGINT, SIGTERM).
#[cfg(unix)]
pub(crate) async fn told_to_end(listening: impl FnOnce()) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    listening();
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}

/// Returns when the process is told to end.
#[cfg(not(unix))]
pub(crate) async fn told_to_end(listening: impl FnOnce()) -> io::Result<()> {
    listening();
    tokio::signal::ctrl_c().await
}
