//! SHA-256 in hex, of bytes and of files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

/// SHA-256 of `bytes`.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's content.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&block[..n]),
        }
    }
}

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
        // In one step: another process may be reading.
        let part = memory.with_extension(process::id().to_string());
        let _ = fs::create_dir_all(store)
            .and_then(|()| fs::write(&part, format!("{digest} {before}")))
            .and_then(|()| fs::rename(&part, &memory));
    }
    Ok(digest)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha256() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), abc);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        assert_eq!(of_file(&file).unwrap(), abc);
    }

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
