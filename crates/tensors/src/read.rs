//! Tensors out of a safetensors file, checked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::Stored;

/// What the name of an int8 tensor's scales adds to the tensor's.
pub(crate) const SCALE: &str = ".scale";

/// Why a tensor cannot be had. The file's name is not part of it: whoever opened the file knows it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are truncated, or of another format.
    #[error("this is no whole safetensors file: {source}")]
    Damaged {
        /// What the library said.
        source: SafeTensorError,
    },
    /// There is no such tensor.
    #[error("there is no tensor {tensor:?} (expected shape {expected:?})")]
    Missing {
        /// Its name.
        tensor: String,
        /// The shape wanted.
        expected: Vec<usize>,
    },
    /// The tensor has another shape.
    #[error("tensor {tensor:?} has shape {got:?} where {expected:?} is expected")]
    Shape {
        /// Its name.
        tensor: String,
        /// The shape wanted.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// The tensor's element type is not read here.
    #[error("tensor {tensor:?} is of type {got}; F32, F16, BF16, and I8 beside a `.scale` are read")]
    Type {
        /// Its name.
        tensor: String,
        /// Its type.
        got: String,
    },
    /// The tensor holds NaN or infinity.
    #[error("tensor {tensor:?} holds a value that is not finite")]
    NotFinite {
        /// Its name.
        tensor: String,
    },
}

/// A safetensors file in memory. Its header is parsed once.
///
/// The file is read, not mapped: tensors are converted to `f32` and laid out anew anyway, so a mapping would save a copy
/// that lives for moments, and a file that shrinks under a mapping kills the process.
#[derive(Debug)]
pub struct TensorFile<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where the header ends.
    data: usize,
    header: Metadata,
}

impl TensorFile<'static> {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::Damaged`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::parse(std::fs::read(path).map_err(|source| Error::Unreadable { path: path.into(), source })?)
    }
}

impl<'a> TensorFile<'a> {
    /// Reads the bytes of a safetensors file, borrowed or owned.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn parse(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, Error> {
        let bytes = bytes.into();
        let (length, header) = SafeTensors::read_metadata(&bytes).map_err(|source| Error::Damaged { source })?;
        // Eight bytes hold the header's length.
        Ok(Self { data: 8 + length, header, bytes })
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the whole file, in hexadecimal.
    pub fn sha256(&self) -> String {
        crate::digest::of_bytes(&self.bytes)
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> Option<&HashMap<String, String>> {
        self.header.metadata().as_ref()
    }

    /// The names of all tensors, sorted; those of scales are among them.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.header.offset_keys();
        names.sort_unstable();
        names
    }

    /// All tensors as they are in the file, copied, in the order of [`names`](Self::names).
    pub fn tensors(&self) -> Vec<Stored> {
        let tensor = |name: String| {
            let info = self.header.info(&name)?;
            Some(Stored { dtype: info.dtype, shape: info.shape.clone(), bytes: self.data_of(info).to_vec(), name })
        };
        self.names().into_iter().filter_map(tensor).collect()
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.header.info(name).is_some()
    }

    /// The sizes of a tensor's dimensions, outermost first, where there is such a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.header.info(name)?.shape)
    }

    /// A tensor's element type, where there is such a tensor.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        Some(self.header.info(name)?.dtype)
    }

    /// A tensor's bytes as they are in the file, row-major and little-endian, where there is such a tensor.
    pub fn raw(&self, name: &str) -> Option<&[u8]> {
        Some(self.data_of(self.header.info(name)?))
    }

    /// The tensor `name` in f32, which must have `shape` and hold finite values only.
    ///
    /// A tensor of type I8 has one scale per row in a tensor called `NAME.scale`, and a value is its byte times its
    /// row's scale. Its rows are those of the outermost dimension.
    ///
    /// # Errors
    /// [`Error::Missing`], also of the scales; [`Error::Shape`], [`Error::Type`], [`Error::NotFinite`].
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let info = self.expect(name, shape)?;
        let values = if info.dtype == Dtype::I8 {
            let rows = shape.first().copied().unwrap_or(1);
            let name = format!("{name}{SCALE}");
            let scales = floats(&name, self.expect(&name, &[rows])?, self)?;
            let bytes = self.data_of(info);
            let width = (bytes.len() / rows.max(1)).max(1);
            let rows = bytes.chunks_exact(width).zip(scales);
            rows.flat_map(|(row, scale)| row.iter().map(move |byte| f32::from(*byte as i8) * scale)).collect()
        } else {
            floats(name, info, self)?
        };
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(Error::NotFinite { tensor: name.into() })
        }
    }

    fn expect(&self, name: &str, shape: &[usize]) -> Result<&TensorInfo, Error> {
        let tensor = || name.to_owned();
        let missing = || Error::Missing { tensor: tensor(), expected: shape.to_vec() };
        let info = self.header.info(name).ok_or_else(missing)?;
        if info.shape == shape {
            Ok(info)
        } else {
            Err(Error::Shape { tensor: tensor(), expected: shape.to_vec(), got: info.shape.clone() })
        }
    }

    /// The header was checked against the file's length.
    fn data_of(&self, info: &TensorInfo) -> &[u8] {
        let (start, end) = info.data_offsets;
        &self.bytes[self.data + start..self.data + end]
    }
}

fn floats(name: &str, info: &TensorInfo, file: &TensorFile<'_>) -> Result<Vec<f32>, Error> {
    let bytes = file.data_of(info);
    let halves = || bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
    match info.dtype {
        Dtype::F32 => Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        Dtype::BF16 => Ok(halves().map(|bits| bf16::from_bits(bits).to_f32()).collect()),
        Dtype::F16 => Ok(halves().map(|bits| f16::from_bits(bits).to_f32()).collect()),
        other => Err(Error::Type { tensor: name.into(), got: format!("{other:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize;

    fn stored(name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Stored {
        Stored { name: name.into(), dtype, shape: shape.to_vec(), bytes: bytes.to_vec() }
    }

    #[test]
    fn every_element_type_is_read() {
        let bytes = serialize(
            &[
                Stored::f32("a", &[2], &[1.5, -2.0]),
                stored("b", Dtype::F16, &[2], &[0x00, 0x3e, 0x00, 0xc0]),
                stored("c", Dtype::BF16, &[2], &[0xc0, 0x3f, 0x00, 0xc0]),
                stored("d", Dtype::I8, &[2, 2], &[3, 0, 1, 0xff]),
                Stored::f32("d.scale", &[2], &[0.5, 2.0]),
            ],
            None,
        );
        let file = TensorFile::parse(bytes.unwrap()).unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(file.values(name, &[2]).unwrap(), [1.5, -2.0], "{name}");
        }
        assert_eq!(file.values("d", &[2, 2]).unwrap(), [1.5, 0.0, 2.0, -2.0]);
        assert_eq!(file.names(), ["a", "b", "c", "d", "d.scale"]);
        assert_eq!((file.dtype("d"), file.raw("d")), (Some(Dtype::I8), Some(&[3, 0, 1, 0xff][..])));
        assert_eq!((file.dtype("e"), file.raw("e"), file.shape("e"), file.has("e")), (None, None, None, false));
        assert_eq!(file.metadata(), None);
        assert_eq!(serialize(&file.tensors(), None).unwrap(), file.bytes());
        assert_eq!(file.sha256(), crate::digest::of_bytes(file.bytes()));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bytes = serialize(
            &[
                Stored::f32("nan", &[2], &[1.0, f32::NAN]),
                stored("ids", Dtype::I64, &[1], &[0; 8]),
                stored("bare", Dtype::I8, &[2], &[1, 2]),
                stored("short", Dtype::I8, &[2], &[1, 2]),
                Stored::f32("short.scale", &[1], &[1.0]),
                stored("endless", Dtype::I8, &[1], &[1]),
                Stored::f32("endless.scale", &[1], &[f32::INFINITY]),
            ],
            None,
        )
        .unwrap();
        let file = TensorFile::parse(bytes.as_slice()).unwrap();
        for (name, shape, message) in [
            ("nan", vec![2], "\"nan\" holds a value that is not finite"),
            ("nan", vec![1, 2], "\"nan\" has shape [2] where [1, 2] is expected"),
            ("absent", vec![4], "no tensor \"absent\" (expected shape [4])"),
            ("ids", vec![1], "of type I64"),
            ("bare", vec![2], "no tensor \"bare.scale\" (expected shape [2])"),
            ("short", vec![2], "tensor \"short.scale\" has shape [1]"),
            ("endless", vec![1], "\"endless\" holds a value that is not finite"),
        ] {
            let error = file.values(name, &shape).unwrap_err().to_string();
            assert!(error.contains(message), "{name}: {error}");
        }
        for length in [0, 7, 8, 20, bytes.len() - 1] {
            assert!(matches!(TensorFile::parse(&bytes[..length]), Err(Error::Damaged { .. })), "{length}");
        }
        let absent = TensorFile::open(Path::new("/nonexistent/model.safetensors")).unwrap_err();
        assert!(matches!(absent, Error::Unreadable { .. }), "{absent}");
    }
}
