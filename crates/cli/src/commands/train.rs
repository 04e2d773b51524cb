//! `vetted train`: models of one's own.

mod encoder;
mod verifier;

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;
use indicatif::HumanDuration;
use vetted_training::{Error, HeldOut, Progress, Stage};

use crate::interruption::Interruption;
use crate::progress::{Bar, step_bar};
use crate::terminal::{counted, say};

#[derive(Subcommand)]
pub enum Train {
    /// Train a verifier on labeled pairs
    Verifier(verifier::Verifier),
    /// Fine-tune a sentence encoder on triplets (measure with `vetted audit` what that costs)
    Encoder(encoder::Encoder),
}

impl Train {
    pub fn run(self) -> Result<()> {
        match self {
            Train::Verifier(command) => command.run(),
            Train::Encoder(command) => command.run(),
        }
    }
}

/// The bar of a run, with its loss and what it is selected by beside it.
pub struct Shown {
    bar: Option<Bar>,
    interruption: Interruption,
    held_out: Option<HeldOut>,
    /// What the model is selected by, and what it learns from.
    names: [&'static str; 2],
}

impl Shown {
    /// From here on Ctrl-C and SIGTERM end the run with a checkpoint.
    pub fn new(selection: &'static str, examples: &'static str) -> Result<Shown> {
        let interruption = Interruption::listen("this step, with a checkpoint")?;
        Ok(Shown { bar: None, interruption, held_out: None, names: [selection, examples] })
    }

    pub fn update(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.show(progress);
        match self.interruption.is_requested() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// The end of a run that was interrupted, with the signal that did it.
    pub fn ended(&self, error: Error) -> anyhow::Error {
        match error {
            Error::Interrupted { .. } => self.interruption.error(error.to_string()).into(),
            error => error.into(),
        }
    }

    fn show(&mut self, progress: &Progress) {
        let [selection, examples] = self.names;
        let bar = self.bar.get_or_insert_with(|| step_bar(progress.steps as u64));
        bar.set_length(progress.steps as u64);
        bar.set_position(progress.step as u64);
        let stage = match progress.stage {
            Stage::Preparing => "preparing".to_owned(),
            Stage::Resuming if progress.step == progress.steps => {
                return bar.suspend(|| say(format_args!("all {} were taken before", counted(progress.steps, "step"))));
            }
            Stage::Resuming => {
                return bar.suspend(|| say(format_args!("resuming at step {} of {}", progress.step, progress.steps)));
            }
            Stage::Evaluating => "evaluating".to_owned(),
            Stage::Training => {
                let loss = progress.loss.map(|loss| format!("loss {loss:.3}  ")).unwrap_or_default();
                let figure = progress.held_out.and_then(|held_out| held_out.selection());
                let figure = figure.map(|figure| format!("{selection} {figure:.3}  ")).unwrap_or_default();
                let left = HumanDuration(Duration::from_secs_f64(progress.seconds_left.max(0.0)));
                format!("{loss}{figure}{:.0} {examples}/s, {left} left", progress.pairs_per_second)
            }
        };
        // Where no bar is drawn, a log line for every evaluation.
        if bar.is_hidden() && progress.held_out.is_some() && progress.held_out != self.held_out {
            say(format_args!("step {} of {}: {stage}", progress.step, progress.steps));
        }
        self.held_out = progress.held_out;
        bar.set_message(stage);
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
