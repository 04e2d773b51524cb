//! The encoders that are compared.

use std::cell::OnceCell;

use anyhow::{Context, Result};
use vetted::{Precision, models};
use vetted_encoder::{Compute, Encoder, ModelFolder, Options, Role};
use vetted_kernels::{Isa, l2_normalize};

use super::Cache;
use crate::terminal::{count_bar, download_progress, finish};

/// An encoder that is loaded when there is a text whose vector is not in the cache.
pub struct AuditedEncoder {
    pub name: String,
    pub folder: ModelFolder,
    precision: Precision,
    identity: String,
    dimensions: usize,
    loaded: OnceCell<Encoder>,
}

/// Texts between two steps of the bar.
const STEP: usize = 128;

impl AuditedEncoder {
    /// Finds the model and checks its folder; fetches a known one that is not there.
    pub fn open(name: &str, precision: Precision) -> Result<AuditedEncoder> {
        let folder = models::ensure(name, &mut download_progress()).with_context(|| format!("model {name}"))?;
        let identity = format!("{} {precision:?}", folder.fingerprint().with_context(|| format!("model {name}"))?);
        let dimensions = folder.settings.architecture.hidden_size().unwrap_or_default();
        let mut encoder = AuditedEncoder {
            name: folder.name.clone(),
            folder,
            precision,
            identity,
            dimensions,
            loaded: OnceCell::new(),
        };
        if dimensions == 0 {
            // Only the graph itself knows.
            encoder.dimensions = encoder.encoder()?.dimensions();
        }
        Ok(encoder)
    }

    /// The length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vectors of `texts`, scaled to length 1, one after the other. `what` is shown beside the bar.
    pub fn vectors(&self, texts: &[String], role: Role, cache: &Cache, what: &str) -> Result<Vec<f32>> {
        let role_name = match role {
            Role::Query => "query",
            Role::Document => "document",
        };
        let identity = [self.identity.as_bytes(), role_name.as_bytes()];
        let inputs = identity.into_iter().chain(texts.iter().map(String::as_bytes));
        cache.numbers(inputs, |count| count == texts.len() * self.dimensions, || self.embed(texts, role, what))
    }

    fn embed(&self, texts: &[String], role: Role, what: &str) -> Result<Vec<f32>> {
        let encoder = self.encoder()?;
        let bar = count_bar(texts.len() as u64, &format!("{}: {what}", self.name));
        // Texts of one length side by side keep all processors busy to the end.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|index| texts[*index].len());
        let mut vectors = vec![0.0; texts.len() * self.dimensions];
        let mut team = Compute::of_this_process().team();
        for some in order.chunks(STEP) {
            let some_texts: Vec<&str> = some.iter().map(|index| texts[*index].as_str()).collect();
            for (index, vector) in some.iter().zip(encoder.embed(&some_texts, role, &mut team)?.iter()) {
                let place = &mut vectors[index * self.dimensions..(index + 1) * self.dimensions];
                place.copy_from_slice(vector);
                l2_normalize(Isa::detect(), place);
            }
            bar.inc(some.len() as u64);
        }
        finish(&bar);
        Ok(vectors)
    }

    fn encoder(&self) -> Result<&Encoder> {
        if let Some(encoder) = self.loaded.get() {
            return Ok(encoder);
        }
        let options = Options { precision: self.precision, ..Options::default() };
        let encoder = Encoder::open(&self.folder, options).with_context(|| format!("model {}", self.name))?;
        Ok(self.loaded.get_or_init(|| encoder))
    }
}
