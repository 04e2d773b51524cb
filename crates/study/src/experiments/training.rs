//! Training runs in a log: a line for every evaluation.

use vetted_training::{HeldOut, Progress};

use crate::watch::{Event, Watch};

/// What was said of a run so far.
pub struct Shown<'a> {
    /// What the model is selected by, and what it learns from.
    names: [&'static str; 2],
    held_out: Option<HeldOut>,
    watch: Watch<'a>,
}

impl<'a> Shown<'a> {
    pub fn new(selection: &'static str, examples: &'static str, watch: Watch<'a>) -> Shown<'a> {
        Shown { names: [selection, examples], held_out: None, watch }
    }

    pub fn update(&mut self, progress: &Progress) {
        if progress.held_out.is_none() || progress.held_out == self.held_out {
            return;
        }
        self.held_out = progress.held_out;
        let [selection, examples] = self.names;
        let loss = progress.loss.map(|loss| format!("loss {loss:.3}, ")).unwrap_or_default();
        let figure = progress.held_out.and_then(|held_out| held_out.selection());
        let figure = figure.map(|figure| format!("{selection} {figure:.3}, ")).unwrap_or_default();
        (self.watch)(Event::Note(&format!(
            "step {} of {}: {loss}{figure}{:.0} {examples}/s, {:.0} s left",
            progress.step, progress.steps, progress.pairs_per_second, progress.seconds_left
        )));
    }
}
