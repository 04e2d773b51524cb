//! `model.safetensors`: tensors by name, checked.

use std::cell::RefCell;
use std::collections::BTreeSet;

use vetted_tensors::TensorFile;

use crate::Error;

/// What the names of replaced encoder tensors begin with.
const ENCODER: &str = "encoder.";

/// What the name of an I8 tensor's scales adds to the tensor's.
const SCALE: &str = ".scale";

/// A verifier's tensors, of which the readers take theirs one by one.
pub struct Weights<'a> {
    file: TensorFile<'a>,
    taken: RefCell<BTreeSet<String>>,
}

/// A tensor of the base encoder that the verifier has in another form.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplacedTensor {
    /// Its name in the base's checkpoint, `encoder.layer.3.attention.self.query.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl<'a> Weights<'a> {
    /// Reads the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`Error::WeightFile`] when they are truncated or something else.
    pub fn parse(bytes: &'a [u8]) -> Result<Weights<'a>, Error> {
        let file = TensorFile::parse(bytes).map_err(fault)?;
        Ok(Weights { file, taken: RefCell::default() })
    }

    /// The tensors to put in place of the base encoder's, by name; none when the encoder is frozen.
    ///
    /// # Errors
    /// [`Error::TensorType`], [`Error::TensorNotFinite`], and those of a missing or unfit scale.
    pub fn replaced(&self) -> Result<Vec<ReplacedTensor>, Error> {
        let names = self.file.names().into_iter().filter(|name| name.starts_with(ENCODER) && !name.ends_with(SCALE));
        let replaced = names.map(|name| {
            let shape = self.file.shape(&name).unwrap_or_default().to_vec();
            let values = self.file.values(&name, &shape).map_err(fault)?;
            Ok(ReplacedTensor { name: name[ENCODER.len()..].into(), shape, values })
        });
        replaced.collect()
    }

    /// How many numbers were learned, those of the encoder left out.
    pub fn parameters(&self) -> usize {
        let own = self.file.names().into_iter().filter(|name| !name.starts_with(ENCODER) && !name.ends_with(SCALE));
        own.map(|name| self.file.shape(&name).unwrap_or_default().iter().product::<usize>()).sum()
    }

    /// The tensors that views are made with, by name, each with its shape and its bytes: the encoder's, the view's and the
    /// traits'. What is left reads views, and makes none.
    pub fn of_views(&self) -> Vec<(String, Vec<usize>, &[u8])> {
        let of_views = |name: &str| {
            let tensor = name.strip_suffix(SCALE).unwrap_or(name);
            name.starts_with(ENCODER) || matches!(tensor, "view.weight" | "traits.weight" | "traits.bias")
        };
        // Sorted by name already.
        let names = self.file.names().into_iter().filter(|name| of_views(name));
        let tensor = |name: String| {
            let (shape, bytes) = (self.file.shape(&name)?.to_vec(), self.file.raw(&name)?);
            Some((name, shape, bytes))
        };
        names.filter_map(tensor).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.has(name)
    }

    /// The tensor `name` in f32, which must have `shape` and finite values only.
    pub(crate) fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let values = self.file.values(name, shape).map_err(fault)?;
        self.taken.borrow_mut().extend([name.to_owned(), format!("{name}{SCALE}")]);
        Ok(values)
    }

    /// That nothing is left but the encoder's tensors.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let taken = self.taken.borrow();
        let mut tensors = self.file.names();
        tensors.retain(|name| !name.starts_with(ENCODER) && !taken.contains(name));
        if tensors.is_empty() { Ok(()) } else { Err(Error::TensorsUnexpected { tensors }) }
    }
}

/// Says of whom the tensors are.
fn fault(source: vetted_tensors::Error) -> Error {
    use vetted_tensors::Error as Fault;
    match source {
        Fault::Unreadable { source, .. } => {
            Error::WeightFile { source: vetted_tensors::SafeTensorError::IoError(source) }
        }
        Fault::Damaged { source } => Error::WeightFile { source },
        Fault::Missing { tensor, expected } => Error::TensorMissing { tensor, expected },
        Fault::Shape { tensor, expected, got } => Error::TensorShape { tensor, expected, got },
        Fault::Type { tensor, got } => Error::TensorType { tensor, got },
        Fault::NotFinite { tensor } => Error::TensorNotFinite { tensor },
    }
}

#[cfg(test)]
mod tests {
    use vetted_tensors::{Dtype, Stored, serialize};

    use super::*;

    fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
        let stored = tensors.iter().map(|(name, dtype, shape, bytes)| Stored {
            name: (*name).into(),
            dtype: *dtype,
            shape: shape.to_vec(),
            bytes: bytes.to_vec(),
        });
        serialize(&stored.collect::<Vec<_>>(), None).unwrap()
    }

    fn le(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bytes = file(&[
            ("nan", Dtype::F32, &[2], &le(&[1.0, f32::NAN])),
            ("ids", Dtype::I64, &[1], &[0; 8]),
            ("bare", Dtype::I8, &[2], &[1, 2]),
            ("short", Dtype::I8, &[2], &[1, 2]),
            ("short.scale", Dtype::F32, &[1], &le(&[1.0])),
            ("encoder.w", Dtype::F32, &[1, 2], &le(&[1.0, 2.0])),
        ]);
        let weights = Weights::parse(&bytes).unwrap();
        for (name, shape, message) in [
            ("nan", vec![2], "not finite"),
            ("nan", vec![1, 2], "has shape [2] where its config.json implies [1, 2]"),
            ("absent", vec![4], "no tensor \"absent\" (expected shape [4])"),
            ("ids", vec![1], "of type I64"),
            ("bare", vec![2], "no tensor \"bare.scale\""),
            ("short", vec![2], "tensor \"short.scale\" of the verifier has shape [1]"),
        ] {
            let error = weights.take(name, &shape).unwrap_err().to_string();
            assert!(error.contains(message), "{name}: {error}");
        }
        let replaced = ReplacedTensor { name: "w".into(), shape: vec![1, 2], values: vec![1.0, 2.0] };
        assert_eq!(weights.replaced().unwrap(), [replaced]);
        assert_eq!(weights.parameters(), 7);
        assert_eq!(weights.of_views(), [("encoder.w".to_owned(), vec![1, 2], &le(&[1.0, 2.0])[..])]);
        let fresh = Weights::parse(&bytes).unwrap();
        assert!(fresh.finish().unwrap_err().to_string().contains("bare, ids, nan, short, short.scale"));
        let truncated = &bytes[..bytes.len() - 1];
        assert!(matches!(Weights::parse(truncated), Err(Error::WeightFile { .. })));
    }
}
