//! Tensors on disk, and what keeps files on disk honest.
//!
//! Three small things that many crates need, each in one place:
//!
//! - [`TensorFile`] reads a safetensors file, and [`write()`](write()) writes one;
//! - [`digest`] computes the SHA-256 of bytes and of files;
//! - [`replace()`] puts a file in the place of another, whole or not at all.
//!
//! # Write tensors, and read them back
//!
//! Values leave a file as `f32`, whatever they were stored as. They are stored as f32, as f16, or as one byte each with
//! one scale per row.
//!
//! ```
//! use vetted_tensors::{Stored, TensorFile, write};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.safetensors");
//! let [bytes, scales] = Stored::int8_rows("head.weight", &[2, 2], &[1.0, -0.5, 0.25, 0.0]);
//! write(&path, &[Stored::f32("head.bias", &[2], &[0.1, 0.2]), bytes, scales], None)?;
//!
//! let file = TensorFile::open(&path)?;
//! assert_eq!(file.values("head.bias", &[2])?, [0.1, 0.2]);
//! assert_eq!(file.shape("head.weight"), Some(&[2, 2][..]));
//! let weight = file.values("head.weight", &[2, 2])?;
//! assert!((weight[1] + 0.5).abs() < 0.005, "one byte holds about two digits");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What does not fit is an error that says which tensor it was:
//!
//! ```
//! # use vetted_tensors::{Error, Stored, TensorFile, serialize};
//! let bytes = serialize(&[Stored::f32("bias", &[2], &[0.1, f32::NAN])], None)?;
//! let file = TensorFile::parse(bytes)?;
//! assert!(matches!(file.values("bias", &[3]), Err(Error::Shape { .. })));
//! assert!(matches!(file.values("bias", &[2]), Err(Error::NotFinite { .. })));
//! assert!(matches!(file.values("weight", &[2]), Err(Error::Missing { .. })));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Replace a file
//!
//! ```
//! use std::io::Write;
//! use vetted_tensors::{Replacement, digest, replace};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("settings.json");
//! replace(&path, b"{}")?;
//! assert_eq!(digest::of_file(&path)?, digest::of_bytes(b"{}"));
//!
//! // What is too large for memory is written piece by piece. Without the commit, the old file stays.
//! let mut file = Replacement::create(&path)?;
//! file.write_all(b"[1, ")?;
//! file.write_all(b"2]")?;
//! file.commit()?;
//! assert_eq!(std::fs::read(&path)?, b"[1, 2]");
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod digest;

mod read;
mod replacement;
mod write;

pub use read::{Error, TensorFile};
pub use replacement::{Replacement, move_into_place, replace};
pub use safetensors::{Dtype, SafeTensorError};
pub use write::{Stored, WriteError, serialize, write};
