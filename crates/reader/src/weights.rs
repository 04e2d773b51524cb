//! `model.safetensors`: tensors by name, checked.

use std::cell::RefCell;
use std::collections::BTreeSet;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::Error;

/// What the names of replaced encoder tensors begin with.
const ENCODER: &str = "encoder.";

/// What the name of an I8 tensor's scales adds to the tensor's.
const SCALE: &str = ".scale";

/// A verifier's tensors, of which the readers take theirs one by one.
pub struct Weights<'a> {
    file: SafeTensors<'a>,
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
        let file = SafeTensors::deserialize(bytes).map_err(|source| Error::WeightFile { source })?;
        Ok(Weights { file, taken: RefCell::default() })
    }

    /// The tensors to put in place of the base encoder's, by name; none when the encoder is frozen.
    ///
    /// # Errors
    /// [`Error::TensorType`], [`Error::TensorNotFinite`], and those of a missing or unfit scale.
    pub fn replaced(&self) -> Result<Vec<ReplacedTensor>, Error> {
        let names = self.file.names().into_iter().filter(|name| name.starts_with(ENCODER) && !name.ends_with(SCALE));
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let replaced = names.into_iter().map(|name| {
            let tensor = self.view(name, &[])?;
            let (name, shape) = (name.to_owned(), tensor.shape().to_vec());
            Ok(ReplacedTensor { values: self.values(&name, &tensor)?, name: name[ENCODER.len()..].into(), shape })
        });
        replaced.collect()
    }

    /// How many numbers were learned, those of the encoder left out.
    pub fn parameters(&self) -> usize {
        let own =
            self.file.tensors().into_iter().filter(|(name, _)| !name.starts_with(ENCODER) && !name.ends_with(SCALE));
        own.map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum()
    }

    /// The tensors that views are made with, by name, each with its shape and its bytes: the encoder's, the view's and the
    /// traits'. What is left reads views, and makes none.
    pub fn of_views(&self) -> Vec<(&str, Vec<usize>, &[u8])> {
        let of_views = |name: &str| {
            let tensor = name.strip_suffix(SCALE).unwrap_or(name);
            name.starts_with(ENCODER) || matches!(tensor, "view.weight" | "traits.weight" | "traits.bias")
        };
        let tensors = self.file.iter().filter(|(name, _)| of_views(name));
        let mut tensors: Vec<_> = tensors.map(|(name, it)| (name, it.shape().to_vec(), it.data())).collect();
        tensors.sort_unstable_by_key(|(name, ..)| *name);
        tensors
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.tensor(name).is_ok()
    }

    /// The tensor `name` in f32, which must have `shape` and finite values only.
    pub(crate) fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let tensor = self.view(name, shape)?;
        if tensor.shape() != shape {
            let (expected, got) = (shape.to_vec(), tensor.shape().to_vec());
            return Err(Error::TensorShape { tensor: name.into(), expected, got });
        }
        self.taken.borrow_mut().extend([name.to_owned(), format!("{name}{SCALE}")]);
        self.values(name, &tensor)
    }

    /// That nothing is left but the encoder's tensors.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let taken = self.taken.borrow();
        let left = self.file.names().into_iter().filter(|name| !name.starts_with(ENCODER) && !taken.contains(*name));
        let mut tensors: Vec<String> = left.map(str::to_owned).collect();
        tensors.sort_unstable();
        if tensors.is_empty() { Ok(()) } else { Err(Error::TensorsUnexpected { tensors }) }
    }

    fn view(&self, name: &str, expected: &[usize]) -> Result<TensorView<'_>, Error> {
        let missing = |_| Error::TensorMissing { tensor: name.into(), expected: expected.to_vec() };
        self.file.tensor(name).map_err(missing)
    }

    fn values(&self, name: &str, tensor: &TensorView) -> Result<Vec<f32>, Error> {
        let values = if tensor.dtype() == Dtype::I8 {
            let rows = tensor.shape().first().copied().unwrap_or(1);
            let width = (tensor.data().len() / rows.max(1)).max(1);
            let scale_name = format!("{name}{SCALE}");
            let scales = self.view(&scale_name, &[rows])?;
            if scales.shape() != [rows] {
                let (expected, got) = (vec![rows], scales.shape().to_vec());
                return Err(Error::TensorShape { tensor: scale_name, expected, got });
            }
            let scales = floats(&scale_name, &scales)?;
            let rows = tensor.data().chunks_exact(width).zip(scales);
            rows.flat_map(|(row, scale)| row.iter().map(move |byte| f32::from(*byte as i8) * scale)).collect()
        } else {
            floats(name, tensor)?
        };
        if values.iter().all(|v| v.is_finite()) {
            Ok(values)
        } else {
            Err(Error::TensorNotFinite { tensor: name.into() })
        }
    }
}

fn floats(name: &str, tensor: &TensorView) -> Result<Vec<f32>, Error> {
    let data = tensor.data();
    let halves = || data.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    match tensor.dtype() {
        Dtype::F32 => Ok(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::BF16 => Ok(halves().map(|h| half::bf16::from_bits(h).to_f32()).collect()),
        Dtype::F16 => Ok(halves().map(|h| half::f16::from_bits(h).to_f32()).collect()),
        other => Err(Error::TensorType { tensor: name.into(), got: format!("{other:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    fn le(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn every_element_type_is_read() {
        let bytes = file(&[
            ("a", Dtype::F32, &[2], &le(&[1.5, -2.0])),
            ("b", Dtype::F16, &[2], &[0x00, 0x3e, 0x00, 0xc0]),
            ("c", Dtype::BF16, &[2], &[0xc0, 0x3f, 0x00, 0xc0]),
            ("d", Dtype::I8, &[2, 2], &[3, 0, 1, 0xff]),
            ("d.scale", Dtype::F32, &[2], &le(&[0.5, 2.0])),
        ]);
        let weights = Weights::parse(&bytes).unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(weights.take(name, &[2]).unwrap(), [1.5, -2.0], "{name}");
        }
        assert_eq!(weights.take("d", &[2, 2]).unwrap(), [1.5, 0.0, 2.0, -2.0]);
        weights.finish().unwrap();
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
        assert_eq!(weights.of_views(), [("encoder.w", vec![1, 2], &le(&[1.0, 2.0])[..])]);
        let fresh = Weights::parse(&bytes).unwrap();
        assert!(fresh.finish().unwrap_err().to_string().contains("bare, ids, nan, short, short.scale"));
        let truncated = &bytes[..bytes.len() - 1];
        assert!(matches!(Weights::parse(truncated), Err(Error::WeightFile { .. })));
    }
}
