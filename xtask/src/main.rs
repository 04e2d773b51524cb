//! `cargo xtask dist`: what a release hands out, in `target/dist/`: the stripped program, shell completions, manual pages, and
//! all of it with licences and README in one archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: cargo xtask dist [--features train,study]";

/// What people get without asking for more stays below this: searching, serving, the cache, PDF and Word.
const MOST_BYTES: u64 = 55_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["dist"] => dist(""),
        ["dist", "--features", features] => dist(features),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dist(features: &str) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root).args(["build", "--profile", "dist", "--package", "vetted-cli", "--features", features]);
    run(&mut build)?;

    let program = target.join("dist").join(format!("vetted{}", std::env::consts::EXE_SUFFIX));
    let name = format!("vetted-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
    let out = target.join("dist").join(&name);
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    for folder in ["completions", "man"] {
        fs::create_dir_all(out.join(folder))?;
    }
    fs::copy(&program, out.join(program.file_name().ok_or("the program has no name")?))?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"] {
        fs::copy(root.join(file), out.join(file))?;
    }
    for (shell, file) in
        [("bash", "vetted.bash"), ("zsh", "_vetted"), ("fish", "vetted.fish"), ("powershell", "vetted.ps1")]
    {
        fs::write(out.join("completions").join(file), said(&program, &["completions", shell])?)?;
    }
    fs::write(out.join("man/vetted.1"), said(&program, &["man"])?)?;
    for command in commands(&said(&program, &["--help"])?) {
        fs::write(out.join(format!("man/vetted-{command}.1")), said(&program, &["man", &command])?)?;
    }
    let archive = target.join("dist").join(format!("{name}.tar.gz"));
    run(Command::new("tar").arg("-C").arg(target.join("dist")).arg("-czf").arg(&archive).arg(&name))?;
    let bytes = fs::metadata(&program)?.len();
    println!("{}: {:.1} MB", program.display(), bytes as f64 / 1e6);
    println!("{}: {:.1} MB", archive.display(), fs::metadata(&archive)?.len() as f64 / 1e6);
    if features.is_empty() && bytes > MOST_BYTES {
        return Err(format!(
            "the program has {bytes} bytes: without training and measuring it is to stay below {MOST_BYTES}"
        )
        .into());
    }
    Ok(())
}

/// The commands that `--help` lists.
fn commands(help: &[u8]) -> Vec<String> {
    let help = String::from_utf8_lossy(help);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A command stands two spaces in; what a long description goes on with, further.
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

fn run(command: &mut Command) -> Result<()> {
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?}: {status}").into()),
    }
}

fn said(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{} {arguments:?}: {}", program.display(), output.status).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_read_off_the_help() {
        let help = b"Two tiers\n\nUsage: vetted <COMMAND>\n\nCommands:\n  demo    Index a small\n            corpus\n  index   Add\n  help    Print\n\nOptions:\n  -h\n";
        assert_eq!(commands(help), ["demo", "index"]);
    }
}
