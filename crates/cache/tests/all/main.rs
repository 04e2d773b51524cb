//! What the cache promises.

mod contract;
mod memory;
