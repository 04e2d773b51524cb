//! Commands that this binary was built without.

use std::process::ExitCode;

use clap::Args;

/// Takes whatever the command would have taken.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct Missing {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

impl Missing {
    /// Says which feature has the command.
    pub fn run(self, feature: &str) -> ExitCode {
        eprintln!(
            "error: this vetted was built without `{feature}`: run `cargo install --path crates/cli --features {feature}`, or \
             `cargo run --release --features {feature} -- ...`"
        );
        WRONG_USAGE.into()
    }
}

/// The exit status of commands that there are not, as clap has it.
const WRONG_USAGE: u8 = 2;
