//! The program as people run it: the real binary on real files, over tiny models that need no download
//! (`vetted-fixtures`). What the models say that come with vetted is tested in `acceptance.rs`.

mod calibration;
mod command_line;
#[cfg(all(feature = "serve", unix))]
mod feedback;
mod index;
mod input;
#[cfg(unix)]
mod interruption;
#[cfg(feature = "serve")]
mod mcp;
mod messages;
mod program;
#[cfg(all(feature = "qdrant", feature = "serve", unix))]
mod qdrant;
#[cfg(all(feature = "redis", feature = "serve", unix))]
mod redis;
#[cfg(all(feature = "serve", unix))]
mod serving;
mod vetted_search;

#[cfg(feature = "study")]
mod audit;
#[cfg(feature = "study")]
mod evaluation;
#[cfg(feature = "study")]
mod twins;

#[cfg(feature = "train")]
mod encoder;
#[cfg(feature = "train")]
mod onnx;
#[cfg(all(feature = "train", feature = "study"))]
mod verifier;

#[cfg(not(all(feature = "serve", feature = "train", feature = "study")))]
mod missing;
