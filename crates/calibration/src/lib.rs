//! Thresholds that keep a promise.
//!
//! A verifier gives scores. Whoever serves what it accepts wants to say: *of a hundred answers served, at most one is wrong*.
//! This crate turns checked decisions (a score, and whether accepting was right) into the threshold for which that holds, with
//! stated confidence and for a finite number of decisions. Where no threshold qualifies it says so, and how many decisions are
//! missing; it never guesses.
//!
//! | question | function | promise |
//! |---|---|---|
//! | of what is accepted, how much is wrong? | [`learn_then_test`] | at most `rate`, with probability `confidence` |
//! | of all that is asked, how often is something wrong accepted? | [`conformal`] | at most `rate` on average |
//! | is it still so, a month later? | [`Alarm`], [`audit`] of a log | a false alarm at most with probability `1 - confidence`, ever |
//! | how good is the ranking for a cache, whatever the threshold? | [`operational`] | none: a description |
//! | several promises at once: rejecting, too; each tenant's own threshold | [`band`], [`bands`] | all of them together |
//!
//! [`calibrate`] puts it together: it fits one score of several [`Features`], divides the data, tests, and makes a
//! [`Calibration`], which is a file that says for which models it was made, and a [`Report`] for people.
//!
//! All of it assumes that decisions to come are like those that were checked (exchangeable). No statistics can promise that;
//! [`Alarm`] notices when it stops to be so, and [`shifted`] says what happens if the share of matches changes.
//!
//! ```
//! use vetted_calibration::{Bound, Decision, Ladder, learn_then_test};
//!
//! # fn main() -> Result<(), vetted_calibration::Error> {
//! // Two thousand checked decisions. Below 0.5 half of them are wrong, above it one in two hundred.
//! let decision = |i: usize| {
//!     let score = (i * 7919 % 2000) as f64 / 2000.0;
//!     Decision { score, right: if score < 0.5 { i % 2 == 0 } else { i % 200 != 0 } }
//! };
//! let checked: Vec<Decision> = (0..2000).map(decision).collect();
//!
//! // The thresholds that may be chosen come from other decisions than those that choose.
//! let (development, calibration) = checked.split_at(400);
//! let bound = Bound::new(0.05, 0.95)?; // at most 5 % wrong, with 95 % confidence
//! let ladder = Ladder::new(development.iter().map(|it| it.score), calibration.len(), bound)?;
//! let chosen = learn_then_test(calibration, &ladder, bound)?.expect("the upper half is good enough");
//! assert!(chosen.threshold > 0.4 && chosen.threshold < 0.6);
//! assert!(chosen.accepted > 700 && chosen.wrong < 40);
//!
//! // One in a thousand cannot be shown with so few: it takes this many accepted decisions, all of them right.
//! let strict = Bound::new(0.001, 0.95)?;
//! assert_eq!(strict.fewest_accepts(), 2995);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod audit;
mod binomial;
mod bound;
mod calibrate;
mod calibration;
mod conformal;
mod drift;
mod error;
mod file_error;
mod fit;
mod ladder;
mod learn_then_test;
mod logged;
mod measured;
mod need;
pub mod operational;
mod provenance;
mod report;
mod score;
mod split;

pub use audit::{Audit, audit};
pub use binomial::{Interval, lower, shifted, upper, wilson};
pub use bound::{Bound, Decision};
pub use calibrate::{Checked, Request, calibrate};
pub use calibration::{Calibration, Data, Decided, Made, Missing, Model, Promise, Ruling, Side, Threshold, Thresholds};
pub use conformal::conformal;
pub use drift::Alarm;
pub use error::Error;
pub use file_error::FileError;
pub use ladder::Ladder;
pub use learn_then_test::{Band, Chosen, band, bands, learn_then_test};
pub use logged::{Log, Logged, is_logged, read_logged, write_logged};
pub use measured::{Bin, Fit, Measured, OtherBound, Risk};
pub use need::{Need, decisions_needed};
pub use provenance::Provenance;
pub use report::Report;
pub use score::{Features, OWN_SCORE, Score, Weighted, probability};
pub use split::{DEVELOPMENT, GroupedBy, Split, text_key};
