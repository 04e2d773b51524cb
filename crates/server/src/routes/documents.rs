//! `/v1/documents`: adding, showing and removing documents; `/v1/indexes`.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use vetted::wire::IndexInfo;
use vetted::{Document, Indexed};

use crate::ask::{Ask, DocumentId, Held, IndexName, StreamedAsk, next_data, slow, too_large};
use crate::auth::{Caller, Rights};
use crate::error::{Code, Failure};
use crate::service::{ServedIndex, Service};
use crate::shapes::own::{
    DeleteAnswer, DeleteRequest, DocumentAnswer, IndexesAnswer, NamedIndex, UpsertAnswer, filters,
};
use crate::writing::{Writing, Written};

/// What messages call the body.
const BODY: &str = "the body";
/// Documents, and bytes, of a stream that are written together: enough to keep all processors busy, few enough to hold.
const WRITTEN_TOGETHER: usize = 256;
const BYTES_TOGETHER: usize = 1 << 20;

/// Adds documents, or puts them in the place of those with the same ids: as JSON, or as a stream of JSON lines.
pub(super) async fn upsert(
    State(service): State<Arc<Service>>,
    IndexName(named): IndexName,
    ask: StreamedAsk,
) -> Result<Response, Failure> {
    ask.caller.check_writes()?;
    check_writable(&service)?;
    let kind = ask.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/jsonl" | "application/jsonlines" | "application/x-jsonlines" => {
            lines(&service, named, ask).await
        }
        _ => whole(&service, named, ask).await,
    }
}

async fn whole(service: &Arc<Service>, named: Option<String>, ask: StreamedAsk) -> Result<Response, Failure> {
    let StreamedAsk { caller, headers, body, .. } = ask;
    let mut request = axum::extract::Request::new(body);
    *request.headers_mut() = headers;
    request.extensions_mut().insert(caller);
    let ask = <Ask as axum::extract::FromRequest<_>>::from_request(request, service).await?;
    let (index, records) = match ask.json()? {
        Value::Array(records) => (None, records),
        Value::Object(mut object) => match object.remove("documents") {
            Some(Value::Array(records)) => match object.remove("index") {
                None | Some(Value::Null) => (None, records),
                Some(Value::String(index)) => (Some(index), records),
                Some(_) => return Err(Failure::invalid("`index` is not a string")),
            },
            Some(_) => return Err(Failure::invalid("`documents` is not an array")),
            None => (None, vec![Value::Object(object)]),
        },
        _ => return Err(Failure::invalid("the body is neither a document nor an array of documents")),
    };
    let index = service.index(&ask.caller, index.or(named).as_deref())?;
    if records.is_empty() {
        return Err(Failure::invalid("`documents` is empty: give at least one"));
    }
    let mut documents = Vec::with_capacity(records.len());
    for (record, number) in records.into_iter().zip(1..) {
        match record {
            Value::Object(record) => documents.push(document(record, number)?),
            _ => return Err(Failure::invalid(format!("document {number} is not an object"))),
        }
    }
    let indexed = write(index, documents, ask.deadline).await?;
    Ok(Json(UpsertAnswer::new(index, indexed)).into_response())
}

fn document(record: Map<String, Value>, number: u64) -> Result<Document, Failure> {
    Document::from_record(record, FilePath::new(BODY), number).map_err(|error| Failure::invalid(error.to_string()))
}

async fn write(index: &ServedIndex, documents: Vec<Document>, deadline: Instant) -> Result<Indexed, Failure> {
    match index.writes.submit(Writing::Upsert(documents), deadline).await?.answer {
        Written::Upserted(indexed) => Ok(indexed),
        Written::Deleted(_) => Err(mistaken()),
    }
}

fn mistaken() -> Failure {
    Failure::new(Code::Internal, "the index did something else than it was told")
}

/// A line for each document, written as they come: what stood before a mistake is kept.
async fn lines(service: &Arc<Service>, named: Option<String>, ask: StreamedAsk) -> Result<Response, Failure> {
    let StreamedAsk { caller, timeout, mut body, .. } = ask;
    let index = service.index(&caller, named.as_deref())?;
    let mut stream = Lines::new(service);
    let mut total = Indexed::default();
    loop {
        let some = stream.some(service, &mut body).await;
        let (documents, problem) = match some {
            Ok(documents) => (documents, None),
            Err((documents, failure)) => (documents, Some(failure)),
        };
        let last = documents.is_empty();
        if !last {
            let indexed = write_patiently(index, documents, timeout).await.map_err(|it| kept(it, &total))?;
            total.added += indexed.added;
            total.replaced += indexed.replaced;
            total.unchanged += indexed.unchanged;
            total.duplicates += indexed.duplicates;
        }
        if let Some(failure) = problem {
            return Err(kept(failure, &total));
        }
        if last {
            return Ok(Json(UpsertAnswer::new(index, total)).into_response());
        }
    }
}

/// A stream waits where a single request is refused: nothing more of it is read meanwhile.
async fn write_patiently(
    index: &ServedIndex,
    documents: Vec<Document>,
    timeout: std::time::Duration,
) -> Result<Indexed, Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        match write(index, documents.clone(), deadline).await {
            Err(failure) if failure.code == Code::Overloaded && Instant::now() < deadline => {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

/// The same, and what was written before.
fn kept(failure: Failure, total: &Indexed) -> Failure {
    let Indexed { added, replaced, unchanged, .. } = *total;
    let message = format!(
        "{}. What stood before is indexed: {added} added, {replaced} replaced, {unchanged} unchanged. Send all of it again: \
         what is there already costs next to nothing",
        failure.message
    );
    Failure { message, ..failure }
}

/// JSON lines of a body that arrives bit by bit.
struct Lines {
    buffer: Vec<u8>,
    /// So many bytes of it have no end of a line.
    searched: usize,
    line: u64,
    ended: bool,
    held: Held,
}

impl Lines {
    fn new(service: &Service) -> Lines {
        Lines { buffer: Vec::new(), searched: 0, line: 0, ended: false, held: Held::nothing(service) }
    }

    /// The next documents; none at the end. What was read before a mistake comes with it.
    async fn some(&mut self, service: &Service, body: &mut Body) -> Result<Vec<Document>, (Vec<Document>, Failure)> {
        let limits = &service.settings.limits;
        self.held = Held::nothing(service);
        let (mut documents, mut bytes) = (Vec::new(), 0);
        loop {
            while let Some(end) = self.end_of_line() {
                let line: Vec<u8> = self.buffer.drain(..end).collect();
                self.line += 1;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                bytes += line.len();
                if let Err(failure) = self.held.take_parsed(service, &line) {
                    return Err((documents, failure));
                }
                match parse(&line, self.line) {
                    Ok(document) => documents.push(document),
                    Err(failure) => return Err((documents, failure)),
                }
                if documents.len() >= WRITTEN_TOGETHER || bytes >= BYTES_TOGETHER {
                    return Ok(documents);
                }
            }
            if self.ended {
                return Ok(documents);
            }
            if self.buffer.len() > limits.body_bytes {
                return Err((documents, too_large(limits.body_bytes)));
            }
            let next = tokio::time::timeout(limits.read_timeout, next_data(body)).await;
            match next.unwrap_or_else(|_| Err(slow(limits.read_timeout))) {
                Ok(Some(data)) => {
                    if let Err(failure) = self.held.take(service, data.len()) {
                        return Err((documents, failure));
                    }
                    self.buffer.extend_from_slice(&data);
                }
                Ok(None) => self.ended = true,
                Err(failure) => return Err((documents, failure)),
            }
        }
    }

    /// Behind the first line that is all there.
    fn end_of_line(&mut self) -> Option<usize> {
        let searched = std::mem::take(&mut self.searched);
        match self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
            Some(at) => Some(searched + at + 1),
            None if self.ended && !self.buffer.is_empty() => Some(self.buffer.len()),
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }
}

fn parse(line: &[u8], number: u64) -> Result<Document, Failure> {
    let record: Map<String, Value> = serde_json::from_slice(line).map_err(|error| {
        let Failure { code, message, .. } = Failure::of_json(&error);
        Failure::new(code, format!("line {number}: {message}"))
    })?;
    document(record, number)
}

/// Shows a document.
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    DocumentId(id): DocumentId,
    IndexName(named): IndexName,
    ask: Ask,
) -> Result<Response, Failure> {
    let index = service.index(&ask.caller, named.as_deref())?;
    let (engine, own) = (index.engine.clone(), id.clone());
    let document = tokio::task::spawn_blocking(move || engine.get(&own))
        .await
        .map_err(|error| Failure::new(Code::Internal, format!("reading the document failed: {error}")))??;
    let Some(Document { id, title, text, metadata }) = document else { return Err(no_document(index, &id)) };
    Ok(Json(DocumentAnswer { index: index.name.clone(), id, title, text, metadata }).into_response())
}

fn no_document(index: &ServedIndex, id: &str) -> Failure {
    Failure::new(Code::NotFound, format!("the index {:?} has no document {id:?}", index.name))
}

/// Removes a document.
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    DocumentId(id): DocumentId,
    IndexName(named): IndexName,
    ask: Ask,
) -> Result<Response, Failure> {
    ask.caller.check_writes()?;
    check_writable(&service)?;
    let index = service.index(&ask.caller, named.as_deref())?;
    let answer = remove(index, Writing::Delete(vec![id.clone()]), ask.deadline).await?;
    match answer.deleted {
        0 => Err(no_document(index, &id)),
        _ => Ok(Json(answer).into_response()),
    }
}

/// Removes documents by their ids or by their metadata.
pub(super) async fn delete_many(
    State(service): State<Arc<Service>>,
    IndexName(named): IndexName,
    ask: Ask,
) -> Result<Response, Failure> {
    ask.caller.check_writes()?;
    check_writable(&service)?;
    if ask.is_empty() {
        return Err(Failure::invalid("say which documents: {\"ids\": [...]} or {\"filters\": [\"field=value\"]}"));
    }
    let DeleteRequest { index, ids, filters: conditions } = ask.json()?;
    let index = service.index(&ask.caller, index.or(named).as_deref())?;
    let work = match (ids.unwrap_or_default(), conditions.unwrap_or_default()) {
        (ids, conditions) if conditions.is_empty() && !ids.is_empty() => Writing::Delete(ids),
        (ids, conditions) if ids.is_empty() && !conditions.is_empty() => Writing::DeleteMatching(filters(&conditions)?),
        _ => return Err(Failure::invalid("give either `ids` or `filters`, with at least one")),
    };
    Ok(Json(remove(index, work, ask.deadline).await?).into_response())
}

async fn remove(index: &ServedIndex, work: Writing, deadline: Instant) -> Result<DeleteAnswer, Failure> {
    match index.writes.submit(work, deadline).await?.answer {
        Written::Deleted(deleted) => Ok(DeleteAnswer { index: index.name.clone(), deleted }),
        Written::Upserted(_) => Err(mistaken()),
    }
}

fn check_writable(service: &Service) -> Result<(), Failure> {
    match service.settings.writable {
        true => Ok(()),
        false => Err(Failure::new(Code::Forbidden, "this server was started with --read-only")),
    }
}

/// Lists indexes.
pub(super) async fn indexes(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let Caller { rights, .. } = &ask.caller;
    let writable = service.settings.writable && *rights == Rights::Write;
    let mut indexes = Vec::new();
    for index in service.indexes.iter().filter(|index| ask.caller.may_see(&index.name)) {
        let engine = index.engine.clone();
        let info = tokio::task::spawn_blocking(move || IndexInfo::of(&engine))
            .await
            .map_err(|error| Failure::new(Code::Internal, format!("reading the index failed: {error}")))??;
        indexes.push(NamedIndex { name: index.name.clone(), writable, info });
    }
    Ok(Json(IndexesAnswer { indexes }).into_response())
}

impl UpsertAnswer {
    fn new(index: &ServedIndex, indexed: Indexed) -> UpsertAnswer {
        let Indexed { added, replaced, unchanged, duplicates } = indexed;
        UpsertAnswer { index: index.name.clone(), added, replaced, unchanged, duplicates }
    }
}
