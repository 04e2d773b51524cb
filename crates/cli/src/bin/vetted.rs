//! The program; all of it is in the library beside it, which the Python wheel runs as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    vetted_cli::run(std::env::args_os())
}
