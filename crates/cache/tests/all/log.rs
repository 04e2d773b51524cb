//! The log: what outlives the process, and what is said of a file that is not as it was written.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use vetted_cache::{Attributes, Backend, BackendError, Entry, EntryId, Memory, MemoryLimits, MemoryNotice, Scope};

use crate::contract::{attributes, entry, exact, nearest, vector};

fn open(folder: &Path) -> (Memory, Vec<MemoryNotice>) {
    Memory::open(folder, MemoryLimits::default()).unwrap()
}

fn scope() -> Scope {
    Scope::new("log")
}

fn numbered(number: usize) -> Entry {
    entry(&scope(), &format!("prompt {number}"), number)
}

/// Which of the first so many are there.
fn there(backend: &dyn Backend, count: usize) -> Vec<usize> {
    let found = |number: &usize| exact(backend, &scope(), &format!("prompt {number}"), &Attributes::new());
    (0..count).filter(|number| found(number).is_some()).collect()
}

#[test]
fn a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, notices) = open(&folder.path().join("made/on/the/way"));
    assert_eq!(notices, []);
    drop(backend);
    let (backend, _) = open(folder.path());
    let second = Scope::new("log").with(Scope::TENANT, "second");
    for number in 0..8 {
        backend.put(&numbered(number)).unwrap();
    }
    backend.put(&entry(&second, "prompt 0", 5)).unwrap();
    let german = Entry { attributes: attributes([("language", "de")]), ..entry(&scope(), "german", 20) };
    backend.put(&german).unwrap();
    let soon = SystemTime::now() + Duration::from_millis(80);
    backend.put(&Entry { expires_at: Some(soon), ..entry(&scope(), "brief", 21) }).unwrap();
    backend.put(&Entry { response: b"new".into(), ..numbered(3) }).unwrap();
    backend.remove(&scope(), &[numbered(1).id, EntryId::new("absent").unwrap()]).unwrap();
    backend.remove_where(&scope(), &german.attributes).unwrap();
    std::thread::sleep(Duration::from_millis(100));

    let none = Attributes::new();
    let check = |backend: &Memory| {
        assert_eq!(there(backend, 10), [0, 2, 3, 4, 5, 6, 7]);
        assert_eq!(exact(backend, &scope(), "prompt 3", &none).unwrap().response, b"new");
        let stored_at = exact(backend, &scope(), "prompt 2", &none).unwrap().stored_at;
        assert_eq!(*exact(backend, &scope(), "prompt 2", &none).unwrap(), Entry { stored_at, ..numbered(2) });
        assert_eq!(exact(backend, &scope(), "german", &none), None);
        assert_eq!(exact(backend, &scope(), "brief", &none), None, "what is over is not served");
        assert_eq!(backend.len(&second).unwrap(), 1);
        assert_eq!(nearest(backend, &scope(), &none, &vector(4), 1)[0].0, "prompt 4");
    };
    check(&backend);
    drop(backend);
    let (backend, notices) = open(folder.path());
    assert_eq!(notices, []);
    check(&backend);

    let before = backend.log_bytes();
    backend.compact().unwrap();
    assert!(backend.log_bytes() < before, "{} of {before} bytes", backend.log_bytes());
    assert_eq!(fs::metadata(folder.path().join("entries.log")).unwrap().len(), backend.log_bytes());
    check(&backend);
    drop(backend);
    let (backend, notices) = open(folder.path());
    assert_eq!(notices, []);
    check(&backend);
    assert_eq!(backend.clear(&scope()).unwrap(), 7);
    drop(backend);
    let (backend, _) = open(folder.path());
    assert_eq!((backend.len(&scope()).unwrap(), backend.len(&second).unwrap()), (0, 1));
}

#[test]
fn what_was_written_beside_a_compaction_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = open(folder.path());
    for number in 0..200 {
        backend.put(&numbered(number)).unwrap();
    }
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for number in 200..500 {
                backend.put(&numbered(number)).unwrap();
                backend.remove(&scope(), &[numbered(number - 200).id]).unwrap();
            }
        });
        while !writer.is_finished() {
            backend.compact().unwrap();
        }
    });
    let expected: Vec<usize> = (300..500).collect();
    assert_eq!(there(&backend, 600), expected);
    drop(backend);
    let (backend, notices) = open(folder.path());
    assert_eq!(notices, []);
    assert_eq!(there(&backend, 600), expected);
}

/// A log that is mostly of what is gone is written anew by itself.
#[test]
fn a_log_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = open(folder.path());
    for round in 0..40 {
        backend.put(&Entry { response: vec![round; 1 << 20], ..numbered(0) }).unwrap();
    }
    drop(backend);
    let length = fs::metadata(folder.path().join("entries.log")).unwrap().len();
    assert!(length < 12 << 20, "{length} bytes for one entry of a mebibyte");
    assert_eq!(
        exact(&open(folder.path()).0, &scope(), "prompt 0", &Attributes::new()).unwrap().response,
        vec![39; 1 << 20]
    );
}

#[test]
fn removed_entries_stay_removed_also_where_they_had_made_room() {
    let folder = tempfile::tempdir().unwrap();
    let limits = MemoryLimits { entries: 3, ..MemoryLimits::default() };
    let (backend, _) = Memory::open(folder.path(), limits).unwrap();
    for number in 0..6 {
        backend.put(&numbered(number)).unwrap();
    }
    // 1 made room and is in the log still.
    assert_eq!(there(&backend, 9), [3, 4, 5]);
    assert_eq!(backend.remove(&scope(), &[numbered(1).id, numbered(4).id]).unwrap(), 1);
    drop(backend);
    let (backend, _) = open(folder.path());
    let found = there(&backend, 9);
    assert!(!found.contains(&1) && !found.contains(&4), "{found:?}");
    assert!(found.contains(&3) && found.contains(&5), "{found:?}");
}

/// Cut off at every byte: all that is before the frame that was cut is there, and the log can be written on.
#[test]
fn a_torn_end_is_cut_off_wherever_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = open(folder.path());
    let log = folder.path().join("entries.log");
    let mut ends = vec![fs::metadata(&log).unwrap().len()];
    for number in 0..3 {
        let small = Entry { vector: Vec::new(), ..numbered(number) };
        backend.put(&small).unwrap();
        ends.push(fs::metadata(&log).unwrap().len());
    }
    drop(backend);
    let whole = fs::read(&log).unwrap();
    assert_eq!(*ends.last().unwrap(), whole.len() as u64);
    for length in ends[0]..=whole.len() as u64 {
        fs::write(&log, &whole[..length as usize]).unwrap();
        let intact = ends.iter().filter(|end| **end <= length).count() - 1;
        let (backend, notices) = open(folder.path());
        assert_eq!(there(&backend, 9), (0..intact).collect::<Vec<_>>(), "cut at {length}");
        match ends.contains(&length) {
            true => assert_eq!(notices, []),
            false => {
                let bytes = length - ends[intact];
                assert_eq!(notices, [MemoryNotice::TailCut { path: log.clone(), at: ends[intact], bytes }]);
            }
        }
        backend.put(&numbered(7)).unwrap();
        drop(backend);
        let (backend, notices) = open(folder.path());
        assert_eq!(notices, []);
        assert!(there(&backend, 9).contains(&7));
    }
    // Without even its own beginning it is no log, and is left alone.
    for length in 0..ends[0] {
        fs::write(&log, &whole[..length as usize]).unwrap();
        let error = Memory::open(folder.path(), MemoryLimits::default()).err().unwrap();
        assert!(matches!(error, BackendError::NotALog { .. }), "{error}");
        assert_eq!(fs::metadata(&log).unwrap().len(), length);
    }
}

/// A byte that changes in the middle is an error, whichever it is; in the last frame it looks like a torn end.
#[test]
fn damage_in_the_middle_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = open(folder.path());
    let log = folder.path().join("entries.log");
    let begin = fs::metadata(&log).unwrap().len() as usize;
    backend.put(&Entry { vector: Vec::new(), ..numbered(0) }).unwrap();
    let first = fs::metadata(&log).unwrap().len() as usize;
    backend.put(&Entry { vector: Vec::new(), ..numbered(1) }).unwrap();
    drop(backend);
    let whole = fs::read(&log).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&log, &damaged).unwrap();
        let opened = Memory::open(folder.path(), MemoryLimits::default());
        if at < first {
            let error = opened.err().unwrap_or_else(|| panic!("a changed byte {at} was not noticed"));
            assert!(matches!(error, BackendError::Damaged { .. } | BackendError::NotALog { .. }), "{error}");
            if at >= begin {
                let message = error.to_string();
                assert!(message.contains(&format!("at byte {begin}")) && message.contains("move it"), "{message}");
            }
            assert_eq!(fs::read(&log).unwrap(), damaged, "the file is left as it is");
        } else {
            let (backend, notices) = opened.unwrap();
            assert_eq!(there(&backend, 9), [0]);
            assert_eq!(notices.len(), 1);
        }
    }
    // A frame that is gone, and bytes that look like nothing before an intact frame.
    for bytes in [[&whole[..begin], &whole[first..]].concat(), [&whole[..first], &[7; 100], &whole[first..]].concat()] {
        fs::write(&log, bytes).unwrap();
        let error = Memory::open(folder.path(), MemoryLimits::default()).err().unwrap();
        assert!(matches!(error, BackendError::Damaged { .. }), "{error}");
    }
}

/// What looks like the log's own frames, in a response that is being written when the process dies, is not damage.
#[test]
fn stored_bytes_cannot_look_like_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (other, _) = open(&folder.path().join("other"));
    other.put(&numbered(0)).unwrap();
    let frames = fs::read(folder.path().join("other/entries.log")).unwrap();
    let own = folder.path().join("own");
    let (backend, _) = open(&own);
    backend.put(&numbered(1)).unwrap();
    let log = own.join("entries.log");
    let before = fs::metadata(&log).unwrap().len();
    backend.put(&Entry { response: frames, ..numbered(2) }).unwrap();
    drop(backend);
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 1]).unwrap();
    let (backend, notices) = open(&own);
    assert_eq!(notices.len(), 1);
    assert_eq!(there(&backend, 9), [1]);
    assert_eq!(backend.log_bytes(), before);
}

#[test]
fn a_folder_is_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = open(folder.path());
    let error = Memory::open(folder.path(), MemoryLimits::default()).err().unwrap();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(backend);
    open(folder.path());
}
