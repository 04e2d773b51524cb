//! Numbers that took long to compute, kept by a digest of everything they depend on.

use std::fs;
use std::path::{Path, PathBuf};

use vetted::models;
use vetted_tensors::digest::Digest;
use vetted_tensors::replace;

use crate::Error;
use crate::error::writing;

/// A folder of files of single-precision numbers. It may be deleted at any time.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`, or in vetted's own cache folder.
    ///
    /// # Errors
    /// [`Error::Write`] when it cannot be made; [`Error::Models`] when the environment names no cache folder.
    pub fn open(folder: Option<&Path>) -> Result<Cache, Error> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => models::Cache::from_env()?.home.join("audit"),
        };
        fs::create_dir_all(&folder).map_err(writing(&folder))?;
        Ok(Cache { folder })
    }

    /// The numbers that depend on `inputs`: from the last time, if `count` says that there are as many as there should be, or
    /// made now.
    ///
    /// # Errors
    /// Those of `make`; [`Error::Write`] when they cannot be kept.
    pub fn numbers<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a [u8]>,
        count: impl Fn(usize) -> bool,
        make: impl FnOnce() -> Result<Vec<f32>, Error>,
    ) -> Result<Vec<f32>, Error> {
        let mut digest = Digest::default();
        for input in inputs {
            digest.update_delimited(input);
        }
        let path = self.folder.join(digest.hex() + ".f32");
        if let Ok(bytes) = fs::read(&path)
            && bytes.len().is_multiple_of(4)
            && count(bytes.len() / 4)
        {
            return Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        }
        let numbers = make()?;
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        // In one step, so that no other run reads half of it.
        replace(&path, bytes).map_err(writing(&path))?;
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_made_once_for_the_same_inputs() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let cache = Cache::open(Some(folder.path()))?;
        let ask = |inputs: &[&str], make: f32| {
            cache.numbers(inputs.iter().map(|input| input.as_bytes()), |count| count == 2, || Ok(vec![make, -0.5]))
        };
        assert_eq!(ask(&["a", "bc"], 1.0)?, [1.0, -0.5]);
        assert_eq!(ask(&["a", "bc"], 2.0)?, [1.0, -0.5]);
        assert_eq!(ask(&["ab", "c"], 3.0)?, [3.0, -0.5], "where one input ends is part of the key");
        for file in fs::read_dir(folder.path())? {
            fs::write(file?.path(), [0; 7])?;
        }
        assert_eq!(ask(&["a", "bc"], 4.0)?, [4.0, -0.5], "a damaged file is made again");
        Ok(())
    }
}
