//! What `eval retrieval`, `eval twins` and `eval cascade` share: the data set, the pipelines, and the near misses planted.

use std::path::PathBuf;

use clap::Args;
use vetted_pairs::Kind;
use vetted_study::indexed::CorpusSettings;
use vetted_study::pipeline::{Pipeline, PipelineSettings};
use vetted_study::twins::PlantingSettings;

use crate::commands::search::Verify;
use crate::commands::{DEFAULT_ALPHA, Precision, scorers};
use crate::parsing::within;

/// Which data set, and how it is indexed.
#[derive(Args)]
pub struct CorpusArguments {
    /// A folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// The encoder [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The arithmetic of the encoder, and of what reads
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// Cut long documents into passages, as `vetted index` does, instead of embedding them whole
    #[arg(long)]
    passages: bool,
    /// Keep the index here, and use it again next time [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
}

impl CorpusArguments {
    pub fn settings(self) -> CorpusSettings {
        CorpusSettings {
            data: self.data,
            split: self.split,
            model: self.model,
            precision: self.precision.into(),
            passages: self.passages,
            index: self.index,
        }
    }
}

/// Which pipelines, and their settings.
#[derive(Args)]
pub struct PipelineArguments {
    /// What to compare: a retriever (dense, bm25, hybrid or hybrid-rrf), and after a plus sign what reads the first --depth of
    /// what it finds: vetted (what `vetted search` does), maxsim or cross-encoder, which order anew. Without a retriever
    /// these three stand behind dense
    #[arg(
        long,
        value_name = "RETRIEVER[+READER]",
        value_delimiter = ',',
        default_value = "dense,bm25,hybrid,hybrid-rrf,maxsim,vetted"
    )]
    pipeline: Vec<Pipeline>,
    /// The weight of the dense score in `hybrid`, from 0 to 1
    #[arg(long, default_value_t = DEFAULT_ALPHA, value_parser = |text: &str| within(text, 0.0, 1.0), allow_negative_numbers = true)]
    alpha: f64,
    /// How many candidates `maxsim`, `cross-encoder` and `vetted` read
    #[arg(long, value_name = "N", env = "VETTED_DEPTH", default_value_t = vetted::Verify::default().depth as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// What `vetted` does with documents that are rejected
    #[arg(long, value_enum, env = "VETTED_VERIFY", default_value = "filter")]
    verify: Verify,
    /// Who judges in `vetted`: `vetted` (the shipped verifier), or a verifier's folder
    #[arg(long, value_name = "DIR", env = "VETTED_VERIFIER", default_value = "vetted")]
    verifier: String,
    /// The folder of the cross-encoder
    #[arg(long, value_name = "DIR")]
    cross_encoder: Option<PathBuf>,
}

impl PipelineArguments {
    pub fn settings(self) -> PipelineSettings {
        PipelineSettings {
            pipelines: self.pipeline,
            alpha: self.alpha as f32,
            depth: self.depth as usize,
            policy: self.verify.policy(),
            verifier: scorers::source(&self.verifier),
            cross_encoder: self.cross_encoder,
        }
    }
}

/// Which twins are planted.
#[derive(Args)]
pub struct PlantingArguments {
    /// At most so many twins; each is asked a statement, and some a question too
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    queries: u32,
    /// Only these kinds of edit: negation, role, binding, ... [default: all but addition and other]
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Names the choice of documents, sentences and edits
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl PlantingArguments {
    pub fn settings(self) -> PlantingSettings {
        PlantingSettings { twins: self.queries as usize, kinds: self.kind, seed: self.seed }
    }
}
