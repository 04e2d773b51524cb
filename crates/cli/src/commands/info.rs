//! `vetted info`: what an index holds.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use time::OffsetDateTime;
use vetted::wire::IndexInfo;
use vetted::{Engine, Passages};

use crate::terminal::{counted, printable};

/// Counts, model and settings; with --check also whether everything agrees.
#[derive(Args)]
pub struct Info {
    /// The index's folder, or where it is on a server: redis://host:6379/NAME, qdrant://host:6334/NAME
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    index: PathBuf,
    /// Read everything, and verify that the caches agree with the store
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(&self.index)?;
        let index = engine.index();
        if self.json {
            writeln!(stdout(), "{}", serde_json::to_string(&IndexInfo::of(&engine)?)?)?;
        } else {
            print(&IndexInfo::of(&engine)?)?;
        }
        if self.check {
            let check = index.check()?;
            engine.notices(); // each is said as it is forwarded
            for problem in &check.problems {
                eprintln!("problem: {problem}");
            }
            if !check.problems.is_empty() {
                let problems = counted(check.problems.len(), "problem");
                bail!("{problems} found: index the documents again into another folder");
            }
            eprintln!("checked: everything agrees");
        }
        Ok(())
    }
}

/// For people.
fn print(info: &IndexInfo) -> Result<()> {
    let mut out = stdout().lock();
    let mut line = |what: &str, value: &str| writeln!(out, "{what:<12}{value}");
    let setting = |name: &str| info.settings.get(name).and_then(serde_json::Value::as_str);
    let date = |seconds: Option<u64>| {
        let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds?).ok()?).ok()?;
        Some(format!("{} {:02}:{:02} UTC", time.date(), time.hour(), time.minute()))
    };
    line("documents", &format!("{}, in {}", info.documents, counted(info.passages, "passage")))?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let (whole, views) = (megabytes(info.bytes), megabytes(info.bytes_of_views));
    let kept = match info.index.split_once("://") {
        None => "on disk",
        Some((scheme, _)) if scheme.starts_with("redis") => "in memory",
        Some(_) => "on the server",
    };
    line(kept, &format!("{whole:.1} MB, {views:.1} of them views for verification"))?;
    // The fingerprint tells models apart, and its beginning does too.
    let fingerprint: String = info.encoder.fingerprint.chars().take(12).collect();
    let (name, dimensions) = (printable(&info.encoder.name), info.encoder.dimensions);
    line("encoder", &format!("{name} ({dimensions} dimensions, fingerprint {fingerprint})"))?;
    if setting("vectors").is_none() {
        line("passages", &Passages::of_settings(&info.settings).to_string())?;
    }
    line("precision", setting("precision").unwrap_or("unknown"))?;
    line("views", setting("views").unwrap_or("none"))?;
    for (what, when) in [("created", info.created), ("changed", info.changed)] {
        if let Some(when) = date(when) {
            line(what, &when)?;
        }
    }
    line("format", &info.format.to_string())?;
    Ok(())
}
