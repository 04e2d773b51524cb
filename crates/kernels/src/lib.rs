//! The arithmetic under vetted's encoders: matrix products in three precisions, the element-wise functions of a
//! Transformer, attention, and the scan of many vectors against one.
//!
//! Three properties hold everywhere, and the tests beside the code hold them:
//!
//! * **A row's result depends on that row alone.** Each output element is one sum over `k` in one fixed order, so a
//!   text's vector is the same bit for bit whatever batch it came in and however many threads worked on it.
//! * **Every instruction set computes the same function.** [`Isa`] lists what this processor offers; int8 products are
//!   equal bit for bit on all of them, f32 and bf16 differ by rounding only.
//! * **`unsafe` lives here and nowhere else** in the workspace's arithmetic, each use with its reason.
//!
//! # A linear layer
//!
//! Weights are packed once, at load time, into the order in which the kernels read them:
//!
//! ```
//! use vetted_kernels::{Activation, Isa, Linear, Precision, Scratch};
//!
//! let weight = [1.0, 2.0, 3.0, /* second output: */ -1.0, 0.0, 1.0]; // 2 outputs x 3 inputs, row-major
//! let layer = Linear::new(&weight, &[0.5, 0.0], 3, 2, Precision::F32, Isa::detect());
//! let mut out = [0.0; 2];
//! layer.forward(&[1.0, 1.0, 1.0], &mut out, Activation::None, &mut Scratch::default());
//! assert_eq!(out, [6.5, 0.0]);
//! ```
//!
//! # Threads
//!
//! Whoever computes on several threads is given a [`Team`]; see [`Compute`]. What only training needs (general products,
//! gradients, the optimizer's step) is behind the feature `gradients`.
//!
//! # Precision
//!
//! | [`Precision`] | stored as | runs on |
//! |---|---|---|
//! | `F32` | 4 bytes | AVX-512, AVX2 with FMA, NEON or anything else through the portable kernel |
//! | `Bf16` | 2 bytes (4 without hardware support) | AMX, AVX-512 BF16; elsewhere f32 products of values rounded to bf16 |
//! | `Int8` | 1 byte, one scale per output | AMX, AVX-512 VNNI, AVX2, portable; activations are quantized per row as they come |

#[cfg(feature = "gradients")]
mod adamw;
mod attention;
mod bf16;
mod bits;
mod bytes;
mod compute;
mod convolution;
mod dot;
mod elementwise;
mod f32;
#[cfg(feature = "gradients")]
mod gradient;
mod int8;
mod isa;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod linear;
#[cfg(feature = "gradients")]
mod product;
mod relative;
mod residual;
mod short_attention;
#[cfg(target_arch = "x86_64")]
mod tiles;

#[cfg(feature = "gradients")]
pub use adamw::{AdamW, adamw, add_and_square};
pub use attention::{Attention, Heads, attention};
pub use bits::differing_bits;
pub use bytes::ByteVectors;
pub use compute::{Cancellation, Compute, Deadline, Expired, Team};
pub use convolution::Convolution;
pub use dot::{dot, dots};
pub use elementwise::{Activation, activate, add_layer_norm, l2_normalize, softmax};
#[cfg(feature = "gradients")]
pub use gradient::{
    AttentionMemory, add_column_sums, add_to, attend, attend_gradient, gelu_gradient, layer_norm, layer_norm_gradient,
};
pub use isa::Isa;
pub use linear::{Linear, Precision, Scratch};
#[cfg(feature = "gradients")]
pub use product::{Arithmetic, Left, Lies, Right, Write, product};
pub use relative::RelativeBias;
pub use residual::{attention_pool, residual_layer_norm};
pub use short_attention::{ShortAttention, short_attention};

/// Outputs computed side by side: every packed weight matrix is a sequence of panels of this many output columns.
/// Two 512-bit registers of f32, and two AMX tiles.
pub(crate) const PANEL: usize = 32;
