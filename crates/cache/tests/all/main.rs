//! What the cache promises.

mod cache;
mod contract;
mod killed;
mod log;
mod memory;
