//! An encoder whose token vectors become one vector a text.

use std::sync::{Arc, Mutex};

use candle_core::Tensor;
use vetted_encoder::folder::Pooling;

use crate::Error;
use crate::base::Base;
use crate::model::encoder::Encoder;
use crate::model::layers::Layers;
use crate::ops::stack::StackMemory;
use crate::ops::{Ops, floats};
use crate::parameters::{LAYER, Parameters};
use crate::texts::{Spans, Texts};

/// A sentence encoder without its trained layers.
pub(super) struct Network {
    ops: Ops,
    encoder: Encoder,
    pooling: Pooling,
}

/// One worker's memory, kept from step to step.
pub(super) type Memory = Arc<Mutex<StackMemory>>;

/// Tokens that a worker embeds at a time.
const BATCH_TOKENS: usize = 2048;

impl Network {
    pub(super) fn new(base: &Base, pooling: Pooling, trained_from: usize, ops: Ops) -> Result<Network, Error> {
        Ok(Network { encoder: Encoder::new(base, trained_from, &ops)?, pooling, ops })
    }

    /// Copies the trained layers to where they are computed with.
    pub(super) fn bind(&self, parameters: &Parameters) -> Result<Layers, Error> {
        let layers = parameters.list.as_chunks::<{ LAYER.len() }>().0.iter();
        let tensors = layers.map(|layer| layer.each_ref().map(|parameter| &parameter.values[..]));
        Layers::bind(&self.ops, self.encoder.layer_kind(), tensors.collect())
    }

    /// A unit vector for every text, texts x hidden; with gradients if `training`.
    pub(super) fn vectors(
        &self,
        layers: &Layers,
        texts: &Texts,
        memory: &Memory,
        training: bool,
    ) -> Result<Tensor, Error> {
        let hidden = self.encoder.hidden(&self.ops, layers, texts, memory, training)?;
        let pooled = match self.pooling {
            Pooling::Cls => {
                let firsts = Tensor::from_vec(texts.spans.firsts(), texts.spans.len(), &self.ops.device)?;
                hidden.index_select(&firsts, 0)?
            }
            _ => self.averages(&texts.spans)?.matmul(&hidden)?,
        };
        Ok(self.ops.l2_normalize(&pooled.contiguous()?)?)
    }

    /// What takes the sum over each span's rows, by its length: on the sphere the mean, whatever it is divided by.
    fn averages(&self, spans: &Spans) -> Result<Tensor, Error> {
        let rows = spans.rows();
        let mut shares = vec![0f32; spans.len() * rows];
        for (row, span) in shares.chunks_exact_mut(rows).zip(spans.iter()) {
            let share = 1.0 / span.len() as f32;
            row[span].fill(share);
        }
        Ok(Tensor::from_vec(shares, (spans.len(), rows), &self.ops.device)?)
    }

    /// The unit vectors of any number of texts, one after the other, without gradients.
    pub(super) fn embed(&self, layers: &Layers, texts: &[Vec<u32>], memories: &[Memory]) -> Result<Vec<f32>, Error> {
        let hidden = self.encoder.shape.hidden;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|text| texts[*text].len());
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut tokens = BATCH_TOKENS;
        for text in order {
            if tokens >= BATCH_TOKENS {
                batches.push(Vec::new());
                tokens = 0;
            }
            tokens += texts[text].len();
            if let Some(batch) = batches.last_mut() {
                batch.push(text);
            }
        }
        let one = |batch: &Vec<usize>, memory: &Memory| -> Result<Vec<f32>, Error> {
            let some: Vec<&[u32]> = batch.iter().map(|text| &texts[*text][..]).collect();
            let vectors = self.vectors(layers, &Texts::of(&some), memory, false)?;
            Ok(floats(&vectors.to_device(&candle_core::Device::Cpu)?, |values| Ok(values.to_vec()))?)
        };
        let mut all = vec![0.0; texts.len() * hidden];
        let results = std::thread::scope(|scope| {
            let handles: Vec<_> = memories
                .iter()
                .enumerate()
                .map(|(worker, memory)| {
                    let mine = batches.iter().skip(worker).step_by(memories.len());
                    let one = &one;
                    scope.spawn(move || {
                        mine.map(|batch| Ok((batch, one(batch, memory)?))).collect::<Result<Vec<_>, Error>>()
                    })
                })
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.join().map_err(|_| Error::Worker)?)
                .collect::<Result<Vec<_>, Error>>()
        })?;
        for (batch, vectors) in results.into_iter().flatten() {
            for (text, vector) in batch.iter().zip(vectors.chunks_exact(hidden)) {
                all[text * hidden..(text + 1) * hidden].copy_from_slice(vector);
            }
        }
        Ok(all)
    }
}
