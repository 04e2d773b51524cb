//! What a measurement prints: stable JSON for programs and aligned text for people, one module per kind of report.

pub mod retrieval;
mod table;
