//! Clocks and meters of the current process, from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

/// Wall time and this process' CPU time. The latter says what the work costs when other processes want the same cores.
pub struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    pub fn start() -> Self {
        Self { cpu: cpu_seconds().unwrap_or(f64::NAN), wall: Instant::now() }
    }

    /// Seconds since the start: wall, CPU.
    pub fn stop(self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), cpu_seconds().unwrap_or(f64::NAN) - self.cpu)
    }
}

/// User and system time of all threads so far. `/proc/self/stat` counts in hundredths of a second (proc_pid_stat(5)).
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the name, may hold spaces; it ends with the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// Seconds that the calling thread has had a core, to the nanosecond (`/proc/PID/schedstat`, Documentation/scheduler).
pub fn thread_cpu_seconds() -> Result<f64> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = schedstat.split_whitespace().next().context("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// Resident memory in MB (10^6 bytes): allocated, and mapped from files.
pub fn resident_megabytes() -> Result<(f64, f64)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line =
            status.lines().find(|line| line.starts_with(name)).with_context(|| format!("/proc has no {name}"))?;
        let kibibytes: f64 = line.split_whitespace().nth(1).context("/proc/self/status is malformed")?.parse()?;
        anyhow::Ok(kibibytes * 1024.0 / 1e6)
    };
    Ok((field("RssAnon:")?, field("RssFile:")?))
}

/// Size of all files of a folder, in MB. Blocks, not lengths: LMDB's files are sparse.
pub fn folder_megabytes(folder: &Path) -> Result<f64> {
    use std::os::unix::fs::MetadataExt;
    let mut blocks = 0;
    for entry in fs::read_dir(folder)? {
        blocks += entry?.metadata()?.blocks();
    }
    Ok(blocks as f64 * 512.0 / 1e6)
}
