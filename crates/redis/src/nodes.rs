//! The nodes of a cluster, or one server, each with connections of its own: a node that hangs keeps no other from answering.
//!
//! Whoever asks names the slot. Which node serves it is remembered, and learnt anew where a node says so (MOVED) or cannot be
//! reached. A slot that is just being moved is asked for where it is going (ASK).

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, ErrorKind, Pipeline, ServerErrorKind, Value, cmd};
use tokio::runtime::Runtime;

use crate::connections::{Shared, runtime, shortened};
use crate::server::{Range, field, ranges};
use crate::{Address, Limits, Purpose, RedisError, Request};

/// A cluster's nodes, or one server.
pub struct Nodes {
    all: Arc<All>,
    /// Only `None` while it is dropped.
    runtime: Option<Runtime>,
}

struct All {
    address: Address,
    limits: Limits,
    purpose: Purpose,
    /// The nodes that were named, to learn from.
    seeds: Vec<Arc<Shared>>,
    nodes: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Which slots are where. Of one server all are there.
    slots: Vec<(u16, u16, Arc<Shared>)>,
    /// By host and port.
    nodes: HashMap<(String, u16), Arc<Shared>>,
}

/// What went wrong, and where.
type Failure = (Arc<Shared>, redis::RedisError);

/// A request is sent on so often.
const REDIRECTIONS: usize = 6;
/// Slots of a cluster.
const SLOTS: u16 = 16384;

impl Nodes {
    /// Of the cluster that this address names or leads into, else the one server there.
    ///
    /// # Errors
    /// When the address cannot be used, or none of the nodes that it names can be reached.
    pub fn to(address: Address, limits: Limits, purpose: Purpose) -> Result<Nodes, RedisError> {
        let seeds = address.seeds().map(|seed| Shared::new(seed, limits, purpose).map(Arc::new));
        let seeds = seeds.collect::<Result<Vec<_>, _>>()?;
        let all = Arc::new(All { address, limits, purpose, seeds, nodes: Mutex::default() });
        let nodes = Nodes { all: all.clone(), runtime: Some(runtime()?) };
        let within = limits.command;
        let learnt = nodes.wait(within, async move { tokio::time::timeout(within, all.learn_first()).await });
        match learnt {
            Some(Ok(Ok(()))) => Ok(nodes),
            Some(Ok(Err((node, error)))) => Err(node.told("CLUSTER SLOTS", within, &error)),
            Some(Err(_)) | None => {
                Err(RedisError::Deadline { address: nodes.address().to_string(), command: "CLUSTER SLOTS", within })
            }
        }
    }

    /// Where they are.
    pub fn address(&self) -> &Address {
        &self.all.address
    }

    /// How many primaries are known.
    pub fn primaries(&self) -> usize {
        self.all.primaries().len()
    }

    /// The answer of the node that serves this slot, within the time for one command. Errors call it `command`.
    ///
    /// # Errors
    /// When there is none in time, or it is an error.
    pub fn ask(&self, command: &'static str, slot: u16, request: impl Into<Request>) -> Result<Value, RedisError> {
        let mut answers = self.ask_all(command, vec![(slot, request.into())], self.all.limits.command);
        answers.pop().unwrap_or_else(|| Err(self.late(command, self.all.limits.command)))
    }

    /// The answers to several requests that are asked at once, in their order, each within this time.
    pub fn ask_all(
        &self,
        command: &'static str,
        requests: Vec<(u16, Request)>,
        within: Duration,
    ) -> Vec<Result<Value, RedisError>> {
        let (all, late) = (&self.all, || Err(self.late(command, within)));
        let count = requests.len();
        let tasks = requests.into_iter().map(|(slot, request)| {
            let all = all.clone();
            async move { tokio::time::timeout(within, all.answer(slot, &request)).await.ok() }
        });
        let told = |answer: Option<Result<Value, Failure>>| match answer {
            Some(answer) => answer.map_err(|(node, error)| node.told(command, within, &error)),
            None => late(),
        };
        let mut answers: Vec<Result<Value, RedisError>> = (0..count).map(|_| late()).collect();
        for (at, answer) in self.gather(tasks, within) {
            answers[at] = told(answer);
        }
        answers
    }

    /// The answer of each primary that can be reached, within the time for one command.
    ///
    /// # Errors
    /// When none answers, or one answers with an error.
    pub fn ask_each_primary(&self, command: &'static str, request: Cmd) -> Result<Vec<Value>, RedisError> {
        let within = self.all.limits.command;
        let tasks = self.all.primaries().into_iter().map(|node| {
            let request = Request::from(request.clone());
            async move {
                let answer = tokio::time::timeout(within, node.answer(&request)).await.ok()?;
                Some(answer.map_err(|error| (node, error)))
            }
        });
        let (mut answers, mut unreached) = (Vec::new(), self.late(command, within));
        for (_, answer) in self.gather(tasks, within) {
            match answer.map(|answer| answer.map_err(|(node, error)| node.told(command, within, &error))) {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(error @ (RedisError::Unreachable { .. } | RedisError::Deadline { .. }))) => unreached = error,
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
        if answers.is_empty() { Err(unreached) } else { Ok(answers) }
    }

    /// An answer that is none to what was asked.
    pub fn unexpected(&self, command: &'static str, reason: &dyn fmt::Display) -> RedisError {
        let reason = shortened(self.address().without_secrets(&reason.to_string()));
        RedisError::Unexpected { address: self.address().to_string(), command, reason }
    }

    fn late(&self, command: &'static str, within: Duration) -> RedisError {
        RedisError::Deadline { address: self.address().to_string(), command, within }
    }

    /// Runs all of them at once, and gives what is done in time.
    fn gather<Out: Send + 'static>(
        &self,
        tasks: impl Iterator<Item = impl Future<Output = Option<Out>> + Send + 'static>,
        within: Duration,
    ) -> Vec<(usize, Option<Out>)> {
        let Some(runtime) = &self.runtime else { return Vec::new() };
        let begun = Instant::now();
        let receivers: Vec<_> = tasks
            .map(|task| {
                let (sender, receiver) = sync_channel(1);
                runtime.spawn(async move {
                    // Nobody may listen any longer.
                    let _ = sender.send(task.await);
                });
                receiver
            })
            .collect();
        // A thread that has no time for its timer makes nobody wait.
        let patience = within + Duration::from_millis(20);
        let done = receivers.into_iter().enumerate();
        done.filter_map(|(at, receiver)| {
            Some((at, receiver.recv_timeout(patience.saturating_sub(begun.elapsed())).ok()?))
        })
        .collect()
    }

    fn wait<Out: Send + 'static>(
        &self,
        within: Duration,
        task: impl Future<Output = Out> + Send + 'static,
    ) -> Option<Out> {
        self.gather(std::iter::once(async move { Some(task.await) }), within).pop()?.1
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The other way to stop would wait, which is not allowed on a thread that runs tasks itself.
            runtime.shutdown_background();
        }
    }
}

impl All {
    /// Finds out whether it is a cluster, and what is where.
    async fn learn_first(&self) -> Result<(), Failure> {
        let mut failed = None;
        for seed in &self.seeds {
            let hello = seed.answer(&cmd("HELLO").into()).await;
            let is_cluster = match &hello {
                Ok(hello) => field(hello, "mode").is_some_and(|mode| mode == "cluster"),
                // Before 6.0 it is not known. That the server is too old is told with its version.
                Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => false,
                Err(_) => {
                    failed = hello.err().map(|error| (seed.clone(), error));
                    continue;
                }
            };
            if !is_cluster && !self.address.cluster {
                self.known().slots = vec![(0, SLOTS - 1, seed.clone())];
                return Ok(());
            }
            match self.learn_from(seed).await {
                Ok(()) => return Ok(()),
                Err(error) => failed = Some((seed.clone(), error)),
            }
        }
        let nothing = || (ErrorKind::ClusterConnectionNotFound, "no node tells which slots are where").into();
        Err(failed.unwrap_or_else(|| (self.seeds[0].clone(), nothing())))
    }

    /// Learns anew which slots are where, from whoever answers first of all that are not `but`.
    async fn learn_again(&self, but: &Arc<Shared>) {
        let others = self.primaries().into_iter().chain(self.seeds.iter().cloned());
        for node in others.filter(|node| node.address().to_string() != but.address().to_string()) {
            // One that hangs is not waited for: the next is asked.
            let learnt = tokio::time::timeout(self.limits.connect, self.learn_from(&node)).await;
            if matches!(learnt, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn learn_from(&self, node: &Arc<Shared>) -> Result<(), redis::RedisError> {
        let slots = node.answer(&cmd("CLUSTER").arg("SLOTS").to_owned().into()).await?;
        let found = ranges(&slots);
        if found.is_empty() {
            return Err((ErrorKind::ClusterConnectionNotFound, "it serves no slots").into());
        }
        let mut slots = Vec::with_capacity(found.len());
        for Range { first, last, host, port } in found {
            let serving = if host.is_empty() { node.clone() } else { self.node(&host, port)? };
            slots.push((first, last, serving));
        }
        self.known().slots = slots;
        Ok(())
    }

    async fn answer(&self, slot: u16, request: &Request) -> Result<Value, Failure> {
        let mut node = self.serving(slot);
        let mut learnt = false;
        for _ in 0..REDIRECTIONS {
            let error = match node.answer(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let elsewhere = self.redirected(&error);
            match (error.kind(), elsewhere) {
                (ErrorKind::Server(ServerErrorKind::Moved), Some(other)) => {
                    self.moved(slot, other.clone());
                    node = other;
                }
                (ErrorKind::Server(ServerErrorKind::Ask), Some(_)) => {
                    return self.answer_while_moving(&node, request).await;
                }
                (kind, _) if !learnt && self.is_cluster() && is_lost(kind, &error) => {
                    learnt = true;
                    self.learn_again(&node).await;
                    let other = self.serving(slot);
                    if other.address().to_string() == node.address().to_string() {
                        return Err((node, error));
                    }
                    node = other;
                }
                _ => return Err((node, error)),
            }
        }
        Err((node, (ErrorKind::ClusterConnectionNotFound, "it is sent from node to node").into()))
    }

    /// While a slot moves, some of its keys are on the old node and some on the new one, and each command has to be asked where its
    /// key is: what the new node lacks may still be on the old one.
    async fn answer_while_moving(&self, node: &Arc<Shared>, request: &Request) -> Result<Value, Failure> {
        match request {
            Request::One(command) | Request::EachPrimary(command) => self.answer_one_while_moving(node, command).await,
            Request::Together(commands) => {
                let mut answers = Vec::with_capacity(commands.len());
                for command in commands.cmd_iter() {
                    answers.push(self.answer_one_while_moving(node, command).await?);
                }
                Ok(Value::Array(answers))
            }
        }
    }

    async fn answer_one_while_moving(&self, node: &Arc<Shared>, command: &Cmd) -> Result<Value, Failure> {
        let error = match node.answer(&command.clone().into()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        // A script uses keys that it does not name, and would find on the new node a part of them: it has to wait.
        let is_script = matches!(command.args_iter().next(), Some(redis::Arg::Simple(b"EVAL")));
        match self.redirected(&error) {
            Some(other) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) && !is_script => {
                let answer = other.answer(&asking(command)).await;
                match answer.map_err(|error| (other, error))? {
                    Value::Array(mut answers) => Ok(answers.pop().unwrap_or(Value::Nil)),
                    answer => Ok(answer),
                }
            }
            _ => Err((node.clone(), error)),
        }
    }

    /// The node that an error points to.
    fn redirected(&self, error: &redis::RedisError) -> Option<Arc<Shared>> {
        let (place, _) = error.redirect_node()?;
        let (host, port) = place.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // A node that does not know its own name means the host that was asked.
        if host.is_empty() { None } else { self.node(host, port.parse().ok()?).ok() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cluster(&self) -> bool {
        !self.known().nodes.is_empty()
    }

    /// The node at this place, known from now on.
    fn node(&self, host: &str, port: u16) -> Result<Arc<Shared>, redis::RedisError> {
        let mut known = self.known();
        let key = (host.to_owned(), port);
        if let Some(node) = known.nodes.get(&key) {
            return Ok(node.clone());
        }
        let node = Shared::new(self.address.node(host, port), self.limits, self.purpose).map_err(|_| {
            redis::RedisError::from((ErrorKind::InvalidClientConfig, "a node's address cannot be used"))
        })?;
        Ok(known.nodes.entry(key).or_insert(Arc::new(node)).clone())
    }

    fn serving(&self, slot: u16) -> Arc<Shared> {
        let known = self.known();
        let found = known.slots.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
        // Whoever is asked for a slot that is not his says where it is.
        found.map_or_else(|| self.seeds[0].clone(), |(_, _, node)| node.clone())
    }

    fn moved(&self, slot: u16, to: Arc<Shared>) {
        // The first that fits counts.
        let mut known = self.known();
        known.slots.retain(|(first, last, _)| (*first, *last) != (slot, slot));
        known.slots.insert(0, (slot, slot, to));
    }

    fn primaries(&self) -> Vec<Arc<Shared>> {
        let known = self.known();
        let mut primaries: Vec<Arc<Shared>> = Vec::new();
        for (_, _, node) in &known.slots {
            if !primaries.iter().any(|other| other.address() == node.address()) {
                primaries.push(node.clone());
            }
        }
        primaries
    }
}

/// Whether the node itself is not to be had, so that another may serve its slots by now.
fn is_lost(kind: ErrorKind, error: &redis::RedisError) -> bool {
    error.is_io_error()
        || matches!(
            kind,
            ErrorKind::Server(
                ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
                    | ServerErrorKind::BusyLoading
            )
        )
}

/// The same, for a node that has only begun to serve the slot: it has to be told so before each command.
fn asking(command: &Cmd) -> Request {
    let mut pipeline = Pipeline::new();
    pipeline.add_command(cmd("ASKING")).add_command(command.clone());
    pipeline.into()
}
