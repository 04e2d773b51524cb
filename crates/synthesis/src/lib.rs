//! Labelled pairs of sentences, matching and not, edited out of any English text.
//!
//! A verifier has to tell "the dog bit the man" from "the man bit the dog", and to see that "the man was bitten by the
//! dog" is the first of the two again. This crate takes sentences as they are found and makes such pairs of them:
//!
//! ```
//! # #[cfg(feature = "tagger")] {
//! use vetted_synthesis::{Options, synthesize};
//!
//! let sentences = ["The nurse called the old doctor before the storm reached the town.", "Ann Lee founded the museum in 1990."];
//! let pairs = synthesize(sentences, &Options { slack: f64::INFINITY, ..Options::default() });
//! assert!(pairs.iter().any(|made| made.matches()) && pairs.iter().any(|made| !made.matches()));
//! for made in &pairs {
//!     println!("{:?}\n  {}\n  {}", made.pair.label, made.pair.candidate, made.pair.query);
//! }
//! # }
//! ```
//!
//! # What is done to a sentence
//!
//! Every change of meaning comes with a paraphrase that leaves the same traces, so that neither the words, nor their
//! number, nor "not" tell the two apart:
//!
//! | traces | not the same | the same |
//! |---|---|---|
//! | two phrases exchanged | names, subject and object, modifiers, the ends of "from A to B" | conjuncts, lists, adjuncts, appositions, neighbors |
//! | exchanged, and another form | the voice kept with the roles exchanged, or the other way round | passive with the roles exchanged; "taller" as "shorter"; "bought from" as "sold to" |
//! | "not", "fail", "false" | one of them | two of them, contractions, complementary opposites |
//! | a word replaced | opposites, other things, numbers, dates, units | synonyms, numbers in words, other formats, converted units |
//! | an adverb, a frame | hedges, "it is false that", other question words | emphasis, "it is true that", questions reworded |
//! | longer or shorter | the candidate says less than the query | the candidate says more than the query |
//!
//! Half of the pairs are composed: one side is paraphrased further. From statements come questions with candidates that
//! answer them and candidates that do not, and questions against questions; and from a long sentence the statements that its
//! clauses make on their own, which it supports. There, "not" in the sentence, in the statement or in both decides by the verb
//! that it negates: "Ann Lee, who was not born in Ohio, founded the museum" supports "Ann Lee founded the museum" as before.
//! [`state_answers`] does the same for questions whose answers are known, and [`negate_pairs`] for labelled pairs.
//!
//! # One sentence at a time
//!
//! Evaluations plant near-misses in real documents: [`Editor::variants`] gives a statement's rewrites, its rivals by kind,
//! and the questions that it answers and a rival does not.
//!
//! # The checks
//!
//! [`synthesize`] matches the labels on the score of a bag-of-words reader ([`Options::slack`]), and [`report()`] says what
//! such a reader still reaches ([`Report::shortcut`]) and how the edited sentences read to a language model of the
//! originals ([`Tally::odd_share`]).
//!
//! Patterns are shallow: parts of speech by a small averaged perceptron ([`tagger`]), noun phrases, and the first clause.
//! An operation is used only where its pattern is clear; where the pattern misleads, a label is wrong. Of the last 100
//! random pairs read (Wikipedia, news, captions, questions) one was not English and none was labelled wrongly; expect a
//! few in a hundred on other text.
//!
//! # Features
//!
//! `tagger` (on by default) compiles the tagger's weights in, which are CC BY-SA 4.0 (`data/README.md`). Everything that edits
//! needs them; without it there are [`tagger`] and [`token`], with which a tagger is trained, and [`sentences()`].

#[cfg(feature = "tagger")]
mod balance;
#[cfg(feature = "tagger")]
mod edit;
#[cfg(feature = "tagger")]
mod edits;
#[cfg(feature = "tagger")]
mod fluency;
#[cfg(feature = "tagger")]
mod inference;
#[cfg(feature = "tagger")]
mod lexicon;
#[cfg(feature = "tagger")]
mod morphology;
#[cfg(feature = "tagger")]
mod negated;
#[cfg(feature = "tagger")]
mod pool;
#[cfg(feature = "tagger")]
mod predicate;
#[cfg(feature = "tagger")]
mod question;
#[cfg_attr(not(feature = "tagger"), allow(dead_code))]
mod random;
#[cfg(feature = "tagger")]
mod report;
#[cfg(feature = "tagger")]
mod sentence;
#[cfg(feature = "tagger")]
mod shortcut;
#[cfg(feature = "tagger")]
mod statement;
#[cfg(feature = "tagger")]
mod synthesis;
pub mod tag;
pub mod tagger;
pub mod token;
#[cfg(feature = "tagger")]
mod variants;

#[cfg(feature = "tagger")]
pub use negated::negate_pairs;
#[cfg(feature = "tagger")]
pub use report::{GeneratedReport, Report, Tally, report, report_generated};
#[cfg(feature = "tagger")]
pub use shortcut::Shortcut;
#[cfg(feature = "tagger")]
pub use synthesis::{Options, SyntheticPair, state_answers, synthesize};
#[cfg(feature = "tagger")]
pub use variants::{Editor, Rewrite, Rival, Variants};
pub use vetted_corpus::sentences;
