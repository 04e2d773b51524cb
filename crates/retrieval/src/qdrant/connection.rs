//! The connection to Qdrant. Every request has a deadline, and nothing waits longer.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use qdrant_client::config::QdrantConfig;
use qdrant_client::{Qdrant, QdrantError};
use tokio::runtime::{Builder, Runtime};

use super::failure::{failure, late, may_pass, told};
use super::{QdrantAddress, Settings};
use crate::error::{Error, Result, ServerProblem};

/// A connection that many threads share.
pub(super) struct Connection {
    pub(super) address: QdrantAddress,
    pub(super) settings: Settings,
    client: Qdrant,
    /// Only `None` while it is dropped.
    runtime: Option<Runtime>,
}

/// Open connections. Requests share them, and a large answer holds up what comes behind it.
const CONNECTIONS: usize = 4;
/// After what failed and may pass.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Connection {
    /// Connects to nothing yet.
    pub(super) fn to(address: QdrantAddress, settings: Settings) -> Result<Connection> {
        let config = QdrantConfig {
            uri: address.server.clone(),
            api_key: address.key.clone(),
            timeout: settings.change,
            connect_timeout: settings.connect,
            pool_size: CONNECTIONS,
            // It prints to standard output what it finds.
            check_compatibility: false,
            ..QdrantConfig::default()
        };
        let unusable = |error: &dyn fmt::Display| {
            let message = address.without_key(&format!("the address {address} cannot be used: {error}"));
            failure(ServerProblem::Address, message)
        };
        let client = Qdrant::new(config).map_err(|error| unusable(&error))?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("vetted-qdrant").enable_all().build();
        let runtime = Some(runtime.map_err(|error| unusable(&error))?);
        Ok(Connection { address, settings, client, runtime })
    }

    /// The answer within this time, or why there is none. Errors call the request `what`.
    pub(super) fn ask<Answer, Asking>(
        &self,
        what: &'static str,
        within: Duration,
        request: impl FnOnce(Qdrant) -> Asking,
    ) -> Result<Answer>
    where
        Answer: Send + 'static,
        Asking: Future<Output = std::result::Result<Answer, QdrantError>> + Send + 'static,
    {
        let late = || late(&self.address, what, within);
        let Some(runtime) = &self.runtime else { return Err(late()) };
        let asking = request(self.client.clone());
        let (sender, receiver) = sync_channel(1);
        let asked = Instant::now();
        runtime.spawn(async move {
            // Nobody may listen any longer.
            let _ = sender.send(tokio::time::timeout(within, asking).await);
        });
        // A thread that has no time for its timer makes nobody wait.
        let patience = within.saturating_sub(asked.elapsed()) + Duration::from_millis(20);
        match receiver.recv_timeout(patience) {
            Ok(Ok(answer)) => answer.map_err(|error| told(&self.address, what, &error)),
            Ok(Err(_)) | Err(_) => Err(late()),
        }
    }

    /// As [`ask`](Self::ask), until a moment. What fails in a way that may pass is tried once more, if there is time.
    pub(super) fn ask_until<Answer, Asking>(
        &self,
        what: &'static str,
        until: Instant,
        request: impl Fn(Qdrant) -> Asking,
    ) -> Result<Answer>
    where
        Answer: Send + 'static,
        Asking: Future<Output = std::result::Result<Answer, QdrantError>> + Send + 'static,
    {
        let left = || until.saturating_duration_since(Instant::now());
        let first = self.ask(what, left(), &request);
        let pause = jittered(FIRST_PAUSE);
        match first {
            Err(error) if may_pass(&error) && left() > pause => {
                std::thread::sleep(pause);
                self.ask(what, left(), &request)
            }
            answer => answer,
        }
    }

    /// As [`ask`](Self::ask), within the time for changes. What fails in a way that may pass is tried again, with pauses that grow,
    /// for as long as `patience`.
    pub(super) fn ask_patiently<Answer, Asking>(
        &self,
        what: &'static str,
        patience: Duration,
        request: impl Fn(Qdrant) -> Asking,
    ) -> Result<Answer>
    where
        Answer: Send + 'static,
        Asking: Future<Output = std::result::Result<Answer, QdrantError>> + Send + 'static,
    {
        let begun = Instant::now();
        // Whoever has little patience does not wait for a change either.
        let within = self.settings.change.min(2 * patience);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask(what, within, &request) {
                Err(error) if may_pass(&error) && begun.elapsed() + pause <= patience => {
                    tracing::debug!(%error, what, "tried again");
                    std::thread::sleep(jittered(pause));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// That an answer is none.
    pub(super) fn unexpected(&self, what: &str, reason: &str) -> Error {
        super::failure::unexpected(&self.address, what, reason)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The other way to stop would wait, which is not allowed on a thread that runs tasks itself.
            runtime.shutdown_background();
        }
    }
}

/// Between half of a pause and all of it, so that many who wait do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) as u32;
    pause / 2 + pause.mul_f64(0.5 * f64::from(random) / f64::from(u32::MAX))
}
