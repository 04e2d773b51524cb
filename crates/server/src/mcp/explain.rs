//! `vetted-explain`: which words decided a verdict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vetted::wire::{Outcome, Relation, TokenPair};

use super::answer::Answer;
use super::bounds::{Lines, MOST_OF_QUERY, MOST_OF_WINDOW, in_one_line, shorten};
use super::handler::Call;
use super::search::{check_query, verdict};
use super::verify::Asked;
use crate::error::{Code, Failure};
use crate::reading::{Explaining, Question, Rules, read};
use crate::routes::check_texts;
use crate::shapes::own::{TextWindow, TokenMap, WeighedToken, relation};

pub(super) const DESCRIPTION: &str = "\
Says why a text got its verdict: the sentence of it that decided, and the words of both sides that made most for the verdict, with \
their weights. Use it when a verdict surprises you or the user asks for the reason; take the text from a hit of vetted-search or from \
a candidate of vetted-verify. Positive weights are for the verdict, negative ones against it. It costs a reading for each word, so \
explain single results, not all of them.

Weights say what the verifier looked at, not whether it is right. Where the verdict rests on words that do not matter, do not rely on \
it: read the text yourself, or ask again in other words.";

/// What is explained.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The statement or question, as it was asked.
    #[schemars(length(min = 1, max = MOST_OF_QUERY))]
    query: String,
    /// The text that it is held against.
    #[schemars(length(min = 1))]
    candidate: String,
    /// What is asked: `support` or `equivalence`.
    #[serde(default)]
    #[schemars(with = "Asked", extend("default" = "support"))]
    relation: Option<Relation>,
}

/// A verdict and what it rests on.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The query.
    query: String,
    /// What was asked.
    relation: Relation,
    /// The verdict in words.
    summary: String,
    #[serde(flatten)]
    outcome: Outcome,
    /// The part of the candidate that decided. Absent where nothing was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<TextWindow>,
    /// Pairs of a word of the query and one of the candidate that made most for the verdict, the heaviest first.
    pairs: Vec<TokenPair>,
    /// The query's words that matter most, in its order.
    query_tokens: Vec<WeighedToken>,
    /// The candidate's words that matter most, in its order.
    candidate_tokens: Vec<WeighedToken>,
}

/// Tokens of each side that are shown.
const MOST_TOKENS: usize = 24;

pub(super) async fn call(call: &Call, arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { query, candidate, relation: asked } = arguments;
    check_query(&query)?;
    let candidates = vec![candidate];
    check_texts(&call.service, "candidate", &candidates)?;
    call.is_at("reading the candidate");
    let question = Question { query: query.clone(), candidates: candidates.clone() };
    let read = read(&call.service, Rules::Texts(relation(asked)), vec![question], call.deadline).await?.answer;
    let Some(verification) = read.verifications.into_iter().flatten().next() else {
        return Err(Failure::new(Code::Internal, "the verifier said nothing about the candidate"));
    };
    let mut window = TextWindow::of(&candidates[0], &verification);
    let mut map = None;
    if let Some(window) = &window {
        call.is_at("weighing each word");
        let pairs = vec![(query.clone(), window.text.clone())];
        let work = Explaining { relation: relation(asked), pairs, explained: Vec::new() };
        let done = call.service.explanations.submit(work, call.deadline).await?;
        map = done.answer.iter().flatten().next().map(TokenMap::new);
    }
    window.iter_mut().for_each(|window| _ = shorten(&mut window.text, MOST_OF_WINDOW));
    let outcome = Outcome::from(&verification);
    let (pairs, query_tokens, candidate_tokens) = match map {
        Some(map) => (map.pairs, heaviest(map.query_tokens), heaviest(map.candidate_tokens)),
        None => Default::default(),
    };
    let (relation, summary) = (asked.unwrap_or(Relation::Support), verdict(&outcome));
    let output = Output { query, relation, summary, outcome, window, pairs, query_tokens, candidate_tokens };
    Answer::new(output.text(), &output)
}

/// Those with the largest weights, in their order. `[CLS]` and `[SEP]` say nothing to a reader.
fn heaviest(tokens: Vec<WeighedToken>) -> Vec<WeighedToken> {
    let mut tokens: Vec<(usize, WeighedToken)> =
        tokens.into_iter().filter(|token| !token.special).enumerate().collect();
    tokens.sort_by(|(_, a), (_, b)| b.weight.abs().total_cmp(&a.weight.abs()));
    tokens.truncate(MOST_TOKENS);
    tokens.sort_by_key(|(place, _)| *place);
    tokens.into_iter().map(|(_, token)| token).collect()
}

impl Output {
    fn text(&self) -> String {
        let mut lines = Lines::new(&self.summary);
        if let Some(window) = &self.window {
            lines.add(&format!("decided by: {}", in_one_line(&window.text)));
        }
        if !self.pairs.is_empty() {
            let pair = |pair: &TokenPair| format!("{} ~ {} ({:.2})", pair.query, pair.candidate, pair.weight);
            lines.add(&format!("pairs: {}", self.pairs.iter().map(pair).collect::<Vec<_>>().join(", ")));
        }
        for (name, tokens) in [("query", &self.query_tokens), ("candidate", &self.candidate_tokens)] {
            if !tokens.is_empty() {
                let token = |token: &WeighedToken| format!("{} {:+.2}", token.token, token.weight);
                lines.add(&format!("{name}: {}", tokens.iter().map(token).collect::<Vec<_>>().join(", ")));
            }
        }
        if self.query_tokens.is_empty() {
            lines.add("no words to show: nothing was read, or this verifier reads both texts at once");
        }
        lines.finish(0)
    }
}
