//! Caches on real servers.

use std::sync::Arc;
use std::time::Duration;

use vetted_cache::Backend;
use vetted_cache::redis::{Settings, open};
pub use vetted_fixtures::redis_server::{Cluster, Server};

/// A cache there, with time enough for a machine that has much else to do.
pub fn cache(url: &str) -> Arc<dyn Backend> {
    cache_with(url, &patient())
}

pub fn cache_with(url: &str, settings: &Settings) -> Arc<dyn Backend> {
    open(url, settings).unwrap_or_else(|error| panic!("{error}")).backend.into()
}

pub fn patient() -> Settings {
    Settings { connect: Duration::from_secs(5), command: Duration::from_secs(20), ..Settings::default() }
}
