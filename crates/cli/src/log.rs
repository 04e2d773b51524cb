//! What the libraries say while they work, on standard error.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

use crate::terminal::ColoredLines;

/// How it is written.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: a JSON object a line, with the time
    Json,
}

/// Shows warnings and whatever else `filter` lets through. Where debugging is let through, so is the time that each span took.
pub fn start(filter: Targets, format: Format) {
    let filter = without_messages(filter);
    let stages = filter.would_enable("vetted", &Level::DEBUG);
    let spans = if stages { FmtSpan::CLOSE } else { FmtSpan::NONE };
    let lines = tracing_subscriber::fmt::layer().with_span_events(spans);
    let lines = match format {
        Format::Text => lines
            .with_writer(|| ColoredLines)
            .with_ansi(stderr().is_terminal())
            .with_target(stages)
            .without_time()
            .with_filter(filter)
            .boxed(),
        Format::Json => {
            lines.with_writer(stderr).json().flatten_event(true).with_ansi(false).with_filter(filter).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).init();
}

/// rmcp logs whole messages, and so texts of users and documents, and warns of what clients do wrong, which these are told
/// anyway. That is for those who ask for `rmcp` by name.
fn without_messages(filter: Targets) -> Targets {
    let named = filter.iter().any(|(target, _)| target.starts_with("rmcp"));
    match filter.default_level().filter(|level| *level > LevelFilter::ERROR) {
        Some(_) if !named => filter.with_target("rmcp", LevelFilter::ERROR),
        _ => filter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_with_texts_are_logged_for_who_asks_for_them_by_name() {
        for (filter, logged) in [
            ("warn", false),
            ("info", false),
            ("debug", false),
            ("trace", false),
            ("off", false),
            ("vetted=debug", false),
            ("rmcp=debug", true),
            ("info,rmcp=debug", true),
        ] {
            let filter = without_messages(filter.parse().unwrap());
            assert_eq!(filter.would_enable("rmcp::service", &Level::DEBUG), logged, "{filter}");
            assert_eq!(filter.would_enable("rmcp::service", &Level::WARN), logged, "{filter}");
        }
        assert!(without_messages("debug".parse().unwrap()).would_enable("vetted", &Level::DEBUG));
    }
}
