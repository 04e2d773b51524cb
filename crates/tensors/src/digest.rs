//! SHA-256 (FIPS 180-4), written in lower-case hexadecimal.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::Digest as _;

/// SHA-256 of `bytes`.
pub fn of_bytes(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// SHA-256 of a file's content. The file is read in blocks and never in memory as a whole.
///
/// # Errors
/// When the file cannot be read.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Digest::default();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(digest.hex()),
            n => digest.update(&block[..n]),
        }
    }
}

/// A SHA-256 over bytes that come one after the other.
///
/// ```
/// use vetted_tensors::digest::{self, Digest};
///
/// let mut digest = Digest::default();
/// digest.update("a");
/// digest.update("bc");
/// assert_eq!(digest.hex(), digest::of_bytes("abc"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Digest(sha2::Sha256);

impl Digest {
    /// Goes on with `bytes`. Where one call ends and the next begins makes no difference.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// Goes on with the length of `bytes` and then with `bytes` themselves, so that "ab" and "c" differ from "a" and
    /// "bc".
    pub fn update_delimited(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The digest in hexadecimal: 64 characters.
    pub fn hex(self) -> String {
        hex(&self.bytes())
    }

    /// The digest itself.
    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_are_sha256() {
        assert_eq!(of_bytes("abc"), ABC);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(of_file(&file).unwrap(), ABC);
        assert!(of_file(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn delimited_parts_differ_where_they_are_cut() {
        let of = |parts: [&str; 2]| {
            let mut digest = Digest::default();
            parts.iter().for_each(|part| digest.update_delimited(part));
            digest.hex()
        };
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
    }

    proptest! {
        #[test]
        fn pieces_make_the_digest_of_the_whole(bytes: Vec<u8>, cut: prop::sample::Index) {
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut digest = Digest::default();
            digest.update(first);
            digest.update(second);
            prop_assert_eq!(digest.hex(), of_bytes(&bytes));
        }
    }
}
