//! The encoders that are compared.

use std::cell::OnceCell;

use vetted::{Precision, models};
use vetted_encoder::{Compute, Encoder, ModelFolder, Options, Role};
use vetted_kernels::{Isa, l2_normalize};

use super::Cache;
use crate::Error;
use crate::error::During;
use crate::watch::{Event, Watch};

/// An encoder that is loaded when there is a text whose vector is not in the cache.
pub struct AuditedEncoder {
    /// What it is called in reports.
    pub name: String,
    /// Where it is.
    pub folder: ModelFolder,
    precision: Precision,
    identity: String,
    dimensions: usize,
    loaded: OnceCell<Encoder>,
}

/// Texts between two steps of whoever watches.
const STEP: usize = 128;

impl AuditedEncoder {
    /// Finds the model and checks its folder; fetches a known one that is not there.
    ///
    /// # Errors
    /// When there is no such model, or it is none that vetted runs.
    pub fn open(name: &str, precision: Precision, watch: Watch<'_>) -> Result<AuditedEncoder, Error> {
        let model = || format!("model {name}");
        let folder = models::ensure(name, &mut |progress| watch(Event::Fetching(progress))).during(model)?;
        let fingerprint = folder.fingerprint().map_err(vetted_encoder::Error::from).during(model)?;
        let identity = format!("{fingerprint} {precision:?}");
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

    /// The vectors of `texts`, scaled to length 1, one after the other. `what` they are is told to whoever watches.
    ///
    /// # Errors
    /// Those of the encoder and of the cache.
    pub fn vectors(
        &self,
        texts: &[String],
        role: Role,
        cache: &Cache,
        what: &str,
        watch: Watch<'_>,
    ) -> Result<Vec<f32>, Error> {
        let role_name = match role {
            Role::Query => "query",
            Role::Document => "document",
        };
        let identity = [self.identity.as_bytes(), role_name.as_bytes()];
        let inputs = identity.into_iter().chain(texts.iter().map(String::as_bytes));
        cache.numbers(inputs, |count| count == texts.len() * self.dimensions, || self.embed(texts, role, what, watch))
    }

    fn embed(&self, texts: &[String], role: Role, what: &str, watch: Watch<'_>) -> Result<Vec<f32>, Error> {
        let encoder = self.encoder()?;
        watch(Event::Begun { what: &format!("{}: {what}", self.name), total: texts.len() as u64 });
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
            watch(Event::Advanced(some.len() as u64));
        }
        watch(Event::Ended);
        Ok(vectors)
    }

    fn encoder(&self) -> Result<&Encoder, Error> {
        if let Some(encoder) = self.loaded.get() {
            return Ok(encoder);
        }
        let options = Options { precision: self.precision, ..Options::default() };
        let encoder = Encoder::open(&self.folder, options).during(|| format!("model {}", self.name))?;
        Ok(self.loaded.get_or_init(|| encoder))
    }
}
