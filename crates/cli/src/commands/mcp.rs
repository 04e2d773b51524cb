//! `vetted mcp`: indexes and the verifier as tools for an agent.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use vetted_server::{IndexSettings, Limits, Settings, serve_mcp};

use super::scorers;
use super::serve::NamedFolder;

/// Gives an agent tools, by the Model Context Protocol on standard input and output: vetted-search, vetted-verify,
/// vetted-explain and vetted-info; with --write also vetted-upsert and vetted-delete.
///
/// An MCP client starts it, as in `claude mcp add notes -- vetted mcp --index /path/to/notes.index`. Without --index it verifies
/// texts that the agent brings. `vetted serve` has the same tools for many clients, at /mcp.
#[derive(Args)]
pub struct Mcp {
    /// An index's folder or its address on a server (redis://host:6379/NAME, qdrant://host:6334/NAME), or what the agent calls it and where it is;
    /// may be given many times [default name: the folder's, or the one in the address]
    #[arg(long = "index", value_name = "[NAME=]DIR", env = "VETTED_INDEX", hide_env_values = true)]
    indexes: Vec<NamedFolder>,
    /// Offer tools that add, replace and remove documents, too. An index that is not there yet is made
    #[arg(long)]
    write: bool,
    #[arg(long, env = "VETTED_VERIFIER", default_value = "vetted", help = format!("Who judges: {}", scorers::JUDGES))]
    verifier: String,
    /// The encoder of a new index: a name (`vetted models list`) or a model folder [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
}

/// The client has a limit of its own, and says when it does not want to wait any more.
const TIMEOUT: Duration = Duration::from_secs(600);

impl Mcp {
    pub fn run(self) -> Result<()> {
        // Clients start it in folders of their choice: a message should say where it looked.
        let absolute = |NamedFolder(IndexSettings { name, folder })| -> Result<IndexSettings> {
            if folder.to_string_lossy().contains("://") {
                return Ok(IndexSettings { name, folder });
            }
            let folder = std::path::absolute(&folder).with_context(|| format!("cannot use {}", folder.display()))?;
            Ok(IndexSettings { name, folder })
        };
        Ok(serve_mcp(Settings {
            indexes: self.indexes.into_iter().map(absolute).collect::<Result<_>>()?,
            writable: self.write,
            verifier: scorers::source(&self.verifier),
            model: self.model,
            limits: Limits { timeout: TIMEOUT, ..Limits::default() },
            ..Settings::default()
        })?)
    }
}
