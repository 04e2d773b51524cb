//! Connections with deadlines. Every command has one, and nothing waits longer.
//!
//! A connection is used by one caller at a time: Redis answers the commands of one connection in order, so a shared one
//! would make searches wait for each other and for large payloads. Connections that are free are kept for the next
//! caller. One that failed in any way is closed: an answer that comes late must never be taken for the answer to the
//! next question.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, ServerErrorKind, TlsCertificates, Value};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::{Address, RedisError, server};

/// How long things may take, and how many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a new connection: network, TLS, user and password.
    pub connect: Duration,
    /// For one command, with everything that it needs, a new connection included.
    pub command: Duration,
    /// Open connections, at most.
    pub connections: usize,
}

/// What a server is used for, as far as messages speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// What a user must be allowed to do, as a rule for its list of permissions.
    pub needed: &'static str,
    /// What to do when the server has no memory left.
    pub when_full: &'static str,
}

/// What is asked of the server in one go.
#[derive(Clone)]
pub enum Request {
    /// One command.
    One(Cmd),
    /// Several, on keys of one slot.
    Together(Pipeline),
    /// One command to each primary of a cluster, or to the one server. The answer is an array with each one's.
    EachPrimary(Cmd),
}

impl From<Cmd> for Request {
    fn from(command: Cmd) -> Request {
        Request::One(command)
    }
}

impl From<Pipeline> for Request {
    fn from(commands: Pipeline) -> Request {
        Request::Together(commands)
    }
}

/// Connections to one Redis, single or cluster.
pub struct Connections {
    shared: Arc<Shared>,
    /// Only `None` while it is dropped.
    runtime: Option<Runtime>,
}

pub(crate) struct Shared {
    address: Address,
    limits: Limits,
    purpose: Purpose,
    connector: Connector,
    free: Mutex<Vec<Link>>,
    places: Semaphore,
}

enum Connector {
    Single(Client, AsyncConnectionConfig),
    Cluster(ClusterClient),
}

enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connections {
    /// To the server at this address, or to its cluster if it says that it is a node of one.
    ///
    /// # Errors
    /// When the address cannot be used, or the server not be reached.
    pub fn to(address: Address, limits: Limits, purpose: Purpose) -> Result<Connections, RedisError> {
        let connections = Connections::new(address, limits, purpose)?;
        if !connections.address().cluster && !server::is_cluster(&connections)? {
            return Ok(connections);
        }
        // The nodes that were named may be down when a connection is opened again, so all are asked then.
        let nodes = server::nodes(&connections)?;
        Connections::new(connections.address().with_nodes(&nodes), limits, purpose)
    }

    /// Connects to nothing yet.
    fn new(address: Address, limits: Limits, purpose: Purpose) -> Result<Connections, RedisError> {
        let shared = Arc::new(Shared::new(address, limits, purpose)?);
        Ok(Connections { shared, runtime: Some(runtime()?) })
    }

    /// Where they lead.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// The answer to what is asked, within the time for one command. Errors call it `command`.
    ///
    /// # Errors
    /// When there is none in time, or it is an error.
    pub fn ask(&self, command: &'static str, request: impl Into<Request>) -> Result<Value, RedisError> {
        self.ask_within(command, request, self.shared.limits.command)
    }

    /// The answer of each primary, within the time for one command.
    ///
    /// # Errors
    /// When there is none in time, or it is an error.
    pub fn ask_each_primary(&self, command: &'static str, request: Cmd) -> Result<Vec<Value>, RedisError> {
        match self.ask(command, Request::EachPrimary(request))? {
            Value::Array(answers) => Ok(answers),
            answer => Ok(vec![answer]),
        }
    }

    /// The answer, or the reason why there is none after this time.
    ///
    /// # Errors
    /// When there is none in time, or it is an error.
    pub fn ask_within(
        &self,
        command: &'static str,
        request: impl Into<Request>,
        within: Duration,
    ) -> Result<Value, RedisError> {
        let request = request.into();
        let shared = self.shared.clone();
        let late = || RedisError::Deadline { address: self.shared.address.to_string(), command, within };
        let Some(runtime) = &self.runtime else { return Err(late()) };

        let (sender, receiver) = sync_channel(1);
        let asked = Instant::now();
        runtime.spawn(async move {
            // What is dropped at the deadline is the connection too, with the answer that it may still bring.
            let answer = tokio::time::timeout(within, shared.answer(&request)).await;
            // Nobody may listen any longer.
            let _ = sender.send(answer);
        });
        // A thread that has no time for its timer makes nobody wait.
        let patience = within.saturating_sub(asked.elapsed()) + Duration::from_millis(20);
        match receiver.recv_timeout(patience) {
            Ok(Ok(answer)) => answer.map_err(|error| self.shared.told(command, within, &error)),
            Ok(Err(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(late()),
        }
    }

    /// Sends a command that nobody waits for; the number that it answers may be added to one. It is not sent where all
    /// connections are in use.
    pub fn tell(&self, command: Cmd, sum: Option<Arc<AtomicU64>>) {
        let (shared, within) = (self.shared.clone(), self.shared.limits.command);
        if let Some(runtime) = &self.runtime
            && shared.places.available_permits() > 0
        {
            runtime.spawn(async move {
                match (tokio::time::timeout(within, shared.answer(&command.into())).await, sum) {
                    (Ok(Ok(Value::Int(number))), Some(sum)) => {
                        sum.fetch_add(u64::try_from(number).unwrap_or(0), Ordering::Relaxed);
                    }
                    (Ok(Err(error)), _) => {
                        let error = shared.told("EVAL", within, &error);
                        tracing::debug!(%error, "nobody waited for it");
                    }
                    _ => {}
                }
            });
        }
    }

    /// An answer that is none to what was asked.
    pub fn unexpected(&self, command: &'static str, reason: &dyn fmt::Display) -> RedisError {
        let reason = shortened(self.shared.address.without_secrets(&reason.to_string()));
        RedisError::Unexpected { address: self.shared.address.to_string(), command, reason }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The other way to stop would wait, which is not allowed on a thread that runs tasks itself.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// Connects to nothing yet.
    pub(crate) fn new(address: Address, limits: Limits, purpose: Purpose) -> Result<Shared, RedisError> {
        let certificates = match &address.certificates {
            None => None,
            Some(file) => {
                let pem = std::fs::read(file).map_err(|error| RedisError::Settings {
                    reason: format!("the certificates {} cannot be read: {error}", file.display()),
                })?;
                Some(TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
        };
        let refused = |error: redis::RedisError| RedisError::Settings {
            reason: address.without_secrets(&format!("the address {address} cannot be used: {error}")),
        };
        let connector = if address.cluster {
            let mut builder = ClusterClient::builder(address.nodes.iter().map(String::as_str))
                .connection_timeout(limits.connect)
                .response_timeout(limits.command)
                // A slot that no node serves is told after a few tries, so that the caller has its miss soon.
                .retries(3)
                .min_retry_wait(5)
                .max_retry_wait(40);
            if let Some(certificates) = certificates {
                builder = builder.certs(certificates);
            }
            Connector::Cluster(builder.build().map_err(refused)?)
        } else {
            let node = address.nodes[0].as_str();
            let client = match certificates {
                None => Client::open(node),
                Some(certificates) => Client::build_with_tls(node, certificates),
            };
            // The deadline is kept here, for commands and connections alike.
            let config =
                AsyncConnectionConfig::new().set_connection_timeout(Some(limits.connect)).set_response_timeout(None);
            Connector::Single(client.map_err(refused)?, config)
        };
        let places = Semaphore::new(limits.connections);
        Ok(Shared { address, limits, purpose, connector, free: Mutex::default(), places })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn answer(&self, request: &Request) -> Result<Value, redis::RedisError> {
        let Ok(_place) = self.places.acquire().await else {
            return Err((ErrorKind::Client, "the connections are closed").into());
        };
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(link) = kept {
            match self.answer_over(link, request).await {
                // The server closed it while nobody used it, so it is tried over a new one. Whatever a cache asks can be
                // asked twice.
                Err(error) if error.is_io_error() => {}
                answer => return answer,
            }
        }
        let link = self.connector.connect().await?;
        self.answer_over(link, request).await
    }

    async fn answer_over(&self, mut link: Link, request: &Request) -> Result<Value, redis::RedisError> {
        let answer = link.answer(request).await;
        let is_usable = match &answer {
            Ok(_) => true,
            // An error that the server sent is an answer; the connection is in order.
            Err(error) => match error.kind() {
                ErrorKind::Server(kind) => !matches!(kind, ServerErrorKind::BusyLoading | ServerErrorKind::ReadOnly),
                ErrorKind::Extension => true,
                _ => false,
            },
        };
        if is_usable {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        }
        answer
    }

    /// An error of the library in this crate's words, without secrets.
    pub(crate) fn told(&self, command: &'static str, within: Duration, error: &redis::RedisError) -> RedisError {
        let address = self.address.to_string();
        let reason = shortened(self.address.without_secrets(&error.to_string()));
        let is_code = |code: &str| error.code() == Some(code) || reason.contains(&format!("{code} "));
        match error.kind() {
            _ if error.is_timeout() => RedisError::Deadline { address, command, within },
            ErrorKind::AuthenticationFailed => RedisError::Refused { address, reason },
            _ if is_code("WRONGPASS") || is_code("NOAUTH") => RedisError::Refused { address, reason },
            ErrorKind::Server(ServerErrorKind::NoPerm) => RedisError::NotPermitted { address, command, reason, needed: self.purpose.needed },
            _ if is_code("NOPERM") || reason.contains("ACL failure") => RedisError::NotPermitted { address, command, reason, needed: self.purpose.needed },
            _ if is_code("OOM") => RedisError::Full { address, reason, advice: self.purpose.when_full },
            ErrorKind::Io
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain
                // The node that others point to does not answer itself.
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::ReadOnly,
            ) => RedisError::Unreachable { address, reason },
            _ => RedisError::Answered { address, command, reason },
        }
    }
}

impl Connector {
    async fn connect(&self) -> Result<Link, redis::RedisError> {
        match self {
            Connector::Single(client, config) => {
                client.get_multiplexed_async_connection_with_config(config).await.map(Link::Single)
            }
            Connector::Cluster(client) => client.get_async_connection().await.map(Link::Cluster),
        }
    }
}

impl Link {
    async fn answer(&mut self, request: &Request) -> Result<Value, redis::RedisError> {
        match (self, request) {
            (Link::Single(connection), Request::One(command)) => connection.req_packed_command(command).await,
            (Link::Cluster(connection), Request::One(command)) => connection.req_packed_command(command).await,
            (Link::Single(connection), Request::Together(commands)) => {
                // The first error is that of all, with its code.
                let answers = connection.req_packed_commands(commands, 0, commands.len()).await?;
                let answers: Result<Vec<Value>, _> = answers.into_iter().map(Value::extract_error).collect();
                return answers.map(Value::Array);
            }
            (Link::Cluster(connection), Request::Together(commands)) => commands.query_async(connection).await,
            (Link::Single(connection), Request::EachPrimary(command)) => {
                Ok(Value::Array(vec![connection.req_packed_command(command).await?]))
            }
            (Link::Cluster(connection), Request::EachPrimary(command)) => {
                let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let answers = match connection.route_command(command.clone(), everywhere).await? {
                    Value::Map(answers) => answers.into_iter().map(|(_, answer)| answer).collect(),
                    answer => vec![answer],
                };
                Ok(Value::Array(answers))
            }
        }
        .and_then(Value::extract_error)
    }
}

/// A thread that the network is waited for on.
pub(crate) fn runtime() -> Result<Runtime, RedisError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("vetted-redis")
        .enable_all()
        .build()
        .map_err(|error| RedisError::Settings { reason: format!("no thread can be started: {error}") })
}

pub(crate) fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
