//! Measurements that run models: what fine-tuning an encoder cost ([`audit`]), how often a near miss is served ([`twins`]), how
//! an agent fares that needs several retrievals in a row ([`cascade`]), what a verifier tells apart ([`pairs`], [`contrast`]),
//! and [pipelines](pipeline) side by side, each a retriever, and behind it a verifier or none.
//!
//! Metrics, data sets and intervals are `vetted_evaluation`'s, which runs no model. `vetted audit` and `vetted eval` are thin
//! commands over this crate; the program `vetted-study` (feature `experiments`) repeats the experiments of `docs/study`.
//!
//! # Pipelines
//!
//! ```no_run
//! use vetted_study::indexed::{CorpusSettings, IndexedCorpus};
//! use vetted_study::pipeline::{PipelineSettings, Pipelines};
//! use vetted_study::retrieval;
//!
//! # fn main() -> Result<(), vetted_study::Error> {
//! let names = ["dense", "hybrid", "hybrid+vetted"];
//! let pipelines = names.map(str::parse).into_iter().collect::<Result<_, _>>()?;
//! let settings = PipelineSettings { pipelines, ..PipelineSettings::default() };
//! let watch = &vetted_study::silent;
//! let pipelines = Pipelines::load(&settings, vetted::Precision::default(), watch)?;
//! let corpus = IndexedCorpus::open(&CorpusSettings::new("data/scifact"), &settings, watch)?;
//! let report = retrieval::report(&corpus, &pipelines, 100.try_into().expect("100 is not zero"), |_, _| Ok(()), watch)?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod cascade;
pub mod contrast;
mod error;
#[cfg(feature = "experiments")]
pub mod experiments;
pub mod findings;
pub mod indexed;
pub mod pairs;
pub mod pipeline;
pub mod retrieval;
pub mod scorers;
pub mod twins;
mod watch;

use std::num::NonZeroU32;

use vetted_evaluation::interval::Bootstrap;

pub use audit::AuditReport;
pub use cascade::CascadeReport;
pub use error::Error;
pub use twins::TwinsReport;
pub use watch::{Event, Watch, silent};

/// For reports of many intervals: fewer samples for each.
pub fn quick_bootstrap() -> Bootstrap {
    const RESAMPLES: NonZeroU32 = NonZeroU32::new(2000).expect("2000 is not zero");
    Bootstrap { resamples: RESAMPLES, ..Bootstrap::default() }
}
