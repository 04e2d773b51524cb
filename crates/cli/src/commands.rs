//! The subcommands, and the options that several of them share.

#[cfg(feature = "study")]
pub mod audit;
pub mod calibrate;
pub mod delete;
pub mod demo;
pub mod drift;
#[cfg(feature = "study")]
pub mod eval;
#[cfg(feature = "train")]
pub mod export;
pub mod get;
pub mod index;
pub mod info;
#[cfg(feature = "serve")]
pub mod mcp;
#[cfg(not(all(feature = "serve", feature = "train", feature = "study")))]
pub mod missing;
pub mod models;
pub mod scorers;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod shell;
#[cfg(any(feature = "train", feature = "study"))]
pub mod sources;
pub mod sync;
#[cfg(feature = "train")]
pub mod synth;
#[cfg(feature = "train")]
pub mod train;
pub mod verify;

use clap::{Args, ValueEnum};
use vetted::{Fusion, Normalization};

/// The arithmetic of the encoder.
#[derive(Clone, Copy, ValueEnum)]
pub enum Precision {
    /// The fastest that this processor has: bf16 where there are instructions for it, else f32
    Auto,
    /// Single precision: equal to PyTorch
    F32,
    /// bfloat16: several times faster where the processor has it (AMX, AVX-512 BF16)
    Bf16,
    /// 8-bit integers: the smallest and, without bf16 hardware, the fastest
    Int8,
}

impl Precision {
    /// The name as it is typed.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Precision {
    /// What was asked for, if anything was.
    pub fn chosen(self) -> Option<vetted::Precision> {
        (!matches!(self, Precision::Auto)).then(|| self.into())
    }
}

impl From<Precision> for vetted::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Auto => vetted::Precision::fastest(),
            Precision::F32 => vetted::Precision::F32,
            Precision::Bf16 => vetted::Precision::Bf16,
            Precision::Int8 => vetted::Precision::Int8,
        }
    }
}

/// How the documents of a new index are cut into passages.
#[derive(Args)]
pub struct PassageArguments {
    /// Give a document one vector, of as much of its beginning as the model reads
    #[arg(long, conflicts_with_all = ["max_tokens", "overlap"])]
    whole: bool,
    /// The longest passage in tokens [default: what the model reads]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..))]
    max_tokens: Option<u32>,
    /// How many tokens two neighboring passages share at most [default: 32]
    #[arg(long, value_name = "N")]
    overlap: Option<u32>,
}

impl PassageArguments {
    /// Asks for what was typed, and for nothing else: an existing index has settings of its own.
    fn ask<'progress>(&self, builder: vetted::Builder<'progress>) -> vetted::Builder<'progress> {
        match self.whole {
            true => builder.passages(vetted::Passages::Whole),
            false => {
                let tokens = |asked: Option<u32>| asked.map(|n| n as usize);
                builder.max_tokens(tokens(self.max_tokens)).overlap_tokens(tokens(self.overlap))
            }
        }
    }
}

/// A way to rank, by the name that `--mode` and `--pipeline` take.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// By meaning: the nearest vectors. The score is a cosine, 1 at most
    Dense,
    /// By words. The score is that of BM25, from 0 up
    Bm25,
    /// Both, fused by normalized scores. From 0 to 1
    Hybrid,
    /// Both, fused by reciprocal ranks. 1/61 for each side that has it first
    HybridRrf,
}

impl Mode {
    /// For the library; `alpha` is the weight of the dense score in `Hybrid`.
    pub fn with_alpha(self, alpha: f32) -> vetted::Mode {
        match self {
            Mode::Dense => vetted::Mode::Dense,
            Mode::Bm25 => vetted::Mode::Bm25,
            Mode::Hybrid => vetted::Mode::Hybrid(Fusion::Score { alpha, normalization: Normalization::MinMax }),
            Mode::HybridRrf => vetted::Mode::Hybrid(Fusion::ReciprocalRank { k: 60.0 }),
        }
    }
}

/// The exit status where a condition that was asked for does not hold: `--require-verified`, `--fail-on`, `--max-false-accept`.
pub const CONDITION_FAILED: u8 = 3;

/// What `--require-verified` does, for its help.
pub const REQUIRE_VERIFIED: &str =
    "Exit with status 3 unless something is accepted; of many questions, unless something is for each";

/// The weight of dense scores in hybrid search: neither side is preferred without a reason from data.
pub const DEFAULT_ALPHA: f64 = 0.5;
