//! `/openapi.json`: what there is, for programs. The schemas are those of the types that are read and written.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::error::{Code, ErrorAnswer, TeiErrorAnswer};
use crate::shapes::{cache, cohere, langcache, openai, own, tei};

/// A way to ask for something.
struct Operation {
    method: &'static str,
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    request: Option<Request>,
    answer: Answer,
    errors: Errors,
    codes: &'static [&'static [Code]],
}

/// A value beside the body.
#[derive(Clone, Copy)]
enum Parameter {
    Index,
    Id,
    Cache,
    CacheId,
    Entry,
    EntryId,
    Scope,
}

/// A body, by its type.
type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

struct Request {
    schemas: &'static [MakeSchema],
    lines: bool,
}

enum Answer {
    Json(&'static [MakeSchema]),
    /// With 201.
    Created(&'static [MakeSchema]),
    /// Nothing, with 204.
    Nothing,
    Text(&'static str),
}

/// In which shape errors are written.
#[derive(Clone, Copy, PartialEq)]
enum Errors {
    Common,
    Tei,
    Either,
    LangCache,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What every request with a body may be answered.
const OF_BODIES: &[Code] = &[
    Code::InvalidRequest,
    Code::Unauthorized,
    Code::Forbidden,
    Code::BodyTimeout,
    Code::BodyTooLarge,
    Code::LimitExceeded,
    Code::Overloaded,
    Code::Internal,
    Code::Unavailable,
    Code::DeadlineExceeded,
];
/// What requests to an index may be answered besides.
const OF_INDEXES: &[Code] = &[Code::NotFound, Code::Conflict];
const OF_QUESTIONS: &[Code] = &[Code::InvalidRequest, Code::Unauthorized, Code::Forbidden, Code::Internal];
const OF_HEALTH: &[Code] = &[Code::Forbidden, Code::Unavailable];

const fn post(
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    request: &'static [MakeSchema],
    answer: &'static [MakeSchema],
) -> Operation {
    Operation {
        method: "post",
        path,
        tag,
        summary,
        parameters: &[],
        request: Some(Request { schemas: request, lines: false }),
        answer: Answer::Json(answer),
        errors: Errors::Common,
        codes: &[OF_BODIES],
    }
}

const fn get(path: &'static str, tag: &'static str, summary: &'static str, answer: Answer) -> Operation {
    Operation {
        method: "get",
        path,
        tag,
        summary,
        parameters: &[],
        request: None,
        answer,
        errors: Errors::Common,
        codes: &[OF_QUESTIONS],
    }
}

const fn of_cache(
    path: &'static str,
    summary: &'static str,
    request: &'static [MakeSchema],
    answer: &'static [MakeSchema],
) -> Operation {
    Operation {
        codes: &[OF_BODIES, OF_INDEXES],
        parameters: &[Parameter::Cache],
        ..post(path, "cache", summary, request, answer)
    }
}

const fn of_langcache(
    path: &'static str,
    summary: &'static str,
    request: &'static [MakeSchema],
    answer: Answer,
) -> Operation {
    Operation {
        codes: &[OF_BODIES, OF_INDEXES],
        errors: Errors::LangCache,
        parameters: &[Parameter::CacheId],
        method: "post",
        path,
        tag: "langcache",
        summary,
        request: Some(Request { schemas: request, lines: false }),
        answer,
    }
}

const fn rerank(path: &'static str) -> Operation {
    let requests: &[MakeSchema] = &[schema::<cohere::RerankRequest>, schema::<tei::RerankRequest>];
    let answers: &[MakeSchema] = &[schema::<cohere::RerankAnswer>, schema::<Vec<tei::Rank>>];
    let summary = "Rank documents for a query, each with its verdict. `texts` instead of `documents` is the shape of text-embeddings-inference";
    Operation { errors: Errors::Either, ..post(path, "rerank", summary, requests, answers) }
}

const fn score(path: &'static str) -> Operation {
    post(path, "rerank", "Score pairs of texts", &[schema::<tei::ScoreRequest>], &[schema::<tei::ScoreAnswer>])
}

const fn embeddings(path: &'static str) -> Operation {
    let requests: &[MakeSchema] = &[schema::<openai::EmbeddingsRequest>];
    post(path, "embeddings", "Embed texts", requests, &[schema::<openai::EmbeddingsAnswer>])
}

/// Everything, but for the doubled prefixes that some clients make.
const OPERATIONS: &[Operation] = &[
    rerank("/rerank"),
    rerank("/v1/rerank"),
    rerank("/v2/rerank"),
    rerank("/reranking"),
    rerank("/v1/reranking"),
    score("/score"),
    score("/v1/score"),
    Operation {
        errors: Errors::Tei,
        ..post(
            "/predict",
            "verify",
            "Classify pairs of texts: match, conflict or neutral",
            &[schema::<tei::PredictRequest>],
            &[schema::<tei::PredictAnswer>],
        )
    },
    post(
        "/v1/verify",
        "verify",
        "Give a verdict on each candidate for a query",
        &[schema::<own::VerifyRequest>],
        &[schema::<own::VerifyAnswer>],
    ),
    post(
        "/v1/explain",
        "verify",
        "Give the verdict on a pair of texts, and how their tokens meet",
        &[schema::<own::ExplainRequest>],
        &[schema::<own::ExplainAnswer>],
    ),
    Operation {
        codes: &[OF_BODIES, OF_INDEXES],
        ..post(
            "/v1/search",
            "search",
            "Find documents and verify them",
            &[schema::<own::SearchRequest>],
            &[schema::<own::SearchFound>],
        )
    },
    Operation {
        codes: &[OF_BODIES, OF_INDEXES],
        parameters: &[Parameter::Index],
        request: Some(Request { schemas: &[schema::<own::UpsertRequest>], lines: true }),
        ..post(
            "/v1/documents",
            "documents",
            "Add documents, or put them in the place of those with the same ids. When it answers, they are on disk",
            &[],
            &[schema::<own::UpsertAnswer>],
        )
    },
    Operation {
        method: "delete",
        codes: &[OF_BODIES, OF_INDEXES],
        parameters: &[Parameter::Index],
        ..post(
            "/v1/documents",
            "documents",
            "Remove documents by their ids or by their metadata",
            &[schema::<own::DeleteRequest>],
            &[schema::<own::DeleteAnswer>],
        )
    },
    Operation {
        codes: &[OF_BODIES, OF_INDEXES],
        parameters: &[Parameter::Id, Parameter::Index],
        ..get("/v1/documents/{id}", "documents", "Show a document", Answer::Json(&[schema::<own::DocumentAnswer>]))
    },
    Operation {
        method: "delete",
        codes: &[OF_BODIES, OF_INDEXES],
        parameters: &[Parameter::Id, Parameter::Index],
        ..get("/v1/documents/{id}", "documents", "Remove a document", Answer::Json(&[schema::<own::DeleteAnswer>]))
    },
    get("/v1/indexes", "documents", "List indexes", Answer::Json(&[schema::<own::IndexesAnswer>])),
    get("/v1/cache", "cache", "List caches", Answer::Json(&[schema::<cache::CachesAnswer>])),
    of_cache(
        "/v1/cache/{name}/lookup",
        "Look for an entry whose prompt is the same or means the same, verified. A miss says why",
        &[schema::<cache::LookupRequest>],
        &[schema::<cache::LookupAnswer>],
    ),
    of_cache(
        "/v1/cache/{name}/explain",
        "Show every candidate of a lookup, each with its verdict. Nothing is served",
        &[schema::<cache::LookupRequest>],
        &[schema::<cache::CacheExplainAnswer>],
    ),
    of_cache(
        "/v1/cache/{name}/entries",
        "Keep one response or several. When it answers, they are on disk",
        &[schema::<cache::StoreRequest>],
        &[schema::<cache::StoreAnswer>],
    ),
    Operation {
        method: "delete",
        ..of_cache(
            "/v1/cache/{name}/entries",
            "Remove entries by their ids or by their attributes",
            &[schema::<cache::RemoveRequest>],
            &[schema::<cache::ChangedAnswer>],
        )
    },
    Operation {
        request: None,
        method: "get",
        parameters: &[Parameter::Cache, Parameter::Entry, Parameter::Scope],
        ..of_cache("/v1/cache/{name}/entries/{id}", "Show an entry", &[], &[schema::<cache::EntryShape>])
    },
    Operation {
        method: "patch",
        parameters: &[Parameter::Cache, Parameter::Entry],
        ..of_cache(
            "/v1/cache/{name}/entries/{id}",
            "Change an entry",
            &[schema::<cache::UpdateRequest>],
            &[schema::<cache::ChangedAnswer>],
        )
    },
    Operation {
        request: None,
        method: "delete",
        parameters: &[Parameter::Cache, Parameter::Entry, Parameter::Scope],
        ..of_cache("/v1/cache/{name}/entries/{id}", "Remove an entry", &[], &[schema::<cache::ChangedAnswer>])
    },
    of_cache(
        "/v1/cache/{name}/clear",
        "Remove all entries of a scope",
        &[schema::<cache::ClearRequest>],
        &[schema::<cache::ChangedAnswer>],
    ),
    of_cache(
        "/v1/cache/{name}/feedback",
        "Say whether a decision was right, for calibration",
        &[schema::<cache::FeedbackRequest>],
        &[schema::<cache::FeedbackAnswer>],
    ),
    of_langcache(
        "/v1/caches/{cacheId}/entries/search",
        "Look for entries, as LangCache does",
        &[schema::<langcache::SearchRequest>],
        Answer::Json(&[schema::<langcache::SearchAnswer>]),
    ),
    of_langcache(
        "/v1/caches/{cacheId}/conversations/search",
        "Look for entries in a conversation, as LangCache does; nothing for prompts that point back to it",
        &[schema::<langcache::SearchRequest>],
        Answer::Json(&[schema::<langcache::SearchAnswer>]),
    ),
    of_langcache(
        "/v1/caches/{cacheId}/entries",
        "Keep a response, as LangCache does",
        &[schema::<langcache::SetRequest>],
        Answer::Created(&[schema::<langcache::SetAnswer>]),
    ),
    Operation {
        method: "delete",
        ..of_langcache(
            "/v1/caches/{cacheId}/entries",
            "Remove entries by their attributes, as LangCache does",
            &[schema::<langcache::DeleteRequest>],
            Answer::Json(&[schema::<langcache::DeleteAnswer>]),
        )
    },
    Operation {
        method: "delete",
        request: None,
        parameters: &[Parameter::CacheId, Parameter::EntryId],
        ..of_langcache(
            "/v1/caches/{cacheId}/entries/{entryId}",
            "Remove an entry, as LangCache does",
            &[],
            Answer::Nothing,
        )
    },
    Operation {
        request: None,
        ..of_langcache("/v1/caches/{cacheId}/flush", "Remove all entries, as LangCache does", &[], Answer::Nothing)
    },
    embeddings("/v1/embeddings"),
    embeddings("/embeddings"),
    Operation {
        errors: Errors::Tei,
        ..post("/embed", "embeddings", "Embed texts", &[schema::<tei::EmbedRequest>], &[schema::<Vec<Vec<f32>>>])
    },
    get("/v1/models", "server", "List models", Answer::Json(&[schema::<openai::ModelsAnswer>])),
    get(
        "/info",
        "server",
        "What text-embeddings-inference says of itself",
        Answer::Json(&[schema::<Map<String, Value>>]),
    ),
    Operation { codes: &[OF_HEALTH], ..get("/health", "server", "Whether the process answers", HEALTH) },
    Operation { codes: &[OF_HEALTH], ..get("/health/live", "server", "Whether the process answers", HEALTH) },
    Operation { codes: &[OF_HEALTH], ..get("/health/ready", "server", "Whether it takes work", HEALTH) },
    get("/metrics", "server", "Counters, for Prometheus", Answer::Text("application/openmetrics-text")),
    get("/openapi.json", "server", "This document", Answer::Json(&[schema::<Map<String, Value>>])),
];

const HEALTH: Answer = Answer::Json(&[schema::<Map<String, Value>>]);

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

fn document() -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut read = settings().for_deserialize().into_generator();
    let mut written = settings().for_serialize().into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method] = operation.describe(&mut read, &mut written);
    }
    let mut schemas = read.take_definitions(true);
    schemas.extend(written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "vetted",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Two-tier retrieval over HTTP: recall wide, then vet. Reranking, verification, search and embeddings in the \
                shapes of Cohere, Jina, text-embeddings-inference, vLLM and OpenAI. Unknown fields are taken but under /v1/cache, where they are refused; nulls are taken everywhere. \
                X-Request-Timeout-Ms says how long a client waits.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{}, { "key": [] }],
    })
}

impl Operation {
    fn describe(&self, read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Value {
        let mut described = json!({
            "operationId": self.id(),
            "tags": [self.tag],
            "summary": self.summary,
            "responses": self.responses(written),
        });
        let mut parameters: Vec<Value> = self.parameters.iter().map(|parameter| parameter.describe()).collect();
        if self.tag != "server" {
            parameters.push(json!({
                "name": "X-Request-Timeout-Ms", "in": "header", "required": false,
                "description": "How long the client waits, in milliseconds",
                "schema": { "type": "integer", "minimum": 1, "maximum": 86_400_000 },
            }));
        }
        described["parameters"] = parameters.into();
        if let Some(Request { schemas, lines }) = &self.request {
            let mut content = json!({ "application/json": { "schema": any_of(schemas, read) } });
            if *lines {
                content["application/x-ndjson"] =
                    json!({ "schema": { "type": "string", "description": "A document a line" } });
            }
            described["requestBody"] = json!({ "required": true, "content": content });
        }
        described
    }

    fn id(&self) -> String {
        let path = self.path.trim_matches('/').replace(['/', '.', '{', '}'], "_");
        format!("{}_{path}", self.method)
    }

    fn responses(&self, written: &mut SchemaGenerator) -> Value {
        let mut responses = match &self.answer {
            Answer::Json(schemas) => json!({ "200": { "description": "The answer",
                "content": { "application/json": { "schema": any_of(schemas, written) } } } }),
            Answer::Created(schemas) => json!({ "201": { "description": "It is kept",
                "content": { "application/json": { "schema": any_of(schemas, written) } } } }),
            Answer::Nothing => json!({ "204": { "description": "It is done" } }),
            Answer::Text(kind) => json!({ "200": { "description": "The answer",
                "content": { *kind: { "schema": { "type": "string" } } } } }),
        };
        let schemas: &[MakeSchema] = match self.errors {
            Errors::Common => &[schema::<ErrorAnswer>],
            // What goes wrong before the body is understood is written for everybody.
            Errors::LangCache => &[schema::<langcache::Problem>],
            Errors::Tei | Errors::Either => &[schema::<ErrorAnswer>, schema::<TeiErrorAnswer>],
        };
        for code in self.codes.iter().copied().flatten() {
            let mut response = json!({
                "content": { "application/json": { "schema": any_of(schemas, written) } },
            });
            if *code == Code::Overloaded {
                response["headers"] = json!({ "Retry-After": {
                    "description": "Seconds after which trying again may help", "schema": { "type": "integer" },
                } });
            }
            let status = match self.errors {
                Errors::LangCache => langcache::status(*code),
                Errors::Common | Errors::Tei | Errors::Either => code.status(),
            };
            response["description"] = status.canonical_reason().into();
            responses[status.as_str()] = response;
        }
        responses
    }
}

impl Parameter {
    fn describe(self) -> Value {
        match self {
            Parameter::Index => json!({
                "name": "index", "in": "query", "required": false,
                "description": "Which index; needed where the server has several", "schema": { "type": "string" },
            }),
            Parameter::Id => json!({
                "name": "id", "in": "path", "required": true,
                "description": "The document's id", "schema": { "type": "string", "minLength": 1 },
            }),
            Parameter::Cache => json!({
                "name": "name", "in": "path", "required": true,
                "description": "The cache's name", "schema": { "type": "string", "minLength": 1 },
            }),
            Parameter::CacheId => json!({
                "name": "cacheId", "in": "path", "required": true,
                "description": "The cache's name", "schema": { "type": "string", "minLength": 1 },
            }),
            Parameter::Entry => json!({
                "name": "id", "in": "path", "required": true, "description": "The entry's id",
                "schema": { "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$" },
            }),
            Parameter::Scope => json!({
                "name": "scope", "in": "query", "required": false, "style": "form", "explode": true,
                "description": "For whom the entry is: each part of its scope, as `tenant=acme&user=7`",
                "schema": { "type": "object", "additionalProperties": { "type": "string" } },
            }),
            Parameter::EntryId => json!({
                "name": "entryId", "in": "path", "required": true, "description": "The entry's id",
                "schema": { "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$" },
            }),
        }
    }
}

fn any_of(schemas: &[MakeSchema], generator: &mut SchemaGenerator) -> Value {
    match schemas {
        [one] => one(generator).to_value(),
        several => json!({ "anyOf": several.iter().map(|make| make(generator).to_value()).collect::<Vec<_>>() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 40, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let names: std::collections::HashSet<String> = OPERATIONS.iter().map(Operation::id).collect();
        assert_eq!(names.len(), OPERATIONS.len());
    }
}
