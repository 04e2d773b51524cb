//! Digests of files, remembered.

use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use vetted_tensors::digest::{of_bytes, of_file};
use vetted_tensors::replace;

/// [`of_file`], read from `store` if the file has the size and the time of change that it had when `store` learned it.
/// A store that cannot be read or written is as good as an empty one.
pub fn of_file_remembered(path: &Path, store: &Path) -> io::Result<String> {
    let state = |metadata: fs::Metadata| {
        let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        io::Result::Ok(format!("{} {}", metadata.len(), changed.as_nanos()))
    };
    let before = state(fs::metadata(path)?)?;
    let absolute = path.canonicalize()?;
    let memory = store.join(of_bytes(absolute.as_os_str().as_encoded_bytes()));
    let remembered = fs::read_to_string(&memory).unwrap_or_default();
    if let Some((digest, of)) = remembered.split_once(' ')
        && of == before
        && digest.len() == 64
    {
        return Ok(digest.to_owned());
    }
    let digest = of_file(path)?;
    if state(fs::metadata(path)?)? == before {
        let _ = fs::create_dir_all(store).and_then(|()| replace(&memory, format!("{digest} {before}")));
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, store) = (folder.path().join("weights"), folder.path().join("store"));
        fs::write(&file, "abc").unwrap();
        let first = of_file_remembered(&file, &store).unwrap();
        assert_eq!(first, of_bytes(b"abc"));
        let memory = fs::read_dir(&store).unwrap().next().unwrap().unwrap().path();
        let said = fs::read_to_string(&memory).unwrap();
        fs::write(&memory, said.replace(&first, &"0".repeat(64))).unwrap();
        assert_eq!(of_file_remembered(&file, &store).unwrap(), "0".repeat(64));
        fs::write(&file, "abcd").unwrap();
        assert_eq!(of_file_remembered(&file, &store).unwrap(), of_bytes(b"abcd"));
        fs::write(&memory, "garbage").unwrap();
        assert_eq!(of_file_remembered(&file, &store).unwrap(), of_bytes(b"abcd"));
    }
}
