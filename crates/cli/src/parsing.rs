//! How the command line and the environment are read, where clap alone would not do.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The arguments, and whether the answer shall be JSON. Ends the program where they make no sense.
pub fn parse<Arguments: Parser>(given: Vec<OsString>) -> (Arguments, bool) {
    let (arguments, json) = parse_from::<Arguments>(given).unwrap_or_else(|error| error.exit());
    if let Some(message) = std::env::var_os(THREADS).and_then(|threads| wrong_threads(&threads.to_string_lossy())) {
        Arguments::command().error(ErrorKind::InvalidValue, message).exit();
    }
    (arguments, json)
}

fn parse_from<Arguments: CommandFactory + FromArgMatches>(
    given: Vec<OsString>,
) -> Result<(Arguments, bool), clap::Error> {
    let program = Arguments::command;
    let matches = match program().try_get_matches_from(given.clone()) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::UnknownArgument => {
            let again =
                texts_last(given).ok_or(()).and_then(|given| program().try_get_matches_from(given).map_err(drop));
            again.map_err(|()| error)?
        }
        Err(error) => return Err(error),
    };
    Ok((Arguments::from_arg_matches(&matches)?, wants_json(&matches)))
}

/// The same arguments, with texts that begin with a hyphen behind `--`. No option has a blank in its name.
fn texts_last(given: Vec<OsString>) -> Option<Vec<OsString>> {
    let is_text = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        let named = argument.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic));
        argument.starts_with('-') && !named && argument.contains(char::is_whitespace)
    };
    if given.iter().any(|argument| argument == "--") {
        return None;
    }
    let (texts, mut rest): (Vec<_>, Vec<_>) = given.into_iter().partition(is_text);
    if texts.is_empty() {
        return None;
    }
    rest.push("--".into());
    rest.extend(texts);
    Some(rest)
}

/// Whether the command that was given has `--json` set.
fn wants_json(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, inner)) => wants_json(inner),
        None => matches.try_get_one("json").ok().flatten().copied().unwrap_or(false),
    }
}

const THREADS: &str = "VETTED_THREADS";

/// What is wrong with the number of threads, if anything is.
fn wrong_threads(threads: &str) -> Option<String> {
    // An empty variable is as good as none.
    let good = threads.trim().is_empty() || threads.trim().parse::<usize>().is_ok_and(|threads| threads > 0);
    (!good).then(|| format!("the environment variable {THREADS} is {threads:?}: it must be a whole number, 1 or more"))
}

/// What `--log` says: a level, or levels by part. Warnings where it says nothing, as an empty variable does.
pub fn log_filter(text: &str) -> Result<Targets, String> {
    let text = if text.trim().is_empty() { "warn" } else { text };
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    for directive in text.split(',').map(str::trim) {
        let good = match directive.split_once('=') {
            Some((part, level)) => !part.is_empty() && is_level(level),
            None => is_level(directive),
        };
        if !good {
            return Err(format!(
                "{directive:?} says nothing: expected off, error, warn, info, debug or trace, or such a level for a part, as \
                 vetted=debug; several with commas between"
            ));
        }
    }
    text.parse().map_err(|error| format!("{error}"))
}

/// A number from `least` to `most`, both included.
pub fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ if most.is_infinite() => Err(format!("it must be a number, {least} or more")),
        _ => Err(format!("it must be a number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    struct Searching {
        #[arg(allow_negative_numbers = true)]
        query: Option<String>,
        #[arg(short, default_value_t = 10, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
        k: u32,
        #[arg(long)]
        filter: Option<String>,
        #[arg(long)]
        json: bool,
    }

    #[test]
    fn a_query_may_begin_with_a_hyphen_and_a_wrong_option_is_still_wrong() {
        let parse = |given: &[&str]| {
            let given = std::iter::once(&"search").chain(given).map(OsString::from).collect();
            parse_from::<Searching>(given).map_err(|error| error.to_string())
        };
        for query in ["-5", "-5 degrees is the limit", "- minus one", "-k is a flag of search, or is it -x"] {
            let got = parse(&[query, "--json"]).map(|(arguments, json)| (arguments.query, json));
            match query.starts_with("-k") {
                // Here the shell's words have another meaning; `--` keeps it apart.
                true => assert!(got.is_err_and(|message| message.contains("is a flag"))),
                false => assert_eq!(got, Ok((Some(query.to_owned()), true))),
            }
        }
        for (given, expected) in [
            (&["-k", "-1", "x"][..], "-1 is not in 1.."),
            (&["--fliter", "price < 1", "x"], "a similar argument exists: '--filter'"),
            (&["--fliter=price < 1", "x"], "a similar argument exists: '--filter'"),
            (&["-5 degrees", "x"], "unexpected argument '-5'"),
        ] {
            let message = parse(given).unwrap_err();
            assert!(message.contains(expected), "{given:?}: {message}");
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for good in ["", "warn", "off", "vetted=debug", "vetted=debug, vetted_retrieval=info", "info,vetted=trace"] {
            assert!(log_filter(good).is_ok(), "{good}");
        }
        for wrong in ["nonsense=", "nonsense", "=debug", "vetted=loud", "warn,"] {
            assert!(log_filter(wrong).is_err_and(|message| message.contains("expected off, error")), "{wrong}");
        }
        for wrong in ["abc", "0", "-1", "1.5"] {
            assert!(wrong_threads(wrong).is_some_and(|message| message.contains("1 or more")), "{wrong}");
        }
        assert_eq!(["2", " 16 ", ""].map(wrong_threads), [None, None, None]);
        for (text, expected) in [("0", true), ("1", true), ("0.5", true), ("2", false), ("-0.1", false), ("NaN", false)]
        {
            assert_eq!(within(text, 0.0, 1.0).is_ok(), expected, "{text}");
        }
        assert_eq!(within("0.5", 1.0, f64::INFINITY), Err("it must be a number, 1 or more".into()));
    }
}
