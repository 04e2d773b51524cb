//! Tensors into a safetensors file.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};

use crate::read::SCALE;
use crate::{Error, replace};

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Sizes of its dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Its values, row-major and little-endian.
    pub bytes: Vec<u8>,
}

impl Stored {
    /// Values as they are.
    pub fn f32(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Stored {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Stored { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    /// Values rounded to half precision. What is beyond 65,504 becomes infinite.
    pub fn f16(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Stored {
        let bytes = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        Stored { name: name.into(), dtype: Dtype::F16, shape: shape.to_vec(), bytes }
    }

    /// Values as one byte each, and a second tensor, called `NAME.scale`, of one scale per row that takes the row's
    /// largest value to 127. Rows are those of the outermost dimension. A value read back is off by half a scale at most.
    pub fn int8_rows(name: &str, shape: &[usize], values: &[f32]) -> [Stored; 2] {
        let rows = shape.first().copied().unwrap_or(1);
        let width = (values.len() / rows.max(1)).max(1);
        let (mut bytes, mut scales) = (Vec::with_capacity(values.len()), Vec::with_capacity(rows));
        for row in values.chunks_exact(width) {
            let scale = row.iter().fold(0f32, |a, b| a.max(b.abs())) / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            bytes.extend(row.iter().map(|value| (value * inverse).round().clamp(-127.0, 127.0) as i8 as u8));
            scales.push(scale);
        }
        let matrix = Stored { name: name.into(), dtype: Dtype::I8, shape: shape.to_vec(), bytes };
        [matrix, Stored::f32(format!("{name}{SCALE}"), &[rows], &scales)]
    }
}

/// Why a file of tensors could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A tensor's bytes do not fit its shape and type.
    #[error(transparent)]
    Tensors(#[from] Error),
    /// The file could not be replaced.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// The bytes of a safetensors file. The same tensors give the same bytes; the library orders them by type and name.
///
/// # Errors
/// [`Error::Damaged`] for a tensor whose bytes do not fit its shape and type.
pub fn serialize(tensors: &[Stored], metadata: Option<HashMap<String, String>>) -> Result<Vec<u8>, Error> {
    let fault = |source: SafeTensorError| Error::Damaged { source };
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(fault)?;
        views.push((tensor.name.as_str(), view));
    }
    safetensors::serialize(views, metadata).map_err(fault)
}

/// Writes a safetensors file, whole or not at all, as [`replace()`] does.
///
/// # Errors
/// [`WriteError`]; the old file is then still there.
pub fn write(path: &Path, tensors: &[Stored], metadata: Option<HashMap<String, String>>) -> Result<(), WriteError> {
    Ok(replace(path, serialize(tensors, metadata)?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::TensorFile;

    fn matrices() -> impl Strategy<Value = (Vec<usize>, Vec<f32>)> {
        (0..5usize, 1..9usize).prop_flat_map(|(rows, width)| {
            let values = prop::collection::vec(-1e4f32..1e4, rows * width);
            values.prop_map(move |values| (vec![rows, width], values))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((shape, values) in matrices(), bias: Vec<i16>, note in "[a-z]{0,8}") {
            let bias: Vec<f32> = bias.into_iter().map(f32::from).collect();
            let [bytes, scales] = Stored::int8_rows("int8", &shape, &values);
            let tensors = [
                Stored::f32("single", &shape, &values),
                Stored::f16("half", &shape, &values),
                bytes,
                scales,
                Stored::f32("vector", &[bias.len()], &bias),
            ];
            let metadata = HashMap::from([("note".to_owned(), note)]);
            let file = serialize(&tensors, Some(metadata.clone())).unwrap();
            let file = TensorFile::parse(file).unwrap();
            prop_assert_eq!(file.metadata(), Some(&metadata));
            prop_assert_eq!(file.values("single", &shape).unwrap(), values.clone());
            prop_assert_eq!(file.values("vector", &[bias.len()]).unwrap(), bias);
            for (half, value) in file.values("half", &shape).unwrap().iter().zip(&values) {
                // Eleven bits of mantissa; below 2^-14 the steps are 2^-24.
                prop_assert!((half - value).abs() <= value.abs() / 2048.0 + 6e-8, "{half} {value}");
            }
            let int8 = file.values("int8", &shape).unwrap();
            prop_assert_eq!(int8.len(), values.len());
            for (row, read) in values.chunks(shape[1]).zip(int8.chunks(shape[1])) {
                let largest = row.iter().fold(0f32, |a, b| a.max(b.abs()));
                for (value, read) in row.iter().zip(read) {
                    prop_assert!((value - read).abs() <= largest / 127.0 * 0.5001, "{value} {read}");
                }
            }
        }

        #[test]
        fn quantizing_twice_changes_no_byte((shape, values) in matrices()) {
            let [bytes, scales] = Stored::int8_rows("w", &shape, &values);
            let file = TensorFile::parse(serialize(&[bytes.clone(), scales], None).unwrap()).unwrap();
            let [again, _] = Stored::int8_rows("w", &shape, &file.values("w", &shape).unwrap());
            prop_assert_eq!(bytes, again);
        }

        #[test]
        fn damaged_bytes_are_an_error_or_other_values(
            (shape, values) in matrices(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
        ) {
            let mut bytes = serialize(&[Stored::f32("w", &shape, &values)], None).unwrap();
            prop_assert!(TensorFile::parse(&bytes[..cut.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(file) = TensorFile::parse(bytes) {
                for name in file.names() {
                    let shape = file.shape(&name).unwrap().to_vec();
                    let _ = file.values(&name, &shape); // must not panic
                }
            }
        }
    }

    #[test]
    fn a_tensor_of_another_size_than_its_shape_is_refused() {
        let tensor = Stored { shape: vec![3], ..Stored::f32("w", &[2], &[1.0, 2.0]) };
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("w"), &[tensor], None).unwrap_err();
        assert!(matches!(error, WriteError::Tensors(Error::Damaged { .. })), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
