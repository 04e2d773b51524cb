//! `vetted export`: a verifier for other runtimes.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use vetted::models;
use vetted::reader::Config;
use vetted_training::{Base, export_onnx};

use crate::terminal::download_progress;

/// Writes one ONNX model (operator set 17, f32), base encoder included. Inputs: query_ids, query_mask, candidate_ids,
/// candidate_mask, int64, batch x tokens, as the base model's tokenizer makes them, at most config.json's max_tokens a text. Output:
/// logits, batch x (3 + kinds): support, equivalence, conflict, then the kinds, before calibration (see config.json).
#[derive(Args)]
pub struct Export {
    /// The verifier: `vetted`, the shipped one, or a folder
    #[arg(long, env = "VETTED_VERIFIER", default_value = "vetted")]
    verifier: String,
    /// The file to write
    #[arg(long, value_name = "FILE.onnx")]
    out: PathBuf,
}

impl Export {
    pub fn run(self) -> Result<()> {
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        let folder = match self.verifier.as_str() {
            "vetted" => {
                for (name, bytes) in vetted::SHIPPED_VERIFIER {
                    std::fs::write(temporary.path().join(name), bytes).context("cannot write to a temporary folder")?;
                }
                temporary.path().to_owned()
            }
            folder => PathBuf::from(folder),
        };
        if !folder.join("config.json").is_file() {
            bail!(
                "{} is no verifier: a verifier is a folder with config.json and model.safetensors, as `vetted train verifier` writes \
                 it; `vetted` is the shipped one",
                folder.display()
            );
        }
        let config = std::fs::read(folder.join("config.json"))
            .with_context(|| format!("cannot read {}", folder.join("config.json").display()))?;
        let config = Config::parse(&config).with_context(|| folder.join("config.json").display().to_string())?;
        let base = models::ensure(&config.base.name, &mut download_progress())?;
        export_onnx(&Base::open(&base.path)?, &folder, &self.out)?;
        writeln!(stdout(), "wrote {}", self.out.display())?;
        Ok(())
    }
}
