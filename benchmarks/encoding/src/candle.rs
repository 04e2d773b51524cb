//! The peer: candle's BERT, used as its own example does, and batched the best way we know for it.

use std::fs;

use anyhow::{Result, anyhow};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use tokenizers::{PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};
use vetted_encoder::ModelFolder;

/// Texts of one forward pass, sorted by length before they are cut into batches: least padding.
const BATCH: usize = 32;

/// A loaded model.
pub struct Candle {
    model: BertModel,
    tokenizer: Tokenizer,
}

impl Candle {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors`.
    pub fn open(folder: &ModelFolder) -> Result<Candle> {
        let weights = folder.weights.safetensors.as_ref().ok_or(anyhow!("no model.safetensors"))?;
        let config: Config = serde_json::from_slice(&fs::read(folder.path.join("config.json"))?)?;
        let tensors = VarBuilder::from_buffered_safetensors(fs::read(weights)?, DTYPE, &Device::Cpu)?;
        let model = BertModel::load(tensors, &config)?;
        let mut tokenizer = Tokenizer::from_file(&folder.tokenizer).map_err(|error| anyhow!(error))?;
        let truncation = TruncationParams { max_length: folder.settings.max_tokens, ..Default::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| anyhow!(error))?;
        tokenizer.with_padding(None);
        Ok(Candle { model, tokenizer })
    }

    /// Mean-pooled, normalized vectors, one after the other.
    pub fn embed(&self, texts: &[String]) -> Result<Vec<f32>> {
        let mut encodings = self.tokenize(texts)?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|text| encodings[*text].len());
        let padding = PaddingParams { strategy: PaddingStrategy::BatchLongest, ..Default::default() };
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in order.chunks(BATCH) {
            let mut padded: Vec<_> = batch.iter().map(|text| std::mem::take(&mut encodings[*text])).collect();
            tokenizers::pad_encodings(&mut padded, &padding).map_err(|error| anyhow!(error))?;
            let shape = (batch.len(), padded[0].len());
            let ids: Vec<u32> = padded.iter().flat_map(|e| e.get_ids().iter().copied()).collect();
            let mask: Vec<u32> = padded.iter().flat_map(|e| e.get_attention_mask().iter().copied()).collect();
            let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
            let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
            let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
            let weights = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
            let means = hidden.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?)?;
            let unit = means.broadcast_div(&means.sqr()?.sum_keepdim(1)?.sqrt()?)?;
            for (text, vector) in batch.iter().zip(unit.to_vec2::<f32>()?) {
                vectors[*text] = vector;
            }
        }
        Ok(vectors.concat())
    }

    /// Token ids, without padding.
    pub fn tokenize(&self, texts: &[String]) -> Result<Vec<tokenizers::Encoding>> {
        let inputs: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.tokenizer.encode_batch(inputs, true).map_err(|error| anyhow!(error))
    }
}
