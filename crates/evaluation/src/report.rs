//! What a measurement prints: stable JSON for programs and aligned text for people, one module per kind of report.

pub mod contrast;
pub mod pairs;
pub mod retrieval;
pub mod table;

use std::fmt;

/// A scorer of pairs of texts, and what it costs.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Scorer {
    /// Its name: `cosine`, `f1`, `map-transformer`.
    pub name: String,
    /// How many trained numbers it has on top of the encoder; 0 if it is a formula.
    pub params: u64,
    /// The time to score a pair, in microseconds.
    pub us_per_pair: f64,
}

impl fmt::Display for Scorer {
    /// `map-transformer, 412000 parameters, 310.5 µs a pair`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} parameters, {:.1} µs a pair", self.name, self.params, self.us_per_pair)
    }
}
