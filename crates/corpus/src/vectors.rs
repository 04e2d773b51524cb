//! Vectors that documents and questions bring along.

use crate::fields::type_name;
use serde_json::Value;
use std::fmt;

/// Which field of a document holds its vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorField {
    /// The field of the metadata.
    pub name: String,
    /// How many numbers a vector has; `None`: as many as the first good one.
    pub dimensions: Option<usize>,
}

/// What is wrong with a vector. Reads on after "the vector".
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VectorProblem {
    /// There is none.
    Missing,
    /// The field holds something else.
    NotAnArray {
        /// The type it has.
        got: &'static str,
    },
    /// An element is no number.
    NotANumber {
        /// Its place, from 0.
        position: usize,
        /// The type it has.
        got: &'static str,
    },
    /// A number is too large for single precision.
    TooLarge {
        /// Its place, from 0.
        position: usize,
        /// The number.
        value: f64,
    },
    /// It has too many numbers, or too few.
    Dimensions {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// It has no numbers.
    Empty,
    /// All its numbers are 0: it points nowhere, and is as near to every question as to any other.
    AllZero,
}

impl fmt::Display for VectorProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VectorProblem::Missing => write!(formatter, "is missing"),
            VectorProblem::NotAnArray { got } => write!(formatter, "is {got}; expected an array of numbers"),
            VectorProblem::NotANumber { position, got } => {
                write!(formatter, "has {got} at position {position}; expected an array of numbers")
            }
            VectorProblem::TooLarge { position, value } => {
                write!(formatter, "has {value:e} at position {position}, which does not fit a 32-bit float (f32)")
            }
            VectorProblem::Dimensions { expected, got } => {
                write!(formatter, "has {got} dimensions; expected {expected}")
            }
            VectorProblem::Empty => write!(formatter, "is empty"),
            VectorProblem::AllZero => write!(formatter, "is all zeros, which is no direction"),
        }
    }
}

/// The vector that a field holds, if it can be used: an array of `dimensions` numbers that are not all 0.
///
/// # Errors
/// What is wrong with it.
pub fn vector(field: Option<&Value>, dimensions: Option<usize>) -> Result<Vec<f32>, VectorProblem> {
    let values = match field {
        None => return Err(VectorProblem::Missing),
        Some(Value::Array(values)) => values,
        Some(other) => return Err(VectorProblem::NotAnArray { got: type_name(other) }),
    };
    let got = values.len();
    match dimensions {
        _ if got == 0 => return Err(VectorProblem::Empty),
        Some(expected) if expected != got => return Err(VectorProblem::Dimensions { expected, got }),
        _ => {}
    }
    let number = |(position, value): (usize, &Value)| {
        let value = value.as_f64().ok_or_else(|| VectorProblem::NotANumber { position, got: type_name(value) })?;
        let narrow = value as f32;
        if narrow.is_finite() { Ok(narrow) } else { Err(VectorProblem::TooLarge { position, value }) }
    };
    let vector = values.iter().enumerate().map(number).collect::<Result<Vec<f32>, _>>()?;
    if vector.iter().all(|value| *value == 0.0) { Err(VectorProblem::AllZero) } else { Ok(vector) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_vector_is_said() {
        assert_eq!(vector(Some(&json!([1, -0.5, 0])), Some(3)), Ok(vec![1.0, -0.5, 0.0]));
        let cases = [
            (json!("[1, 2, 3]"), "is a string; expected an array of numbers"),
            (json!(null), "is null; expected"),
            (json!([]), "is empty"),
            (json!([1.0, 0.0]), "has 2 dimensions; expected 3"),
            (json!([1.0, true, 0.0]), "has a boolean at position 1"),
            (json!([0.0, 1e39, 0.0]), "has 1e39 at position 1, which does not fit"),
            (json!([0, 0.0, -0.0]), "is all zeros"),
        ];
        for (value, expected) in cases {
            let problem = vector(Some(&value), Some(3)).unwrap_err().to_string();
            assert!(problem.starts_with(expected), "{value}: {problem}");
        }
        assert_eq!(vector(None, None), Err(VectorProblem::Missing));
    }
}
