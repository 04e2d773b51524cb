//! What the libraries say while they work, on standard error.

use std::io::{IsTerminal, stderr};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

use crate::terminal::ColoredLines;

/// Shows warnings and whatever else `filter` lets through. Where debugging is let through, so is the time that each span took.
pub fn start(filter: Targets) {
    let stages = filter.would_enable("vetted", &Level::DEBUG);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| ColoredLines)
        .with_ansi(stderr().is_terminal())
        .with_target(stages)
        .without_time()
        .with_span_events(if stages { FmtSpan::CLOSE } else { FmtSpan::NONE });
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}
