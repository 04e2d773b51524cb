//! What a shell and `man` need to know of the program.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

/// Prints a script that completes commands and options: for bash, put `source <(vetted completions bash)` into ~/.bashrc.
#[derive(Args)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self, mut program: Command) -> Result<()> {
        // Into memory first: the generator panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "vetted", &mut script);
        stdout().write_all(&script)?;
        Ok(())
    }
}

/// Prints the manual page, of the program or of one of its commands, in troff.
#[derive(Args)]
pub struct Man {
    /// A command, as in `eval pairs` [default: the program]
    command: Vec<String>,
}

impl Man {
    pub fn run(self, mut program: Command) -> Result<()> {
        program.build(); // gives commands their full names
        let mut found = &program;
        for part in &self.command {
            let inner = found.find_subcommand(part);
            found = inner.with_context(|| format!("{} has no command {part}", found.get_name()))?;
        }
        clap_mangen::Man::new(found.clone()).render(&mut stdout())?;
        Ok(())
    }
}
