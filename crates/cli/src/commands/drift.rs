//! `vetted drift`: whether a calibration's promise still holds.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use vetted::calibration::{Audit, Calibration, audit, read_logged};

use super::CONDITION_FAILED;
use super::calibrate::say_of_log;
use crate::terminal::printable_json;

/// Looks at decisions that somebody checked, in their order, and says whether more of what was accepted is wrong than the
/// calibration promises. It may be asked again after each decision, for ever: while the promise holds it rings with a probability of
/// 5 % at most (with a confidence of 0.95), however often it is asked. The exit status is 3 if it rings.
///
/// The decisions must be a random part of those that were accepted, or all of them: complaints alone are a biased sample. Of several
/// lines about one `decision` the last counts, and what says the same about the same texts counts once. A decision that cannot be
/// judged, or that another verifier made, is an error.
#[derive(Args)]
pub struct Drift {
    /// What was promised: a file of `vetted calibrate`
    #[arg(long, value_name = "FILE")]
    calibration: PathBuf,
    /// JSONL in the order of time, with `right` and either `verdict`, or the `features` (or `score`) by which the calibration decides; a
    /// field `segment` where thresholds differ by segment. A cache's `decisions/feedback.jsonl` is such a file
    #[arg(long, value_name = "FILE")]
    decisions: PathBuf,
    /// Print JSON: {rings, audited, wrong, share, bound, confidence, p_value, e_value, rang_at, decisions, repeated, unknown_segment}
    #[arg(long)]
    json: bool,
}

impl Drift {
    pub fn run(self) -> Result<ExitCode> {
        let calibration = Calibration::read(&self.calibration)?;
        let bound = calibration.promise.watched()?;
        let log = read_logged(&self.decisions, calibration.segment_column.as_deref())?;
        say_of_log(&log, calibration.verifier.as_ref());
        let Audit { alarm, rang_at, decisions, repeated, unknown_segment } = audit(&calibration, &log)?;
        let (audited, wrong) = alarm.counts();
        let share = if audited > 0 { wrong as f64 / audited as f64 } else { 0.0 };
        let (rate, confidence) = (bound.rate(), bound.confidence());
        let mut out = stdout().lock();
        if self.json {
            let answer = json!({
                "rings": alarm.rings(), "audited": audited, "wrong": wrong, "share": share, "bound": rate,
                "confidence": confidence, "p_value": alarm.p_value(), "e_value": alarm.e_value(), "rang_at": rang_at,
                "decisions": decisions, "repeated": repeated, "unknown_segment": unknown_segment,
            });
            writeln!(out, "{}", printable_json(&answer.to_string()))?;
        } else {
            let promised =
                format!("at most {} % were promised, with {} % confidence", 100.0 * rate, 100.0 * confidence);
            writeln!(
                out,
                "of {decisions} decisions {audited} were accepted, {wrong} of them wrong ({:.2} %); {promised}",
                100.0 * share
            )?;
            if repeated > 0 {
                writeln!(out, "{repeated} more say the same about the same texts as one before, and were left out")?;
            }
            if unknown_segment > 0 {
                writeln!(
                    out,
                    "{unknown_segment} are of segments that the calibration does not know: it accepts none of these"
                )?;
            }
            let evidence = format!("p-value {:.1e}, e-value {:.1e}", alarm.p_value(), alarm.e_value());
            match rang_at {
                Some(at) => writeln!(
                    out,
                    "the alarm rings, since accepted decision {at}: the promise does not hold any more ({evidence}). Calibrate anew \
                     with decisions of today; until then accept less, or nothing"
                )?,
                None if audited == 0 => writeln!(out, "nothing was accepted, so there is nothing to watch")?,
                None => writeln!(out, "the alarm is silent: nothing speaks clearly against the promise ({evidence})")?,
            }
        }
        Ok(if alarm.rings() { CONDITION_FAILED.into() } else { ExitCode::SUCCESS })
    }
}
