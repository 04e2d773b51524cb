//! The study's page, and everything beside it.

use std::fmt::Write as _;
use std::path::Path;

use super::{Effect, OWN_PAIRS, Study, csv, plots};
use crate::audit::tables::Table;
use vetted_evaluation::Error;
use vetted_evaluation::interval::Bootstrap;

impl Study {
    /// Writes `README.md`, the pictures, `figures.csv` and `study.json` into `folder`. `commands` are those that made the
    /// figures.
    ///
    /// # Errors
    /// [`Error::Write`]; those of figures that do not compare.
    pub fn write(&self, folder: &Path, commands: &[String], notes: &str) -> Result<(), Error> {
        let write = |name: &str, content: String| {
            let path = folder.join(name);
            std::fs::write(&path, content).map_err(|source| Error::Write { path, source })
        };
        let bootstrap = Bootstrap::default();
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        let effects = self.effects(&bootstrap)?;
        let drawn = plots::draw(self, &effects, folder)?;
        write("figures.csv", csv::csv(self, &bootstrap)?)?;
        let json = serde_json::json!({ "commands": commands, "effects": effects, "cells": self });
        write("study.json", json.to_string() + "\n")?;
        write("README.md", self.page(&effects, &drawn, commands, notes, &bootstrap)?)
    }

    fn page(
        &self,
        effects: &[Effect],
        drawn: &[&str],
        commands: &[String],
        notes: &str,
        bootstrap: &Bootstrap,
    ) -> Result<String, Error> {
        let mut page = String::from("# Should I fine-tune my retriever to see structure?\n\n");
        let _ = writeln!(page, "{}\n", self.verdict(effects));
        for advice in self.advice() {
            let _ = writeln!(page, "- {advice}");
        }
        page += INTRODUCTION;
        let claims = self.claims(effects, bootstrap)?;
        if !claims.is_empty() {
            page += "\n## Which of the paper's claims held\n\n| claim | here |\n|---|---|\n";
            for claim in claims {
                let _ = writeln!(page, "| {} | {} |", claim.claim, claim.found);
            }
        }
        if !notes.trim().is_empty() {
            let _ = writeln!(page, "\n## Limits of this study\n\n{}", notes.trim());
        }
        page += "\n## Experiment 1: encoders\n";
        page += ENCODERS;
        let picture = |page: &mut String, name: &str, text: &str| {
            if drawn.contains(&name) {
                let _ = writeln!(page, "\n![{text}]({name})\n\n*{text}.*");
            }
        };
        let colored = self.bases().into_iter().zip(["gray", "orange", "blue", "green"]);
        let colors: Vec<String> = colored.map(|(base, color)| format!("{color} {base}")).collect();
        let title = format!("Change of nDCG@10 from model A to model B, by set: {}", colors.join(", "));
        picture(&mut page, plots::SETS, &title);
        for base in self.bases() {
            let Some(main) = Study::main_effect(effects, base) else { continue };
            let seeds = main.b_against_a.by_seed.len();
            let _ = writeln!(
                page,
                "\n### {base}: share {:.2}, {} steps of A, rate {:e}, {seeds} {}\n",
                main.setting.share,
                main.setting.steps,
                main.setting.rate,
                if seeds == 1 { "seed" } else { "seeds" }
            );
            section(&mut page, "", &self.retrieval(main));
            section(&mut page, "", &self.structure(main));
        }
        picture(
            &mut page,
            plots::STRUCTURE,
            "AUC of the cosine by kind of difference: gray untouched, orange A, blue B",
        );
        section(&mut page, "### By share, steps and rate", &Study::curve(effects));
        picture(&mut page, plots::CURVES, "Change against the untouched model by share and by steps");
        section(&mut page, "### Every run", &self.runs(bootstrap));
        section(&mut page, "### The shape of the vectors", &self.shapes());
        if !self.verifiers.is_empty() {
            page += "\n## Experiment 2: verifiers over the untouched encoder\n";
            page += VERIFIERS;
            section(&mut page, "", &self.scorers());
            section(&mut page, &format!("Pairs {OWN_PAIRS}, by kind:"), &self.scorers_by_kind(OWN_PAIRS));
        }
        if !self.fixes.is_empty() {
            page += "\n## Experiment 3: ways to search\n";
            page += FIXES;
            section(&mut page, "", &self.ways());
        }
        page += "\n## Run it again\n\nFrom the repository's root. DATA is a folder with the data sets. What was measured is kept in `--work` and not \
                 measured twice. All figures, query by query, are in [study.json](study.json), and one a line in \
                 [figures.csv](figures.csv).\n\n```sh\n";
        for command in commands {
            let _ = writeln!(page, "{command}");
        }
        page += "```\n";
        Ok(page)
    }
}

fn section(page: &mut String, title: &str, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    if !title.is_empty() {
        let _ = writeln!(page, "\n{title}");
    }
    let _ = write!(page, "\n{table}");
}

const INTRODUCTION: &str = "
## What this is

A sentence encoder puts a text into one vector. \"The dog bit the man\" and \"the man bit the dog\" get almost the same one, so
that a search finds both alike. One may train the encoder to keep them apart. *Training for Compositional Sensitivity Reduces
Dense Retrieval Generalization* (arXiv 2604.16351) found that this ruins what the encoder was for: finding what a text is
about. This page repeats that at a small size, with vetted's own trainer, and measures what one can do instead. The
sentences above and in the next table are made from the figures by `vetted-study`. Changes in bold have a 95 % interval
that leaves out 0.
";

const ENCODERS: &str = "
*Model A* is the encoder after contrastive training (MNRL, in-batch negatives) on questions with the paragraphs that answer them,
the negative being the best wrong paragraph of BM25. *Model B* gets the same questions as often, and structural triplets besides:
a sentence, a rewrite of it that says the same, and an edit that does not (negation, swapped roles, other modifiers, directions,
numbers ...), made by vetted's `synthesis`. *Share* is the structural part of what B sees. Both are measured on retrieval
sets that neither was trained on. Intervals are bootstraps over queries and, where there are several, over seeds: they say how
far another run with other queries might be. *p* is that of the paired randomization test of these very models, whose scores are
averaged over seeds. On pairs, AUC is how often a pair that means the same scores above one that
does not: 0.5 is chance.
";

const VERIFIERS: &str = "
A verifier reads two texts token by token over an encoder that retrieval keeps as it is. *cosine* to *f2* are formulas; *f3*
(convolutions), *f4* (the paper's map Transformer), *map-transformer* (vetted's) and the *cross-encoder* (both texts at once) are
trained here on few pairs, *frozen* (the encoder's layers as they are) or *end to end* (on a copy of them). The shipped
weights, those of the day of the measurement, saw far more and other pairs, so they are no part of the comparison of architectures.
";

const FIXES: &str = "
Common remedies for near misses, compared. In the copy with planted near misses, a relevant document has a twin in which one
sentence was edited to say something else, and the query says what the original says in other words. *Near miss first*
is how often the twin is the first answer, *right in 10* how often the original is among the first ten, *abstained* how often
nothing is vouched for.
";
