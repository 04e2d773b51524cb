//! The functions a network is made of, each with its gradient.
//!
//! On the CPU they are candle custom operations over `vetted-kernels`; anywhere else, and where a test compares the two,
//! compositions of candle's own operations. Rows of different texts lie one after the other ([`Spans`]): only attention
//! and the maps need to know where one ends.

mod attention;
mod dropout;
mod elementwise;
pub(crate) mod layer;
mod linear;
pub(crate) mod maps;
mod padding;
pub(crate) mod stack;
mod storage;

use candle_core::{D, Device, Result, Tensor};
use vetted_kernels::{Arithmetic, Isa};

pub(crate) use attention::AttentionHeads;
pub(crate) use dropout::Dropout;
pub(crate) use storage::floats;

use crate::texts::Spans;

/// Where and how to compute.
#[derive(Clone, Debug)]
pub(crate) struct Ops {
    pub(crate) device: Device,
    pub(crate) backend: Backend,
}

/// What computes the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// vetted's kernels, on the CPU.
    Kernels {
        /// What the processor offers.
        isa: Isa,
        /// For the products that [`Ops::linear`] is told may be rounded.
        arithmetic: Arithmetic,
    },
    /// candle's own operations, on any device.
    #[cfg_attr(not(any(test, feature = "cuda")), expect(dead_code, reason = "there are only CPUs"))]
    Plain,
}

/// How exact a product must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// In f32.
    Exact,
    /// In the recipe's arithmetic.
    Rounded,
}

impl Ops {
    /// On the CPU, with vetted's kernels.
    pub(crate) fn kernels(arithmetic: Arithmetic) -> Ops {
        Ops { device: Device::Cpu, backend: Backend::Kernels { isa: Isa::detect(), arithmetic } }
    }

    /// `x W^T + b`, `w` being outputs x inputs.
    pub(crate) fn linear(&self, x: &Tensor, w: &Tensor, b: Option<&Tensor>, exactness: Exactness) -> Result<Tensor> {
        match self.backend {
            Backend::Plain => {
                let product = x.matmul(&w.t()?)?;
                match b {
                    Some(b) => product.broadcast_add(b),
                    None => Ok(product),
                }
            }
            Backend::Kernels { isa, arithmetic } => {
                let arithmetic = if exactness == Exactness::Exact { Arithmetic::F32 } else { arithmetic };
                linear::linear(isa, arithmetic, x, w, b)
            }
        }
    }

    /// LayerNorm over the last dimension (Ba et al. 2016, arXiv 1607.06450).
    pub(crate) fn layer_norm(&self, x: &Tensor, gain: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
        match self.backend {
            Backend::Kernels { isa, .. } => elementwise::layer_norm(isa, x, gain, bias, epsilon),
            Backend::Plain => {
                let centered = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
                let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
                centered.broadcast_div(&(variance + epsilon)?.sqrt()?)?.broadcast_mul(gain)?.broadcast_add(bias)
            }
        }
    }

    /// The exact GELU.
    pub(crate) fn gelu(&self, x: &Tensor) -> Result<Tensor> {
        match self.backend {
            Backend::Kernels { isa, .. } => elementwise::gelu(isa, x),
            Backend::Plain => x.gelu_erf(),
        }
    }

    /// Rows of length 1.
    pub(crate) fn l2_normalize(&self, x: &Tensor) -> Result<Tensor> {
        match self.backend {
            Backend::Kernels { isa, .. } => elementwise::l2_normalize(isa, x),
            Backend::Plain => x.broadcast_div(&(x.sqr()?.sum_keepdim(D::Minus1)? + 1e-24)?.sqrt()?),
        }
    }

    /// Scaled dot-product attention of some heads inside every span of `qkv`'s rows (queries, keys and values side by
    /// side).
    pub(crate) fn attention(&self, qkv: &Tensor, spans: &Spans, heads: &AttentionHeads) -> Result<Tensor> {
        match self.backend {
            Backend::Kernels { isa, .. } => attention::attention(isa, qkv, spans, heads),
            Backend::Plain => attention::attention_plain(qkv, spans, heads),
        }
    }
}
