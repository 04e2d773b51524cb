//! `vetted train`: models of one's own.

mod verifier;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Train {
    /// Train a verifier on labeled pairs
    Verifier(verifier::Verifier),
}

impl Train {
    pub fn run(self) -> Result<()> {
        match self {
            Train::Verifier(command) => command.run(),
        }
    }
}
