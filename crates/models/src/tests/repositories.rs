//! Models named by their repository on the hub.

use super::*;
use crate::folder::{Pooling, Prompts};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NAME: &str = "org/tiny";
const MODULES: &str = r#"[{"idx": 0, "type": "sentence_transformers.models.Transformer", "path": ""},
    {"idx": 1, "type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    {"idx": 2, "type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}]"#;
/// As in BAAI/bge-small-en-v1.5.
const CLS: &str = r#"{"word_embedding_dimension": 8, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false,
    "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false}"#;

/// The files of a sentence encoder, and some that are not needed.
fn repository() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (".gitattributes", b"*.bin lfs".to_vec()),
        ("README.md", b"a card".to_vec()),
        ("config.json", CONFIG.into()),
        ("modules.json", MODULES.into()),
        ("1_Pooling/config.json", CLS.into()),
        ("sentence_bert_config.json", br#"{"max_seq_length": 32}"#.to_vec()),
        ("tokenizer.json", b"{}".to_vec()),
        ("model.safetensors", weights()),
        ("pytorch_model.bin", vec![1; 100]),
        ("onnx/model.onnx", vec![2; 100]),
    ]
}

fn with(files: &[(&'static str, &str)]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = repository();
    all.retain(|(path, _)| files.iter().all(|(other, _)| other != path));
    all.extend(files.iter().map(|(path, content)| (*path, content.as_bytes().to_vec())));
    all
}

fn without(paths: &[&str]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = repository();
    all.retain(|(path, _)| !paths.contains(path));
    all
}

fn ensure(cache: &Cache) -> Result<ModelFolder, Error> {
    cache.ensure(NAME, &mut |_| {})
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Unavailable { mut attempts, .. } if attempts.len() == 1 => attempts.remove(0).failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repository_is_fetched_as_far_as_it_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let cache = cache(&home, &hub.address);
    assert!(matches!(cache.resolve(NAME), Err(Error::NotPulled { .. })));
    let folder = ensure(&cache).unwrap();
    assert_eq!(folder.name, NAME);
    assert_eq!((folder.settings.pooling, folder.settings.normalize), (Pooling::Cls, true));
    assert_eq!((folder.settings.max_tokens, folder.settings.prompts.clone()), (32, Prompts::default()));
    let asked = hub.paths();
    assert_eq!(asked.len(), 7, "{asked:?}");
    assert!(asked.iter().all(|path| !path.contains("README") && !path.contains(".bin") && !path.contains(".onnx")));
    assert!(hub.tokens().iter().all(Option::is_none));

    assert_eq!(ensure(&cache).unwrap(), folder);
    assert_eq!(hub.paths().len(), 7, "what is there is not asked for again");
    cache.pull(NAME, Contents::WithOnnx, &mut |_| {}).unwrap();
    assert_eq!(hub.paths()[7..].len(), 2, "the listing and the ONNX file");
    assert!(ensure(&cache).unwrap().weights.onnx.is_some());
    let listed = cache.list().unwrap().pop().unwrap();
    assert_eq!((listed.name.as_str(), listed.state), (NAME, State::Pulled { path: folder.path }));
}

#[test]
#[cfg(unix)]
fn the_cache_has_the_layout_of_huggingface_hub() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let cache = cache(&home, &hub.address);
    let folder = ensure(&cache).unwrap();
    let repository = cache.hub_cache.join("models--org--tiny");
    assert_eq!(folder.path, repository.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(repository.join("refs/main")).unwrap(), COMMIT);
    let large = digest::of_bytes(weights());
    let link = |path: &str| fs::read_link(folder.path.join(path)).unwrap();
    assert_eq!(link("model.safetensors"), Path::new("../../blobs").join(&large));
    assert_eq!(link("1_Pooling/config.json"), Path::new("../../../blobs").join(&digest::of_bytes(CLS)[..40]));
    assert!(fs::read(repository.join("blobs").join(large)).unwrap() == weights());
    let absent = tree(&repository.join(".no_exist").join(COMMIT));
    assert_eq!(absent, ["config_sentence_transformers.json", "tokenizer_config.json"]);
    assert!(!tree(&repository.join("blobs")).iter().any(|file| file.contains("incomplete")));
}

/// Python's own library finds the files and knows what is absent. To run it: `python3 -m venv VENV`,
/// `VENV/bin/pip install huggingface_hub` (2.4.0 when this was last done), `VETTED_TEST_HUGGINGFACE_HUB=VENV/bin/python`.
#[test]
fn huggingface_hub_finds_what_was_fetched() {
    let Some(python) = std::env::var_os("VETTED_TEST_HUGGINGFACE_HUB") else {
        eprintln!("skipped: VETTED_TEST_HUGGINGFACE_HUB names no Python with huggingface_hub");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let cache = cache(&home, &hub.address);
    ensure(&cache).unwrap();
    let program = r#"
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache, _CACHED_NO_EXIST
for name in ["config.json", "modules.json", "1_Pooling/config.json", "tokenizer.json", "model.safetensors"]:
    path = try_to_load_from_cache("org/tiny", name)
    assert isinstance(path, str) and open(path, "rb").read(), name
    assert hf_hub_download("org/tiny", name, local_files_only=True) == path
assert try_to_load_from_cache("org/tiny", "config_sentence_transformers.json") is _CACHED_NO_EXIST
assert try_to_load_from_cache("org/tiny", "README.md") is None
(repo,) = scan_cache_dir().repos
assert repo.repo_id == "org/tiny" and not scan_cache_dir().warnings, scan_cache_dir().warnings
assert repo.refs["main"].commit_hash == "0123456789abcdef0123456789abcdef01234567"
"#;
    let mut command = std::process::Command::new(python);
    let output = command.args(["-c", program]).env("HF_HUB_CACHE", &cache.hub_cache).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_python_fetched_is_used_if_it_is_all() {
    let home = tempfile::tempdir().unwrap();
    let offline = Cache { network: Network::Off, ..cache(&home, "http://127.0.0.1:1") };
    let repository = offline.hub_cache.join("models--org--tiny");
    let snapshot = repository.join("snapshots").join(COMMIT);
    let write = |path: &Path, content: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write(&repository.join("refs/main"), COMMIT.as_bytes());
    // As `transformers` does, which looks for no sentence encoder: its pooling would be wrong.
    for (path, content) in files().into_iter().filter(|(path, _)| !path.contains("Pooling")) {
        write(&snapshot.join(path), &content);
    }
    assert!(matches!(offline.resolve(NAME), Err(Error::NotPulled { .. })));
    assert!(matches!(failure(ensure(&offline).unwrap_err()), Failure::SwitchedOff { variable: "VETTED_OFFLINE" }));
    // As `snapshot_download` does.
    write(&snapshot.join(".gitattributes"), b"");
    assert_eq!(ensure(&offline).unwrap().settings.pooling, Pooling::Mean);
    fs::remove_file(snapshot.join(".gitattributes")).unwrap();
    // As `sentence-transformers` does.
    for path in ["config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json"] {
        write(&repository.join(".no_exist").join(COMMIT).join(path), b"");
    }
    write(&snapshot.join("modules.json"), MODULES.as_bytes());
    assert!(matches!(offline.resolve(NAME), Err(Error::NotPulled { .. })), "the pooling is not there");
    write(&snapshot.join("1_Pooling/config.json"), CLS.as_bytes());
    assert_eq!(offline.resolve(NAME).unwrap().settings.pooling, Pooling::Cls);
    assert_eq!(offline.resolve(&format!("{NAME}@{COMMIT}")).unwrap().path, snapshot);
    assert!(matches!(offline.resolve("org/tiny@v2"), Err(Error::NotPulled { .. })));
}

#[test]
fn a_transfer_that_broke_off_is_taken_up() {
    let home = tempfile::tempdir().unwrap();
    let breaks = [&[Answer::Serve; 6][..], &[Answer::BreakAfter(1000); 5]].concat();
    let hub = Hub::with_repository(COMMIT, &repository(), &breaks);
    let broken = failure(ensure(&cache(&home, &hub.address)).unwrap_err());
    assert!(matches!(broken, Failure::Interrupted { bytes: 5000, total: 300_000, .. }), "{broken:?}");
    assert!(!home.path().join("hub/models--org--tiny/refs").exists(), "the revision is remembered last");

    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let folder = ensure(&cache(&home, &hub.address)).unwrap();
    assert!(fs::read(folder.path.join("model.safetensors")).unwrap() == weights());
    let asked: Vec<_> = hub.requests().iter().map(|(_, from)| *from).collect();
    assert_eq!(asked, [0, 5000], "the listing, then the rest of the weights");
}

#[test]
fn what_an_earlier_transfer_left_is_checked() {
    let home = tempfile::tempdir().unwrap();
    let blobs = home.path().join("hub/models--org--tiny/blobs");
    fs::create_dir_all(&blobs).unwrap();
    // Of a large file the digest is known, of a small one the length.
    let left = |etag: &str, bytes: usize| fs::write(blobs.join(format!("{etag}.incomplete")), vec![7; bytes]).unwrap();
    left(&digest::of_bytes(weights()), 1000);
    left(&digest::of_bytes(CONFIG)[..40], CONFIG.len() + 1);
    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let folder = ensure(&cache(&home, &hub.address)).unwrap();
    assert!(fs::read(folder.path.join("model.safetensors")).unwrap() == weights());
    assert_eq!(fs::read_to_string(folder.path.join("config.json")).unwrap(), CONFIG);
    assert_eq!(hub.requests()[6..].iter().map(|(_, from)| *from).collect::<Vec<_>>(), [1000, 0]);
}

#[test]
fn names_that_the_hub_does_not_have_are_told_from_those_it_refuses() {
    let home = tempfile::tempdir().unwrap();
    let token = Token::new("hf_secret");
    let ask = |answers: &[Answer], token: Option<Token>, name: &str| {
        let hub = Hub::with_repository(COMMIT, &repository(), answers);
        // A Python that cannot be run would show itself if pip were asked.
        let cache = Cache { token, ..cache(&home, &hub.address) };
        let error = cache.ensure(name, &mut |_| {}).unwrap_err();
        let message = error.to_string();
        assert!(!message.contains("hf_secret") && !message.contains("package index"), "{message}");
        (failure(error), message, hub)
    };
    for (answers, name) in [
        (&[][..], "org/typo"),
        (&[Answer::Refuse(401, "RepoNotFound")], NAME),
        (&[Answer::Refuse(404, "RepoNotFound")], NAME),
    ] {
        let (found, message, _) = ask(answers, None, name);
        assert!(matches!(found, Failure::NoSuchRepository { .. }), "{found:?}");
        assert!(message.contains("check the spelling") && message.contains("HF_TOKEN"), "{message}");
    }
    let (found, ..) = ask(&[Answer::Refuse(404, "RevisionNotFound")], None, "org/tiny@v9");
    assert!(matches!(found, Failure::NoSuchRevision { ref revision, .. } if revision == "v9"), "{found:?}");

    for answer in [Answer::Status(401), Answer::Refuse(403, "GatedRepo"), Answer::Refuse(401, "GatedRepo")] {
        let (found, message, hub) = ask(&[answer], None, NAME);
        assert!(matches!(found, Failure::Refused { with_token: false, .. }), "{found:?}");
        assert!(message.contains("HF_TOKEN") && message.contains("huggingface.co/org/tiny"), "{message}");
        assert_eq!(hub.tokens(), [None]);
    }
    // The listing of a gated repository is public, its files are not.
    let (found, message, hub) = ask(&[Answer::Serve, Answer::Refuse(403, "GatedRepo")], token, NAME);
    assert!(matches!(found, Failure::Refused { with_token: true, .. }), "{found:?}");
    assert!(message.contains("the token at hand does not open it"), "{message}");
    assert_eq!(hub.tokens(), [Some("Bearer hf_secret".to_owned()), Some("Bearer hf_secret".to_owned())]);
    let (found, ..) = ask(&[Answer::Status(500)], None, NAME);
    assert!(matches!(found, Failure::Status { status: 500, .. }), "{found:?}");
}

#[test]
fn the_token_stays_with_the_hub() {
    let home = tempfile::tempdir().unwrap();
    let redirected = [&[Answer::Serve; 6][..], &[Answer::Redirect]].concat();
    let hub = Hub::with_repository(COMMIT, &repository(), &redirected);
    ensure(&Cache { token: Token::new("hf_secret"), ..cache(&home, &hub.address) }).unwrap();
    let tokens = hub.tokens();
    assert_eq!(tokens.len(), 8);
    assert!(tokens[..7].iter().all(Option::is_some) && tokens[7].is_none(), "{tokens:?}");
}

#[test]
fn a_hub_that_cannot_be_reached_leaves_what_is_there() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository(COMMIT, &repository(), &[]);
    let folder = ensure(&cache(&home, &hub.address)).unwrap();
    let away = cache(&home, "http://127.0.0.1:1");
    let mut failed = 0;
    let pulled = away.pull(NAME, Contents::Base, &mut |progress| {
        failed += usize::from(matches!(progress, Progress::SourceFailed(_)));
    });
    assert_eq!((pulled.unwrap(), failed), (folder, 1));
    let start = Instant::now();
    let found = failure(away.ensure("org/other", &mut |_| {}).unwrap_err());
    assert!(matches!(found, Failure::Unreachable { .. }), "{found:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    let pip = Cache { sources: Sources::Pip, ..away };
    assert!(matches!(failure(pip.ensure("org/other", &mut |_| {}).unwrap_err()), Failure::NotPackaged));
}

#[test]
fn a_pull_brings_the_newest_commit_and_a_revision_its_own() {
    let home = tempfile::tempdir().unwrap();
    let newer = "fedcba9876543210fedcba9876543210fedcba98";
    ensure(&cache(&home, &Hub::with_repository(COMMIT, &repository(), &[]).address)).unwrap();
    let hub = Hub::with_repository(newer, &with(&[("README.md", "newer")]), &[]);
    let cache = cache(&home, &hub.address);
    assert!(ensure(&cache).unwrap().path.ends_with(COMMIT));
    assert!(cache.pull(NAME, Contents::Base, &mut |_| {}).unwrap().path.ends_with(newer));
    assert_eq!(hub.paths().len(), 1, "the contents are there already");
    let old = cache.resolve(&format!("{NAME}@{COMMIT}")).unwrap();
    assert!(old.path.ends_with(COMMIT) && old.name.ends_with(COMMIT));
    let branch = cache.ensure("org/tiny@refs/pr/1", &mut |_| {}).unwrap();
    assert!(branch.path.ends_with(newer));
    assert!(home.path().join("hub/models--org--tiny/refs/refs/pr/1").is_file());
}

#[test]
fn repositories_that_cannot_be_used_are_refused_before_their_weights_come() {
    let modern = r#"{"model_type": "modernbert", "hidden_size": 8}"#;
    let dense = r#"[{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"},
        {"type": "x.Dense", "path": "2_Dense"}]"#;
    let outside = r#"[{"type": "x.Transformer", "path": "../../.."}]"#;
    let weights = ["model.safetensors", "onnx/model.onnx"];
    for (files, message) in [
        (without(&["config.json"]), "the repository org/tiny has no config.json"),
        (without(&["tokenizer.json"]), "has no tokenizer.json"),
        (without(&weights), "pytorch_model.bin, a pickle"),
        (
            without(&["model.safetensors", "onnx/model.onnx", "pytorch_model.bin"]),
            "choose a model that has one of them",
        ),
        (
            [without(&weights), vec![("model.safetensors.index.json", b"{}".to_vec())]].concat(),
            "its weights are sharded",
        ),
        (with(&[("config.json", r#"{"model_type": "llama"}"#)]), "generating model"),
        (with(&[("modules.json", dense)]), "Dense"),
        (with(&[("modules.json", outside)]), "no plain path inside the model"),
        (without(&["1_Pooling/config.json"]), "refers to"),
        (
            [with(&[("config.json", modern)])].concat().into_iter().filter(|(path, _)| *path != weights[1]).collect(),
            "has no onnx/model.onnx; networks of this type run from ONNX only",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let hub = Hub::with_repository(COMMIT, &files, &[]);
        let error = ensure(&cache(&home, &hub.address)).unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
        assert!(hub.paths().iter().all(|path| !path.ends_with("safetensors")), "{message}: {:?}", hub.paths());
    }
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository(COMMIT, &with(&[("config.json", modern)]), &[]);
    let folder = ensure(&cache(&home, &hub.address)).unwrap();
    assert_eq!((folder.weights.safetensors, folder.weights.onnx.is_some()), (None, true));
}

#[test]
fn a_listing_that_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::with_repository("../../elsewhere", &repository(), &[]);
    let found = failure(ensure(&cache(&home, &hub.address)).unwrap_err());
    assert!(matches!(found, Failure::BadAnswer { .. }), "{found:?}");
    assert!(found.to_string().contains("HF_ENDPOINT"), "{found}");
}

#[test]
fn prompts_are_the_folders_own_or_else_the_familys() {
    let home = tempfile::tempdir().unwrap();
    let cache = Cache { network: Network::Off, ..cache(&home, "") };
    let e5 = "intfloat/e5-base-v2";
    let snapshot = cache.hub_cache.join("models--intfloat--e5-base-v2/snapshots").join(COMMIT);
    for (path, content) in repository() {
        let path = snapshot.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let name = format!("{e5}@{COMMIT}");
    let prompts = || {
        let Prompts { query, document } = cache.resolve(&name).unwrap().settings.prompts;
        [query, document]
    };
    assert_eq!(prompts(), ["query: ", "passage: "]);
    let says = |content: &str| fs::write(snapshot.join("config_sentence_transformers.json"), content).unwrap();
    says(r#"{"__version__": {"transformers": "4.28.1"}}"#);
    assert_eq!(prompts(), ["query: ", "passage: "]);
    says(r#"{"prompts": {"query": "Q: "}}"#);
    assert_eq!(prompts(), ["Q: ", ""]);
    says(r#"{"prompts": {"query": "", "document": ""}}"#);
    assert_eq!(prompts(), ["", ""], "said to be empty");
    // The same folder by its path has no family.
    says("{}");
    assert_eq!(cache.resolve(snapshot.to_str().unwrap()).unwrap().settings.prompts, Prompts::default());
    let resolved = cache.resolve(&name).unwrap();
    let own = resolved.clone().with_prompts(Prompts::default());
    assert_ne!(resolved.fingerprint().unwrap(), own.fingerprint().unwrap());
}
