//! vetted for agents, by the Model Context Protocol: on `/mcp` of a server ([`route`]), and on standard input and output for
//! one client ([`serve_mcp`]). Both have the same tools.
//!
//! ```text
//!  http, stdio    how messages come and go; rmcp speaks the protocol, the revisions with `initialize` and the one without
//!      |
//!  handler        which tools the caller has; runs one, tells of its progress, and stops it when nobody wants it any more
//!      |
//!  tool           what each is called, what agents are told of it, what it takes and gives
//!      |
//!  search, verify, explain, info, documents      what it does, through the server's queues
//!      |
//!  answer         short text for reading, and the same as JSON for programs; or why not, and what to do
//! ```
//!
//! What an agent is given goes into its context, and a context is small: every answer has a bound (`bounds`).

mod answer;
mod bounds;
mod documents;
mod explain;
mod handler;
mod http;
mod info;
mod opening;
mod search;
mod stdio;
mod tool;
mod verify;

pub(crate) use http::route;
pub use stdio::{McpError, serve_mcp};
