//! The engines measured from Rust, behind one interface.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use vetted_encoder::{Backend, Encoder, ModelFolder, Options, Precision, Role};

use crate::candle::Candle;

/// An engine's name on the command line and in the table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Name {
    /// vetted's own kernels, f32.
    VettedF32,
    /// vetted's own kernels, bf16.
    VettedBf16,
    /// vetted's own kernels, int8.
    VettedInt8,
    /// vetted's ONNX engine (rten), f32.
    VettedOnnxF32,
    /// vetted's ONNX engine (rten), an int8 file.
    VettedOnnxInt8,
    /// candle-transformers' `BertModel`, f32.
    CandleF32,
}

/// A loaded engine.
pub enum Engine {
    /// One of vetted's.
    Vetted(Box<Encoder>),
    /// candle.
    Candle(Box<Candle>),
}

impl Engine {
    /// Loads `name` from `folder`. `int8` is the quantized ONNX file.
    pub fn open(name: Name, folder: &ModelFolder, int8: Option<PathBuf>) -> Result<Engine> {
        let options = |backend, precision| Options { backend, precision, max_tokens: None };
        let options = match name {
            Name::VettedF32 => options(Backend::Native, Precision::F32),
            Name::VettedBf16 => options(Backend::Native, Precision::Bf16),
            Name::VettedInt8 => options(Backend::Native, Precision::Int8),
            Name::VettedOnnxF32 => options(Backend::Onnx, Precision::F32),
            Name::VettedOnnxInt8 => options(Backend::Onnx, Precision::Int8),
            Name::CandleF32 => return Ok(Engine::Candle(Box::new(Candle::open(folder)?))),
        };
        let mut folder = folder.clone();
        if int8.is_some() {
            folder.weights.onnx_int8 = int8;
        }
        Ok(Engine::Vetted(Box::new(Encoder::open(&folder, options)?)))
    }

    /// The vectors of `texts`, one after the other.
    pub fn embed(&self, texts: &[String], role: Role) -> Result<Vec<f32>> {
        match self {
            Engine::Vetted(encoder) => Ok(encoder.embed(texts, role, &mut vetted_encoder::Compute::of_this_process().team())?.values().to_vec()),
            Engine::Candle(candle) => candle.embed(texts),
        }
    }

    /// Tokenizes `texts` as [`embed`](Self::embed) does, and no more.
    pub fn tokenize(&self, texts: &[String]) -> Result<()> {
        match self {
            Engine::Vetted(encoder) => {
                use rayon::prelude::*;
                texts.par_iter().try_for_each(|text| encoder.tokens().ids(text).map(drop)).context("tokenizing")
            }
            Engine::Candle(candle) => candle.tokenize(texts).map(drop),
        }
    }
}

/// The model folder: a path, or a name that vetted fetches once.
pub fn folder(model: &str) -> Result<ModelFolder> {
    if std::path::Path::new(model).is_dir() {
        return Ok(ModelFolder::open(model)?);
    }
    let folder = vetted_encoder::models::ensure(model, &mut |_| {})?;
    if folder.weights.safetensors.is_none() {
        bail!("{} has no model.safetensors: the native engine and candle need it", folder.path.display());
    }
    Ok(folder)
}
