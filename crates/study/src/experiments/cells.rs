//! What was measured, one JSON file for each thing, so that a study that was stopped goes on where it was.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vetted_tensors::replace;

use crate::Error;
use crate::error::{During, reading, writing};
use crate::watch::{Event, Watch};

/// A folder of cells of one kind.
pub struct Cells {
    folder: PathBuf,
}

/// A cell's file.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    /// Everything that the figures depend on.
    settings: Value,
    figures: T,
}

impl Cells {
    /// The cells of a kind in a study's folder of work.
    pub fn open(work: &Path, kind: &str) -> Result<Cells, Error> {
        let folder = work.join("cells").join(kind);
        fs::create_dir_all(&folder).map_err(writing(&folder))?;
        Ok(Cells { folder })
    }

    /// The figures called `name`: from the last time, if they depend on equal settings, or made now.
    pub fn figures<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        settings: Value,
        watch: Watch<'_>,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = self.folder.join(format!("{name}.json"));
        if let Some(kept) = read::<T>(&path)?.filter(|kept| kept.settings == settings) {
            watch(Event::Note(&format!("{name}: kept")));
            return Ok(kept.figures);
        }
        watch(Event::Note(&format!("{name}: measuring")));
        let start = std::time::Instant::now();
        let kept = Kept { settings, figures: make().during(|| name.to_owned())? };
        let written = serde_json::to_string(&kept).map_err(Into::into).and_then(|json| replace(&path, json));
        written.map_err(writing(&path))?;
        watch(Event::Note(&format!("{name}: done in {:.0} s", start.elapsed().as_secs_f64())));
        Ok(kept.figures)
    }

    /// The figures of every cell there is, by name.
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let entries = fs::read_dir(&self.folder).map_err(reading(&self.folder))?;
        let mut paths =
            entries.map(|entry| Ok(entry.map_err(reading(&self.folder))?.path())).collect::<Result<Vec<_>, Error>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let figures = paths.iter().map(|path| Ok(read::<T>(path)?.map(|kept| kept.figures)));
        Ok(figures.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<Kept<T>>, Error> {
    let json = match fs::read(path) {
        Ok(json) => json,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(reading(path)(error)),
    };
    serde_json::from_slice(&json).map(Some).map_err(|source| Error::Cell { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silent;

    #[test]
    fn a_cell_is_measured_once_for_equal_settings() {
        let work = tempfile::tempdir().unwrap();
        let cells = Cells::open(work.path(), "encoders").unwrap();
        let mut made = 0;
        let mut ask = |name: &str, seed: u64| {
            let make = || {
                made += 1;
                Ok(vec![made as f64])
            };
            cells.figures::<Vec<f64>>(name, serde_json::json!({ "seed": seed }), &silent, make).unwrap()
        };
        assert_eq!(ask("a", 1), [1.0]);
        assert_eq!(ask("a", 1), [1.0]);
        assert_eq!(ask("a", 2), [2.0], "other settings are measured again");
        assert_eq!(ask("b", 2), [3.0]);
        assert_eq!(cells.all::<Vec<f64>>().unwrap(), [[2.0], [3.0]]);
        fs::write(work.path().join("cells/encoders/c.json"), "{}").unwrap();
        let Err(error) = cells.all::<Vec<f64>>() else { panic!("it was read") };
        assert!(format!("{error:#}").contains("c.json is no cell of this version"), "{error:#}");
    }

    #[test]
    fn what_fails_is_not_kept() {
        let work = tempfile::tempdir().unwrap();
        let cells = Cells::open(work.path(), "encoders").unwrap();
        let failed = cells.figures::<f64>("a", Value::Null, &silent, || Err(Error::NoSuchSet));
        assert_eq!(failed.unwrap_err().to_string(), "a: --fixes-on names no folder of --data");
        assert!(cells.all::<f64>().unwrap().is_empty());
    }
}
