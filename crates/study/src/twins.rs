//! Near-miss twins: copies of relevant documents in which one sentence says something else, planted beside the originals,
//! and queries of which it is known by construction that the original supports them and its twin does not.
//!
//! A *statement* is the original's sentence in other words. A *question* is one that the sentence answers and the edited
//! one does not. Questions whose answer the edit changes are left out (when, once the year is another): both documents answer
//! them, and nothing in the query tells which of the two is right.
//!
//! ```
//! use vetted_corpus::Document;
//! use vetted_study::twins::{Options, plant};
//!
//! let text = "The report is short. Anna Berg sold the old mill to Emil Falk in 1921.";
//! let document = Document { id: "r1".into(), text: text.into(), ..Document::default() };
//! let planted = plant(&[document], &Options::default());
//! let twin = &planted.twins[0];
//! assert_eq!((twin.document.id.as_str(), twin.original.as_str()), ("r1~twin", "r1"));
//! assert_eq!(twin.document.text, text.replace(&twin.sentence, &twin.edited));
//! assert!(planted.queries.iter().all(|query| query.text != twin.sentence && query.text != twin.edited));
//! ```

mod choice;
mod folder;
mod planting;
pub mod report;

use std::collections::BTreeMap;

use serde::Serialize;
use vetted_corpus::Document;
use vetted_evaluation::interval::SplitMix64;
use vetted_pairs::Kind;
use vetted_synthesis::{Editor, sentences};

use choice::{Choice, choices};

pub use planting::{PlantingSettings, measure, placements, planned, plant_in};
pub use report::TwinsReport;

/// What is planted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names the sequence of choices.
    pub seed: u64,
    /// So many twins at most, of as many documents.
    pub twins: usize,
    /// The kinds of edit, the rarer ones preferred where a document offers several.
    pub kinds: Vec<Kind>,
    /// Only sentences that end within so many words of a document's beginning, title included; `None`: any. Set it where an
    /// encoder reads no more than the beginning: what it has not read it cannot find.
    pub first_words: Option<usize>,
}

/// Twins, and the queries that are put to a corpus that holds them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planted {
    /// The twins, one of a document at most.
    pub twins: Vec<Twin>,
    /// A statement for every twin, a question for some.
    pub queries: Vec<TwinQuery>,
}

/// A copy of a document in which one sentence says something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    /// The copy; its id is the original's and `~twin`.
    pub document: Document,
    /// The original's id.
    pub original: String,
    /// The original's sentence.
    pub sentence: String,
    /// What the twin says in its place.
    pub edited: String,
    /// What was changed.
    pub kind: Kind,
    /// The name of the operation.
    pub operation: &'static str,
}

/// A query that the original supports and its twin does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinQuery {
    /// The original's id, `~`, and the form.
    pub id: String,
    /// What is searched for.
    pub text: String,
    /// Of which form it is.
    pub form: Form,
    /// Index of its twin in [`Planted::twins`].
    pub twin: usize,
}

/// How a query is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As a statement: the sentence in other words.
    Statement,
    /// As a question that the sentence answers.
    Question,
}

impl Form {
    /// Both.
    pub const ALL: [Form; 2] = [Form::Statement, Form::Question];

    /// Its name in ids, reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Form::Statement => "statement",
            Form::Question => "question",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        // What is added, left out or merely different in no way that a kind names makes no twin.
        let kinds = Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Addition | Kind::Other)).collect();
        Self { seed: 1, twins: 1000, kinds, first_words: Some(FIRST_WORDS) }
    }
}

/// 256 tokens, what common encoders read, are hardly ever fewer words than these.
pub const FIRST_WORDS: usize = 120;

/// Makes twins of some of `documents` (the relevant ones of a data set, say); equal documents and options give equal twins,
/// whatever the order of the documents.
///
/// A sentence is taken only where the document says it once: an edit elsewhere would leave a document that says both. It is
/// one that can be read alone (it opens with no "they" or "however"), and it can be said in other words.
pub fn plant(documents: &[Document], options: &Options) -> Planted {
    let mut documents: Vec<&Document> = documents.iter().collect();
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    documents.dedup_by(|a, b| a.id == b.id);
    let mut random = SplitMix64(options.seed);
    for last in (1..documents.len()).rev() {
        documents.swap(last, random.below(last + 1));
    }
    let editor = Editor::new(documents.iter().flat_map(|document| sentences(&document.text)));
    let mut planted = Planted::default();
    let mut drawn: BTreeMap<Kind, usize> = BTreeMap::new();
    for document in documents {
        if planted.twins.len() == options.twins {
            break;
        }
        let mut choices = choices(document, &editor, options);
        // One that a question can be asked of, for these are few; of the rarest kind.
        let rank =
            |choice: &Choice| (choice.rival.questions.is_empty(), drawn.get(&choice.rival.kind).copied().unwrap_or(0));
        let Some(first) = choices.iter().map(rank).min() else { continue };
        choices.retain(|choice| rank(choice) == first);
        let choice = choices.swap_remove(random.below(choices.len()));
        *drawn.entry(choice.rival.kind).or_default() += 1;
        let statement = choice.rewrites[random.below(choice.rewrites.len())].clone();
        let questions = &choice.rival.questions;
        let question = (!questions.is_empty()).then(|| questions[random.below(questions.len())].clone());
        let query = |(form, text): (Form, String)| TwinQuery {
            id: format!("{}~{}", document.id, form.name()),
            text,
            form,
            twin: planted.twins.len(),
        };
        let asked = std::iter::once((Form::Statement, statement)).chain(question.map(|text| (Form::Question, text)));
        planted.queries.extend(asked.map(query));
        planted.twins.push(choice.twin(document));
    }
    planted
}
