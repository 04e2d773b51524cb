//! One sentence at a time: other ways to say it, statements that it does not support, and the questions that tell it from
//! those. What evaluations plant and ask; training draws balanced pairs instead ([`synthesize`](crate::synthesize)).

use std::collections::BTreeMap;

use vetted_pairs::Kind;

use crate::edit::{Edit, Meaning};
use crate::edits;
use crate::pool::Pool;
use crate::question::{Asked, ask};
use crate::random::Random;
use crate::sentence::Sentence;

/// Makes variants of sentences, with the names of a collection to put in others' place.
#[derive(Debug, Default)]
pub struct Editor {
    pool: Pool,
}

/// What can be made of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants {
    /// Statements that say the same, the plain ones first.
    pub rewrites: Vec<Rewrite>,
    /// Statements that the sentence does not support, nor they it.
    pub rivals: Vec<Rival>,
}

/// A statement that says the same in other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The statement.
    pub text: String,
    /// The name of the operation.
    pub operation: &'static str,
    /// Whether people write so; "it is true that ..." they hardly do.
    pub plain: bool,
}

/// A statement that differs from a sentence in one thing that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The statement.
    pub text: String,
    /// What was changed.
    pub kind: Kind,
    /// The name of the operation.
    pub operation: &'static str,
    /// Questions that the sentence answers and the rival does not: it answers another one in their place.
    pub questions: Vec<String>,
}

impl Editor {
    /// An editor that knows the names in `sentences`.
    pub fn new<'a>(sentences: impl IntoIterator<Item = &'a str>) -> Editor {
        let mut pool = Pool::default();
        sentences.into_iter().filter_map(Sentence::parse).for_each(|sentence| pool.add(&sentence));
        Editor { pool }
    }

    /// The variants of a statement; equal seeds give equal variants. `None` when it has fewer than three or more than sixty
    /// words, asks a question, or would not come back as it was when nothing in it is edited.
    pub fn variants(&self, statement: &str, seed: u64) -> Option<Variants> {
        let sentence = Sentence::parse(statement)?;
        if sentence.is_question() || sentence.text() != statement {
            return None;
        }
        let found = edits::all(&sentence, &self.pool, &mut Random::new(seed));
        let asked: Vec<(Asked, String)> = [Asked::Subject, Asked::Time, Asked::Place, Asked::Count]
            .into_iter()
            .filter_map(|asked| Some((asked, ask(&sentence, asked)?.text())))
            .filter(|(_, question)| !question.starts_with("Who or what"))
            .collect();
        // Of several operations that come to the same text, the first names it.
        let mut rewrites: Vec<Rewrite> = Vec::new();
        let mut rivals: BTreeMap<String, Rival> = BTreeMap::new();
        for edit in found {
            let text = edit.sentence.text();
            if edit.meaning == Meaning::Same && !UNSURE.contains(&edit.phenomenon) {
                if rewrites.iter().all(|known| known.text != text) {
                    let (operation, plain) = (edit.phenomenon, !FRAMES.contains(&edit.phenomenon));
                    rewrites.push(Rewrite { text, operation, plain });
                }
            } else if is_rival(&sentence, &edit) {
                let answers_another = |(asked, question): &&(Asked, String)| {
                    ask(&edit.sentence, *asked).is_some_and(|other| other.text() != *question)
                };
                let questions = asked.iter().filter(answers_another).map(|(_, question)| question.clone()).collect();
                rivals.entry(text.clone()).or_insert(Rival {
                    text,
                    kind: edit.kind,
                    operation: edit.phenomenon,
                    questions,
                });
            }
        }
        rewrites.retain(|rewrite| !rivals.contains_key(&rewrite.text));
        rewrites.sort_by_key(|rewrite| !rewrite.plain);
        Some(Variants { rewrites, rivals: rivals.into_values().collect() })
    }
}

/// Rewrites that hardly anybody would write.
const FRAMES: &[&str] = &["truth-wrapped", "emphasis-inserted", "exactly-inserted"];

/// Rewrites that are left out: in technical prose a listed synonym often has another sense ("primary tumours" are not "chief
/// tumours"), and two negations make readers stumble.
const UNSURE: &[&str] = &["synonym", "doubly-negated", "did-not-fail-to"];

/// Operations whose result says something else instead, though both could be true somewhere: of one and the same event they
/// are not.
const INSTEAD: &[&str] = &[
    "roles-swapped",
    "roles-swapped-and-voice-changed",
    "cleft-with-roles-swapped",
    "transfer-reversed",
    "transfer-ends-swapped",
    "names-swapped",
    "names-swapped-in-phrase",
    "noun-phrases-swapped",
    "heads-swapped",
    "modifiers-swapped",
    "places-swapped",
    "ends-swapped",
    "ends-swapped-and-reordered",
    "name-replaced",
    "modifier-replaced",
    "function-word-contrary",
];

/// Operations that hardly make a statement anybody would come across.
const CONTRIVED: &[&str] = &["falsehood-wrapped", "did-not-against-did-not-fail-to", "thing-replaced"];

/// What a stronger word still supports: "all patients" are "some patients", what "must" be "may" be.
const STRONGER: &[(&[&str], &[&str])] = &[
    (&["some", "several", "multiple", "a number of"], &["all", "two"]),
    (&["may", "might", "could", "can", "is able to"], &["must", "will certainly"]),
    // No stronger, but hardly ever what one would read: "with respect to", "introduced into".
    (&["with", "into"], &["without", "out of"]),
    (&["will"], &["may", "might"]),
];

/// Whether neither statement supports the other. Operations that only weaken, strengthen, add or hedge are left out, and so is
/// what is edited in parentheses (citations, abbreviations) or in a decade ("the 1960's").
fn is_rival(original: &Sentence, edit: &Edit) -> bool {
    let changes = match edit.meaning {
        Meaning::Conflict => !CONTRIVED.contains(&edit.phenomenon),
        Meaning::Different => INSTEAD.contains(&edit.phenomenon),
        Meaning::Same | Meaning::Less | Meaning::More => false,
    };
    let (original, edited) = (original.text(), edit.sentence.text());
    let start = original.bytes().zip(edited.bytes()).take_while(|(a, b)| a == b).count();
    let before = &original.as_bytes()[..start];
    let open =
        before.iter().filter(|byte| **byte == b'(').count() > before.iter().filter(|byte| **byte == b')').count();
    let word = edited.as_bytes()[start..].split(|byte| *byte == b' ').next().unwrap_or_default();
    changes && !open && !word.ends_with(b"s") | (edit.kind != Kind::Date) && !strengthens(&original, &edited)
}

/// How often a phrase occurs, in whole words.
fn count(text: &str, phrase: &str) -> usize {
    format!(" {} ", text.to_lowercase()).matches(&format!(" {phrase} ")).count()
}

fn strengthens(original: &str, edited: &str) -> bool {
    STRONGER.iter().any(|(weak, strong)| {
        weak.iter().any(|word| count(original, word) > count(edited, word))
            && strong.iter().any(|word| count(edited, word) > count(original, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(sentence: &str) -> Variants {
        let others = ["They met in Boston.", "Clara moved to Vienna in May.", "Boris sold the farm in Prague."];
        Editor::new(others).variants(sentence, 1).expect("a statement")
    }

    #[test]
    fn a_statement_has_rewrites_and_rivals_and_no_text_is_both() {
        let sentence = "The nurse visited the old doctor before the war.";
        let Variants { rewrites, rivals } = variants(sentence);
        let kinds: Vec<Kind> = rivals.iter().map(|rival| rival.kind).collect();
        for kind in [Kind::Role, Kind::Order, Kind::Negation, Kind::Antonym] {
            assert!(kinds.contains(&kind), "{kind} is missing in {rivals:?}");
        }
        assert!(
            rewrites.iter().any(|rewrite| rewrite.text == "The old doctor was visited by the nurse before the war.")
        );
        let texts = rewrites.iter().map(|rewrite| &rewrite.text).chain(rivals.iter().map(|rival| &rival.text));
        let distinct: std::collections::HashSet<&String> = texts.clone().collect();
        assert_eq!(distinct.len(), texts.clone().count());
        assert!(texts.clone().all(|text| text != sentence));
    }

    #[test]
    fn a_question_is_kept_only_where_the_rival_answers_another() {
        let Variants { rivals, .. } = variants("Ann Lee founded the old museum in 1990.");
        let year = rivals.iter().find(|rival| rival.operation == "year-changed").expect("a year");
        assert!(year.questions.iter().all(|question| !question.starts_with("When")), "{year:?}: both answer when");
        assert!(year.questions.iter().any(|question| question.contains("founded the old museum in 1990?")), "{year:?}");
        let negated = rivals.iter().find(|rival| rival.operation == "not-inserted").expect("a negation");
        assert!(negated.questions.iter().any(|question| question.starts_with("When did Ann Lee found")), "{negated:?}");
    }

    #[test]
    fn what_only_strengthens_is_no_rival() {
        for (weak, strong) in [("some cells die", "all cells die"), ("it may rain", "it must rain")] {
            assert!(strengthens(weak, strong) && !strengthens(strong, weak), "{weak}, {strong}");
        }
        assert!(!strengthens("some cells die", "no cells die"));
        assert!(Editor::default().variants("Who called the doctor?", 1).is_none());
    }
}
