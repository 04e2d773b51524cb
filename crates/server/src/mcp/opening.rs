//! What the tools work with: the server's, or one that is opened beside the first messages.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::StartError;
use crate::error::{Code, Failure};
use crate::service::Service;
use crate::settings::Settings;

/// Indexes and models that are open, or will be. Clones are the same one.
#[derive(Clone)]
pub(super) struct Opening(Arc<Inner>);

struct Inner {
    settings: Settings,
    service: OnceCell<Arc<Service>>,
}

impl Opening {
    /// One that is open.
    pub(super) fn of(service: Arc<Service>) -> Opening {
        let settings = service.settings.clone();
        Opening(Arc::new(Inner { settings, service: OnceCell::new_with(Some(service)) }))
    }

    /// One that the first [`service`](Self::service) opens. Clients wait for the first messages no longer than some seconds, and
    /// a model may have to be fetched first.
    pub(super) fn later(settings: Settings) -> Opening {
        Opening(Arc::new(Inner { settings, service: OnceCell::new() }))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// It, if it is open.
    pub(super) fn opened(&self) -> Option<&Arc<Service>> {
        self.0.service.get()
    }

    /// It, as soon as it is open. What could not be had is tried again at the next call: the network may be back.
    ///
    /// # Errors
    /// When something cannot be had.
    pub(super) async fn service(&self) -> Result<Arc<Service>, Failure> {
        if let Some(service) = self.0.service.get() {
            return Ok(service.clone());
        }
        let inner = self.0.clone();
        // A task of its own: it is finished also when the call that began it is cancelled, and never begun twice.
        let opened =
            tokio::spawn(async move { inner.service.get_or_try_init(|| open(inner.settings.clone())).await.cloned() });
        opened.await.unwrap_or_else(|error| Err(Failure::new(Code::Internal, format!("opening ended early: {error}"))))
    }
}

async fn open(settings: Settings) -> Result<Arc<Service>, Failure> {
    let opened = tokio::task::spawn_blocking(|| Service::open(settings)).await;
    match opened {
        Ok(Ok(service)) => Ok(Arc::new(service)),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Failure::new(Code::Internal, format!("opening failed: {error}"))),
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        let code = match &error {
            StartError::Index { error, .. } | StartError::Model(error) => error.kind().into(),
            _ => Code::Unavailable,
        };
        Failure::new(code, error.to_string())
    }
}
