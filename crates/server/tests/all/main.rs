//! A real server on real sockets, over tiny models that need no download (`vetted-fixtures`).

mod behind_others;
mod cache;
mod documents;
mod embeddings;
mod guard;
mod load;
mod mcp;
mod misuse;
mod rerank;
mod server;
mod telemetry;
mod verdicts;
