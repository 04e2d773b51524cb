//! What everything that vetted keeps on Redis shares: connections with deadlines, what is checked before a server is used, and
//! addresses that print no password. It knows neither caches nor documents; `vetted-cache` and `vetted-retrieval` do.

mod address;
mod connections;
mod error;
mod nodes;
mod server;

pub use address::{Address, Line};
pub use connections::{Connections, Limits, Purpose, Request};
pub use error::RedisError;
pub use nodes::Nodes;
pub use redis;
pub use server::{Checked, Memory, Notice, Version, check, check_nodes};
