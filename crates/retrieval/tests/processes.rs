//! Several processes, and processes that die. A test starts itself anew as a child, which a variable in the environment
//! tells what to do.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{check, entries, entry, id, manifest, vector};
use vetted_retrieval::{Error, Index, Notice, Query, Settings};

const ROLE: &str = "VETTED_TEST_ROLE";
const FOLDER: &str = "VETTED_TEST_FOLDER";

/// Starts the test `name` of this file again, in a process of its own, in the given role.
fn start(name: &str, role: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// In a child, its role and folder.
fn role() -> Option<(String, std::path::PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(FOLDER)?.into()))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "child: {line}").and_then(|()| out.flush()).unwrap();
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once("child: ").map(|(_, said)| said.to_owned()))
}

const BATCH: usize = 16;

/// So few passages that `finish` makes a graph nearly every time.
fn with_graph() -> Settings {
    Settings::default().graph_from(100)
}

/// What batch `step` does: writes the documents of a slot in the version of its round, and in every fourth step deletes
/// the first document of the slot before.
fn step_documents(step: usize) -> (Vec<vetted_retrieval::Entry>, Option<String>) {
    let (slot, version) = (step % 20, step / 20);
    let written = (slot * BATCH..(slot + 1) * BATCH).map(|number| entry(number, version)).collect();
    let deleted = (step % 4 == 3).then(|| id((slot - 1) * BATCH));
    (written, deleted)
}

/// What documents there are after so many steps: by number, the version.
fn after(steps: usize) -> Vec<Option<usize>> {
    let mut versions = vec![None; 20 * BATCH];
    for step in 0..steps {
        let (slot, version) = (step % 20, step / 20);
        versions[slot * BATCH..(slot + 1) * BATCH].fill(Some(version));
        if step % 4 == 3 {
            versions[(slot - 1) * BATCH] = None;
        }
    }
    versions
}

fn holds(index: &Index, versions: &[Option<usize>]) -> bool {
    index.len().unwrap() == versions.iter().flatten().count()
        && versions.iter().enumerate().all(|(number, version)| {
            let expected = version.map(|version| entry(number, version).document);
            index.get(&id(number)).unwrap() == expected
        })
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "a_killed_writer_loses_nothing_that_was_acknowledged";
    if let Some((start, folder)) = role() {
        // In a child: write until killed. Searches and `finish` make the text index and its merges part of it, and the
        // graph of the vectors.
        let index = Index::open_writable_with(&folder, with_graph()).unwrap();
        for step in start.parse::<usize>().unwrap().. {
            let (written, deleted) = step_documents(step);
            index.upsert(written).unwrap();
            say(&format!("upserted {step}"));
            if let Some(deleted) = deleted {
                index.delete(&[deleted]).unwrap();
                say(&format!("deleted {step}"));
            }
            match step % 5 {
                1 => drop(index.search(&Query::hybrid("winter", &vector(step))).unwrap()),
                4 => index.finish().unwrap(),
                _ => {}
            }
        }
        return;
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    drop(Index::create(&path, manifest()).unwrap());
    // Seeded by the clock: every run kills at other moments, and says at which if it fails.
    let mut random = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) << 20;
    let (mut done, mut kills_at_work, mut lag, mut graphs) = (0, 0, 0, 0);
    // On a busy machine it takes more kills, later ones, until each of the cases has come.
    for round in 0..100 {
        if round >= 25 && kills_at_work > 5 && lag > 0 && graphs > 0 {
            break;
        }
        let mut child = start(NAME, &done.to_string(), &path);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Ever later, so that on a slow machine too some come after all that a child does.
        let wait = Duration::from_micros(5_000 + (random >> 33) % (100_000 + 15_000 * round));
        let said = lines(&mut child);
        let reader = std::thread::spawn(move || said.collect::<Vec<_>>());
        std::thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reader.join().unwrap();
        kills_at_work += usize::from(!said.is_empty());

        // A step counts when the last of its parts is acknowledged. The one under way may be there or not, in parts.
        let complete = |step: usize| if step % 4 == 3 { format!("deleted {step}") } else { format!("upserted {step}") };
        while said.contains(&complete(done)) {
            done += 1;
        }
        let reading = round % 2 == 0;
        let index = if reading { Index::open_with } else { Index::open_writable_with }(&path, with_graph()).unwrap();
        let upserted_only = {
            let mut versions = after(done + 1);
            if done % 4 == 3 {
                versions[(done % 20 - 1) * BATCH] = after(done)[(done % 20 - 1) * BATCH];
            }
            versions
        };
        let found = [after(done), upserted_only, after(done + 1)].into_iter().position(|it| holds(&index, &it));
        let acknowledged_in_part = said.contains(&format!("upserted {done}"));
        assert!(
            matches!((found, acknowledged_in_part), (Some(1 | 2), _) | (Some(0), false)),
            "round {round}, killed after {wait:?}: {done} steps were acknowledged, found state {found:?}"
        );
        check(&index);
        let notices = index.notices();
        lag += usize::from(notices.iter().any(|it| matches!(it, Notice::TextCaughtUp { .. })));
        let graph = std::fs::exists(path.join("vectors/graph")).unwrap();
        let unusable = notices.iter().any(|it| matches!(it, Notice::GraphUnusable { .. }));
        assert!(!graph || !unusable, "round {round}, killed after {wait:?}: {notices:?}");
        graphs += usize::from(graph);
    }
    // If no kill hit a writer at work, or none left the text index behind or came after a graph, nothing was tested.
    assert!(
        kills_at_work > 5 && lag > 0 && graphs > 0,
        "{kills_at_work} kills at work, {lag} with a late text index, {graphs} with a graph"
    );
}

#[test]
fn others_search_while_one_writes() {
    const NAME: &str = "others_search_while_one_writes";
    if let Some((role, folder)) = role() {
        match role.as_str() {
            "second writer" => {
                let begun = Instant::now();
                let error = Index::open_writable(&folder).err().unwrap();
                say(&format!("{} ms: {error}", begun.elapsed().as_millis()));
            }
            _ => {
                let index = Index::open_with(&folder, with_graph()).unwrap();
                say("ready");
                for asked in std::io::stdin().lines() {
                    let query = vector(0);
                    let dense = index.search(&Query::dense(&query).k(10_000)).unwrap().len();
                    let bm25 = index.search(&Query::bm25(&asked.unwrap()).k(10_000)).unwrap().len();
                    say(&format!("{dense} {bm25} {:?}", index.notices()));
                }
            }
        }
        return;
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = Index::create_with(&path, manifest(), with_graph()).unwrap();
    index.upsert(entries(0..100)).unwrap();
    index.finish().unwrap();

    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([NAME, "--exact", "--nocapture"]).env(ROLE, "reader").env(FOLDER, &path);
    let mut reader = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut answers = lines(&mut reader);
    let mut questions = reader.stdin.take().unwrap();
    assert_eq!(answers.next().as_deref(), Some("ready"));
    let mut found = || {
        writeln!(questions, "version0").unwrap();
        answers.next().unwrap()
    };
    assert_eq!(found(), "100 100 []");
    index.upsert(entries(100..150)).unwrap();
    index.delete(&[id(0), id(1)]).unwrap();
    assert_eq!(found(), "148 148 []", "what the text index on disk lacks is found as well");
    index.finish().unwrap();
    assert_eq!(found(), "148 148 []");
    index.upsert((10..20).map(|number| entry(number, 1)).collect()).unwrap();
    assert_eq!(found(), "148 138 []");
    // Documents that came and went between two looks, and more transactions than the log has room for.
    for round in 0..1100 {
        index.upsert(vec![entry(1000 + round % 3, 0)]).unwrap();
    }
    index.delete(&[id(1000), id(20)]).unwrap();
    assert_eq!(found(), "149 139 []");
    index.upsert(entries([1000])).unwrap();
    index.delete(&[id(1000)]).unwrap();
    index.finish().unwrap();
    assert_eq!(found(), "149 139 []");

    let mut second = start(NAME, "second writer", &path);
    let said = lines(&mut second).next().unwrap();
    second.wait().unwrap();
    let (milliseconds, message) = said.split_once(" ms: ").unwrap();
    assert!(milliseconds.parse::<u64>().unwrap() < 1000, "{said}");
    assert!(message.contains(&format!("is being written to by process {}", std::process::id())), "{said}");
    drop(index);
    drop(Index::open_writable(&path).unwrap());
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "a_full_disk_loses_nothing_that_was_acknowledged";
    if let Some((_, folder)) = role() {
        let index = Index::open_writable(&folder).unwrap();
        for batch in 0.. {
            // Before and after a batch, so that all of it is in memory when one fails.
            index.search(&Query::hybrid("winter", &vector(batch))).unwrap();
            match index.upsert(entries(batch * 100..(batch + 1) * 100)) {
                Ok(_) => say(&format!("upserted {batch}")),
                Err(error) => {
                    check(&index);
                    assert_eq!(index.len().unwrap(), batch * 100);
                    // The failed batch is in no search's sight, and searches go on.
                    let query = vector(0);
                    for query in [Query::dense(&query), Query::bm25("version0"), Query::hybrid("version0", &query)] {
                        assert_eq!(index.search(&query.k(100_000)).unwrap().len(), batch * 100);
                    }
                    say(&format!("failed {}: {error}", matches!(error, Error::DiskFull { .. })));
                    break;
                }
            }
        }
        return;
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    drop(Index::create(&path, manifest()).unwrap());
    // A limit on the size of files stands in for a disk that is full: `ulimit -f` counts blocks of 1024 bytes.
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    shell.args([NAME, "--exact", "--nocapture"]).env(ROLE, "writer").env(FOLDER, &path);
    let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
    let said: Vec<_> = lines(&mut child).collect();
    assert!(child.wait().unwrap().success(), "{said:?}");
    let (failed, upserted) = said.split_last().unwrap();
    assert!(failed.starts_with("failed true: "), "{failed}");
    assert!(!upserted.is_empty());
    let index = Index::open_writable(&path).unwrap();
    assert_eq!(index.len().unwrap(), upserted.len() * 100);
    index.upsert(entries(10_000..10_100)).unwrap();
    check(&index);
}
