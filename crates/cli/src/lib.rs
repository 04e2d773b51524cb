//! The `vetted` command line: one file per subcommand under `commands/`. [`run`] is all of a program: `src/bin/vetted.rs` is the
//! one that Cargo builds, and the Python wheel (`python/`) brings another.

mod commands;
#[cfg_attr(not(unix), allow(dead_code))]
mod interruption;
mod log;
mod parsing;
mod progress;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use vetted::wire::{ErrorAnswer, ErrorBody, ErrorKind};

#[cfg(not(all(feature = "serve", feature = "train", feature = "study")))]
use commands::missing::Missing;
use interruption::Interrupted;

/// Two-tier retrieval: recall wide, then vet.
#[derive(Parser)]
#[command(name = "vetted", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    /// What is said on standard error while a command runs: error, warn, info, debug (with the time that each stage took),
    /// trace, or off; also by part, as `vetted=debug,vetted_retrieval=info`
    #[arg(long, global = true, value_name = "FILTER", env = "VETTED_LOG", default_value = "warn", value_parser = parsing::log_filter)]
    log: Targets,
    /// How that is written: as text, or as a JSON object a line
    #[arg(long, global = true, value_enum, env = "VETTED_LOG_FORMAT", default_value = "text", hide_short_help = true)]
    log_format: log::Format,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Every option marked [env: ...] can be set in the environment.

Exit status, of every command: 0 done, whatever was found; 1 failed, and standard error says why; 2 wrong usage; 3 a condition \
that was asked for does not hold: --require-verified of search and verify, --fail-on of verify, --max-drop of audit, \
--max-false-accept and --max-false-reject of calibrate where no threshold keeps them, and the bound that drift looks after; \
130 and 143 interrupted, by Ctrl-C and SIGTERM. `index` and `train` go on from there when run again.

With --json, what went wrong is JSON as well, on standard error: {error: {kind, message}}; kind is invalid-input, not-found, conflict, \
unavailable, damaged or internal.

Begin with `vetted demo`.";

#[derive(Subcommand)]
enum Command {
    /// Search a small corpus that comes with vetted, and see what verification changes
    Demo(commands::demo::Demo),
    /// Add documents to an index
    Index(commands::index::Index),
    /// Bring an index into line with files and folders: add, replace, and remove what is gone
    Sync(commands::sync::Sync),
    /// Search an index
    Search(commands::search::Search),
    /// Print documents of an index
    Get(commands::get::Get),
    /// List the documents of an index
    List(commands::get::List),
    /// Remove documents from an index
    Delete(commands::delete::Delete),
    /// Say what an index holds
    Info(commands::info::Info),
    /// Judge candidates against a query, with reasons
    Verify(commands::verify::Verify),
    /// Find thresholds that keep a bound on wrong accepts, from labeled pairs or logged decisions
    Calibrate(commands::calibrate::Calibrate),
    /// Say whether a calibration's bound still holds, by decisions that were checked
    Drift(commands::drift::Drift),
    /// Answer over HTTP, in the shapes that clients already speak
    #[cfg(feature = "serve")]
    Serve(commands::serve::Serve),
    /// Give an agent tools to search and verify, by the Model Context Protocol
    #[cfg(feature = "serve")]
    Mcp(commands::mcp::Mcp),
    #[cfg(not(feature = "serve"))]
    #[command(name = "serve", alias = "mcp", hide = true)]
    Serving(Missing),
    /// Make labeled pairs out of documents
    #[cfg(feature = "train")]
    Synth(commands::synth::Synth),
    /// Train models
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Train(commands::train::Train),
    /// Write a verifier as an ONNX model
    #[cfg(feature = "train")]
    Export(commands::export::Export),
    #[cfg(not(feature = "train"))]
    #[command(name = "train", aliases = ["synth", "export"], hide = true)]
    Training(Missing),
    /// Say what fine-tuning an encoder cost, and what two tiers would give instead
    #[cfg(feature = "study")]
    Audit(commands::audit::Audit),
    /// List, fetch and register encoders
    #[command(subcommand)]
    Models(commands::models::Models),
    /// Measure on labeled data
    #[cfg(feature = "study")]
    #[command(subcommand)]
    Eval(commands::eval::Eval),
    #[cfg(not(feature = "study"))]
    #[command(name = "eval", alias = "audit", hide = true)]
    Studying(Missing),
    /// Print a script that completes commands in your shell
    Completions(commands::shell::Completions),
    #[command(hide = true)]
    Man(commands::shell::Man),
}

/// Does what the arguments say, of which the first is the program's name. To be called first in a process, and once: it sets up
/// logging, and ends the process itself where the arguments make no sense.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    #[cfg(feature = "train")]
    leave_threads_to_workers();
    let done = |result: Result<()>| result.map(|()| ExitCode::SUCCESS);
    let (Arguments { log, log_format, command }, json) = parsing::parse::<Arguments>(arguments.into_iter().collect());
    log::start(log, log_format);
    #[cfg(feature = "pdf")]
    keep_quiet_about_bad_pdfs();
    let result = match command {
        Command::Demo(command) => done(command.run()),
        Command::Index(command) => done(command.run()),
        Command::Search(command) => command.run(),
        Command::Sync(command) => done(command.run()),
        Command::Get(command) => done(command.run()),
        Command::List(command) => done(command.run()),
        Command::Delete(command) => done(command.run()),
        Command::Info(command) => done(command.run()),
        Command::Verify(command) => command.run(),
        Command::Calibrate(command) => command.run(),
        Command::Drift(command) => command.run(),
        #[cfg(feature = "serve")]
        Command::Serve(command) => done(command.run()),
        #[cfg(feature = "serve")]
        Command::Mcp(command) => done(command.run()),
        #[cfg(not(feature = "serve"))]
        Command::Serving(missing) => Ok(missing.run("serve")),
        #[cfg(feature = "train")]
        Command::Synth(command) => done(command.run()),
        #[cfg(feature = "train")]
        Command::Train(command) => done(command.run()),
        #[cfg(feature = "train")]
        Command::Export(command) => done(command.run()),
        #[cfg(not(feature = "train"))]
        Command::Training(missing) => Ok(missing.run("train")),
        #[cfg(feature = "study")]
        Command::Audit(command) => command.run(),
        Command::Models(command) => done(command.run()),
        #[cfg(feature = "study")]
        Command::Eval(command) => done(command.run()),
        #[cfg(not(feature = "study"))]
        Command::Studying(missing) => Ok(missing.run("study")),
        Command::Completions(command) => done(command.run(Arguments::command())),
        Command::Man(command) => done(command.run(Arguments::command())),
    };
    match result {
        Ok(status) => status,
        // The reader of our output went away, as `head` does.
        Err(error) if terminal::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error, json),
    }
}

/// A panic over a broken PDF is reported as an error of that file, and need not be printed as well.
#[cfg(feature = "pdf")]
fn keep_quiet_about_bad_pdfs() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(vetted::corpus::EXTRACTION_THREAD) {
            print(panic);
        }
    }));
}

/// Says what went wrong, in the form that was asked for.
fn failed(error: &anyhow::Error, json: bool) -> ExitCode {
    let message = terminal::chain(error);
    let interrupted = error.downcast_ref::<Interrupted>();
    if json {
        let kind = if interrupted.is_some() { ErrorKind::Unavailable } else { kind(error) };
        let answer = serde_json::json!(ErrorAnswer { error: ErrorBody { kind, message } });
        eprintln!("{}", terminal::printable_json(&answer.to_string()));
    } else {
        terminal::say(format_args!("{}{message}", if interrupted.is_some() { "" } else { "error: " }));
    }
    interrupted.map_or(ExitCode::FAILURE, |interrupted| interrupted.status().into())
}

/// What kind of thing went wrong, by the first cause that says so. What no library says is about what was given.
fn kind(error: &anyhow::Error) -> ErrorKind {
    let of = |cause: &(dyn std::error::Error + 'static)| {
        #[cfg(feature = "study")]
        if let Some(vetted_study::Error::Engine(error)) = cause.downcast_ref() {
            return Some(error.kind().into());
        }
        if let Some(error) = cause.downcast_ref::<vetted::Error>() {
            return Some(error.kind().into());
        }
        if let Some(error) = cause.downcast_ref::<vetted::calibration::FileError>() {
            return Some(vetted::calibration_kind(error).into());
        }
        match cause.downcast_ref::<vetted::models::Error>() {
            Some(vetted::models::Error::Unavailable { .. }) => return Some(ErrorKind::Unavailable),
            Some(_) => return Some(ErrorKind::NotFound),
            None => {}
        }
        match cause.downcast_ref::<std::io::Error>()?.kind() {
            std::io::ErrorKind::NotFound => Some(ErrorKind::NotFound),
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput | std::io::ErrorKind::UnexpectedEof => {
                Some(ErrorKind::InvalidInput)
            }
            _ => Some(ErrorKind::Unavailable),
        }
    };
    error.chain().find_map(of).unwrap_or(ErrorKind::InvalidInput)
}

/// candle keeps a pool that spins while it waits, beside the trainer's own workers: without it training is 1.6 times as fast
/// (MEASUREMENTS, "Training speed").
#[cfg(feature = "train")]
fn leave_threads_to_workers() {
    const THREADS: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(THREADS).is_none() {
        // SAFETY: the first thing that a program does (see `run`), so no other thread reads the environment.
        unsafe { std::env::set_var(THREADS, "1") };
    }
}
