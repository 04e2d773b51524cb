//! What an index does with a damaged file: the answer says who has to check the file before it is opened.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::Setting;
use crate::index::Kind;

/// Files damaged in each way.
const TRIALS: u64 = 10;
/// Bytes overwritten in one file.
const OVERWRITTEN: usize = 64;

#[derive(Serialize)]
struct Damaged {
    step: &'static str,
    index: String,
    size: usize,
    degree: usize,
    ef_construction: usize,
    damage: &'static str,
    /// Opened and searched as if nothing were wrong.
    unnoticed: u32,
    /// An error that a caller can handle.
    error: u32,
    /// A Rust panic: it ends a thread.
    panic: u32,
    /// A signal: it ends the process.
    crash: u32,
}

/// Damage copies of a saved index; open and search each in a process of its own.
pub fn damage(kind: Kind, setting: &Setting) -> Result<()> {
    type Damage = fn(&mut Vec<u8>, &mut StdRng);
    let ways: [(&str, Damage); 2] =
        [("cut short", cut_short), ("bytes overwritten", |bytes, random| overwrite(bytes, random))];
    for (name, way) in ways {
        let mut record = Damaged {
            step: "damage",
            index: kind.to_string(),
            size: setting.size,
            degree: setting.degree,
            ef_construction: setting.ef_construction,
            damage: name,
            unnoticed: 0,
            error: 0,
            panic: 0,
            crash: 0,
        };
        for seed in 0..TRIALS {
            let scratch = setting.folder(kind).with_extension("damaged");
            let copy = Setting { scratch: Some(scratch.clone()), ..setting.clone() };
            damaged_copy(&setting.folder(kind), &copy.folder(kind), way, seed)?;
            let status = open_and_search(kind, &copy)?;
            *match (status.code(), status.signal()) {
                (Some(0), _) => &mut record.unnoticed,
                (Some(101), _) => &mut record.panic,
                (Some(_), _) => &mut record.error,
                (None, _) => &mut record.crash,
            } += 1;
            fs::remove_dir_all(scratch)?;
        }
        setting.append(&record)?;
    }
    Ok(())
}

fn damaged_copy(from: &Path, to: &Path, way: fn(&mut Vec<u8>, &mut StdRng), seed: u64) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut random = StdRng::seed_from_u64(seed);
    for file in fs::read_dir(from).with_context(|| format!("no index in {}: build it first", from.display()))? {
        let file = file?;
        let mut bytes = fs::read(file.path())?;
        // The side files of this benchmark and LMDB's lock are not the index.
        if bytes.len() > 100_000 && file.file_name() != "vectors.f32" {
            way(&mut bytes, &mut random);
        }
        fs::write(to.join(file.file_name()), bytes)?;
    }
    Ok(())
}

fn cut_short(bytes: &mut Vec<u8>, random: &mut StdRng) {
    bytes.truncate(random.random_range(0..bytes.len()));
}

fn overwrite(bytes: &mut [u8], random: &mut StdRng) {
    for _ in 0..OVERWRITTEN {
        let place = random.random_range(0..bytes.len());
        bytes[place] = random.random();
    }
}

fn open_and_search(kind: Kind, setting: &Setting) -> Result<ExitStatus> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["serve", "--search-only", "--ef-search", "64", "--index", &kind.to_string()])
        .args(["--size", &setting.size.to_string(), "--degree", &setting.degree.to_string()])
        .args(["--ef-construction", &setting.ef_construction.to_string()])
        .args([Path::new("--vectors"), &setting.vectors, Path::new("--out"), Path::new("/dev/null")])
        .args([PathBuf::from("--scratch"), setting.scratch.clone().unwrap_or_default()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?)
}
