//! Tier two, ready to be asked: a verifier's files, its base encoder, and texts of any length.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use vetted_corpus::{PassageOptions, cut};
use vetted_encoder::{Precision, Replacements, Tensor, TokenEncoder, models};
use vetted_kernels::Team;
use vetted_verifier::{
    Architecture, Config, Evidence, Judgement, Kind, LexicalTable, Outputs, Relation, Runtime, Scorer, Scratch,
    Storage, Verdict, ViewScorer, Views, Weights, Window, combine, combine_passage,
};

use crate::Error;

/// Reads a query and a candidate token by token and says whether one vouches for the other.
pub struct Verifier {
    encoder: TokenEncoder,
    scorer: Scorer,
    parameters: usize,
}

/// The files of the verifier that comes with vetted, by name; `crates/vetted/weights/vetted-minilm/README.md` is its card.
pub const SHIPPED_VERIFIER: [(&str, &[u8]); 2] = [
    ("config.json", include_bytes!("../weights/vetted-minilm/config.json")),
    ("model.safetensors", include_bytes!("../weights/vetted-minilm/model.safetensors")),
];

/// How a verifier is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifierOptions {
    /// The arithmetic of the encoder and of the reader.
    pub precision: Precision,
    /// How the views of texts are kept.
    pub storage: Storage,
}

/// What a verifier says about one candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// The verdict, its probabilities and the kind of conflict.
    pub judgement: Judgement,
    /// The logits behind it, of the window that decided.
    pub outputs: Outputs,
    /// The largest logit of support among all windows read: what long candidates are ranked by.
    pub best_support: f32,
    /// How much of the query the window that decided covers, in [-1, 1]; 1 of a cross-encoder, which cannot tell.
    pub coverage: f32,
    /// The part of the candidate that decided, in bytes: all of it, unless it is longer than the verifier reads.
    pub window: Range<usize>,
}

/// Why a verifier decided as it did, with the texts' tokens in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Weights, map and token pairs.
    pub evidence: Evidence,
    /// The query's tokens: the rows of the map.
    pub query_tokens: Vec<String>,
    /// The tokens of the candidate's window that decided: the columns of the map.
    pub candidate_tokens: Vec<String>,
}

/// A query and its candidates in tokens.
struct Question {
    query: Vec<u32>,
    /// The query is longer than what is read of it.
    query_cut: bool,
    candidates: Vec<Windows>,
    relation: Relation,
    rejection: Rejection,
}

/// What a candidate is rejected for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rejection {
    /// A conflict, or not matching the query.
    Mismatch,
    /// A conflict.
    Conflict,
}

/// A text cut to what the verifier reads at once.
struct Windows {
    ranges: Vec<Range<usize>>,
    ids: Vec<Vec<u32>>,
}

/// Of a long candidate, as many windows are read: those that cover the query best; of a cross-encoder, which cannot tell
/// before reading, the first.
const MOST_WINDOWS: usize = 8;

/// So many pairs are answered at once, and so many texts encoded: enough to keep all cores busy, few enough to hold.
const PAIRS_TOGETHER: usize = 512;
const TEXTS_TOGETHER: usize = 1024;

impl Verifier {
    /// The verifier that comes with vetted. Its base encoder is fetched if it is not there.
    ///
    /// # Errors
    /// When the base encoder cannot be fetched or read.
    pub fn shipped(
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let [(_, config), (_, weights)] = SHIPPED_VERIFIER;
        Verifier::from_bytes(Path::new("the shipped verifier"), config, weights, options, progress)
    }

    /// The verifier in `folder`: `config.json` and `model.safetensors`, as `vetted train verifier` writes them.
    ///
    /// # Errors
    /// When a file is missing, damaged, or does not fit the others, and those of [`shipped`](Self::shipped).
    pub fn open(
        folder: &Path,
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::VerifierUnreadable { path, source })
        };
        Verifier::from_bytes(folder, &read("config.json")?, &read("model.safetensors")?, options, progress)
    }

    /// A scorer without parameters over the default encoder: cosine, F0, F1 (MaxSim) or F2.
    ///
    /// # Errors
    /// For architectures that have parameters, and when the encoder cannot be fetched or read.
    pub fn parameter_free(
        architecture: Architecture,
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let folder = models::ensure(models::DEFAULT_MODEL, progress)?;
        let encoder = TokenEncoder::open(&folder, Replacements::new(), options.precision, PARAMETER_FREE_TOKENS)?;
        let scorer =
            ViewScorer::parameter_free(architecture, encoder.dimensions(), PARAMETER_FREE_TOKENS, options.storage);
        let scorer =
            scorer.map_err(|source| Error::Verifier { path: PathBuf::from("a scorer without parameters"), source })?;
        Ok(Verifier { encoder, scorer: Scorer::Views(Box::new(scorer)), parameters: 0 })
    }

    fn from_bytes(
        path: &Path,
        config: &[u8],
        weights: &[u8],
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let fault = |source| Error::Verifier { path: path.into(), source };
        let config = Config::parse(config).map_err(fault)?;
        let weights = Weights::parse(weights).map_err(fault)?;
        let replaced = weights.replaced().map_err(fault)?;
        let parameters = weights.parameters() + replaced.iter().map(|tensor| tensor.values.len()).sum::<usize>();
        let replacements: Replacements = replaced
            .into_iter()
            .map(|tensor| (tensor.name, Tensor { shape: tensor.shape, values: tensor.values }))
            .collect();
        let base = models::ensure(&config.base.name, progress)?;
        let encoder = TokenEncoder::open(&base, replacements, options.precision, config.encoder.max_tokens)?;
        config.check_base(encoder.base_sha256()).map_err(fault)?;
        if config.base.hidden != encoder.dimensions() {
            let (expected, got) = (encoder.dimensions(), config.base.hidden);
            return Err(fault(vetted_verifier::Error::Length { what: "base.hidden in config.json", expected, got }));
        }
        let compares_words = matches!(&config.architecture, Architecture::MapTransformer(shape) if shape.lexical);
        let lexical = match compares_words {
            true => Some(LexicalTable::new(encoder.words(), encoder.dimensions(), options.storage).map_err(fault)?),
            false => None,
        };
        let runtime = Runtime { precision: options.precision, storage: options.storage, lexical };
        Ok(Verifier { encoder, scorer: Scorer::load(config, &weights, runtime).map_err(fault)?, parameters })
    }

    /// Its description.
    pub fn config(&self) -> &Config {
        self.scorer.config()
    }

    /// How many numbers differ from the base encoder's or come on top of them; 0 of a formula.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Whether its outputs are trained logits, not similarities.
    pub fn is_trained(&self) -> bool {
        use Architecture::{Cosine, F0, F1, F2};
        !matches!(self.config().architecture, Cosine | F0 | F1 | F2(_))
    }

    /// Judges each candidate against the query, in their order.
    ///
    /// Nothing is accepted on text that was not read. A query longer than the verifier reads ([`Config::encoder`]) is cut
    /// off, and its candidates can be rejected, but not accepted. A longer candidate is cut into windows of whole sentences;
    /// the eight that cover the query best (of a cross-encoder, the first eight) are judged one by one and joined by
    /// [`combine`]; it may support a query, but is never accepted as its equivalent. A candidate of white space is rejected:
    /// it vouches for nothing.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`]; those of the encoder. None depends on the candidates' contents with an intact model.
    pub fn verify<T: AsRef<str> + Sync>(
        &self,
        query: &str,
        candidates: &[T],
        relation: Relation,
    ) -> Result<Vec<Verification>, Error> {
        if query.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let verified = self.answer(&[self.question(query, candidates, relation)?])?;
        Ok(verified.into_iter().flatten().collect())
    }

    /// Judges passages that recall found for the query: as [`verify`](Self::verify) by [`Relation::Support`], but what merely
    /// does not support the query is not rejected for it, only what conflicts with it ([`combine_passage`]).
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_passages<T: AsRef<str> + Sync>(
        &self,
        query: &str,
        passages: &[T],
    ) -> Result<Vec<Verification>, Error> {
        if query.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let question = self.question(query, passages, Relation::Support)?;
        let verified = self.answer(&[Question { rejection: Rejection::Conflict, ..question }])?;
        Ok(verified.into_iter().flatten().collect())
    }

    /// Whether the query is longer than what is read of it.
    ///
    /// # Errors
    /// When the tokenizer fails on it.
    pub fn reads_only_beginning(&self, query: &str) -> Result<bool, Error> {
        let tokens = self.encoder.tokens();
        // A text of so many bytes is too long, whatever its words: no need to count them all.
        Ok(query.len() > 64 * tokens.max_tokens()
            || tokens.count(query)? + tokens.special_tokens() > tokens.max_tokens())
    }

    /// Judges pairs of a query and a candidate, each with its own relation: for evaluations, where every pair has another
    /// query. An empty query is supported by nothing.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn verify_pairs(&self, pairs: &[(&str, &str, Relation)]) -> Result<Vec<Verification>, Error> {
        let question = |(query, candidate, relation): &(&str, &str, Relation)| match query.trim() {
            "" => self.question(query, &[""], *relation),
            _ => self.question(query, &[candidate], *relation),
        };
        let mut verified = Vec::with_capacity(pairs.len());
        for some in pairs.chunks(PAIRS_TOGETHER) {
            let questions = some.par_iter().map(question).collect::<Result<Vec<_>, _>>()?;
            verified.extend(self.answer(&questions)?.into_iter().flatten());
        }
        Ok(verified)
    }

    /// Why a candidate was judged as it was, by the [`window`](Verification::window) of it that decided; none from a
    /// cross-encoder, which has no map, and none for white space.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn explain(&self, query: &str, window: &str, relation: Relation) -> Result<Option<Explanation>, Error> {
        let Scorer::Views(scorer) = &self.scorer else { return Ok(None) };
        if window.trim().is_empty() {
            return Ok(None);
        }
        let ids = [self.encoder.tokens().ids(query)?, self.encoder.tokens().ids(window)?];
        let hidden = self.encoder.token_vectors(&ids)?;
        let views = |i: usize| scorer.views(hidden[i].values(), &ids[i]);
        let (query, candidate) = (views(0).map_err(tensors)?, views(1).map_err(tensors)?);
        let evidence = scorer.evidence(&query, &candidate, relation, &mut Team::alone(), &mut Scratch::default());
        let words = |i: usize| ids[i].iter().map(|id| self.encoder.tokens().word(*id)).collect();
        Ok(Some(Explanation {
            evidence: evidence.map_err(tensors)?,
            query_tokens: words(0),
            candidate_tokens: words(1),
        }))
    }

    fn question<T: AsRef<str> + Sync>(
        &self,
        query: &str,
        candidates: &[T],
        relation: Relation,
    ) -> Result<Question, Error> {
        let tokens = self.encoder.tokens();
        let query_cut = self.reads_only_beginning(query)?;
        let query = tokens.ids(query)?;
        let candidates = candidates.par_iter().map(|text| self.windows(text.as_ref())).collect::<Result<_, _>>()?;
        Ok(Question { query, query_cut, candidates, relation, rejection: Rejection::Mismatch })
    }

    fn windows(&self, text: &str) -> Result<Windows, Error> {
        let tokens = self.encoder.tokens();
        let room = tokens.max_tokens().saturating_sub(tokens.special_tokens()).max(1);
        let options = PassageOptions::new(room, room / 3)?;
        // A tokenizer that cannot read a part of the text says so when the window is read.
        let cut = cut(text, &options, |part| tokens.count(part).unwrap_or(0));
        let ranges: Vec<Range<usize>> = cut.into_iter().map(|passage| passage.bytes).collect();
        let ids = ranges.iter().map(|range| tokens.ids(&text[range.clone()])).collect::<Result<_, _>>()?;
        Ok(Windows { ranges, ids })
    }

    /// A verification for every candidate of every question.
    fn answer(&self, questions: &[Question]) -> Result<Vec<Vec<Verification>>, Error> {
        match &self.scorer {
            Scorer::Joint(_) => questions.par_iter().map(|question| self.answer_jointly(question)).collect(),
            Scorer::Views(scorer) => {
                let texts = |question: &Question| 1 + question.candidates.iter().map(|c| c.ids.len()).sum::<usize>();
                let ids: Vec<Vec<u32>> = questions
                    .iter()
                    .flat_map(|question| {
                        let windows = question.candidates.iter().flat_map(|windows| windows.ids.iter().cloned());
                        std::iter::once(question.query.clone()).chain(windows)
                    })
                    .collect();
                let views = self.views(scorer, &ids)?;
                let mut rest = views.as_slice();
                let mut work = Vec::with_capacity(questions.len());
                for question in questions {
                    let (own, after) = rest.split_at(texts(question));
                    rest = after;
                    work.push((question, own));
                }
                if let [(question, views)] = work[..] {
                    let answer =
                        self.answer_from_views(scorer, question, views, &mut Team::gather(), &mut Scratch::default());
                    return Ok(vec![answer?]);
                }
                let answer = |scratch: &mut Scratch, (question, views): (&Question, &[Views])| {
                    self.answer_from_views(scorer, question, views, &mut Team::alone(), scratch)
                };
                work.into_par_iter().map_init(Scratch::default, answer).collect()
            }
        }
    }

    /// Views are much smaller than the token vectors they are made of, so these are never all there at once.
    fn views(&self, scorer: &ViewScorer, ids: &[Vec<u32>]) -> Result<Vec<Views<'static>>, Error> {
        let mut views = Vec::with_capacity(ids.len());
        for some in ids.chunks(TEXTS_TOGETHER) {
            let hidden = self.encoder.token_vectors(some)?;
            let of_some = hidden.par_iter().zip(some).map(|(hidden, ids)| scorer.views(hidden.values(), ids));
            views.extend(of_some.collect::<Result<Vec<Views>, _>>().map_err(tensors)?);
        }
        Ok(views)
    }

    /// `views` are those of the query and of all windows of all candidates.
    fn answer_from_views(
        &self,
        scorer: &ViewScorer,
        question: &Question,
        views: &[Views],
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<Verification>, Error> {
        let Some((query, mut rest)) = views.split_first() else { return Ok(Vec::new()) };
        let mut kept = Vec::with_capacity(question.candidates.len());
        let mut read = Vec::with_capacity(question.candidates.len());
        for windows in &question.candidates {
            let (own, after) = rest.split_at(windows.ids.len());
            rest = after;
            let coverage = match (own, question.rejection) {
                // The only window decides whatever it covers.
                ([] | [_], Rejection::Mismatch) => vec![1.0; own.len()],
                (several, _) => scorer.coverage(query, several, scratch).map_err(tensors)?,
            };
            let chosen = best(&coverage);
            read.extend(chosen.iter().map(|(window, _)| own[*window].clone()));
            kept.push(chosen);
        }
        let outputs = scorer.score(query, &read, question.relation, team, scratch).map_err(tensors)?;
        Ok(self.joined(question, &kept, &outputs))
    }

    fn answer_jointly(&self, question: &Question) -> Result<Vec<Verification>, Error> {
        let Question { query, candidates, relation, .. } = question;
        let kept: Vec<Vec<(usize, f32)>> =
            candidates.iter().map(|windows| best(&vec![1.0; windows.ids.len()])).collect();
        let windows =
            candidates.iter().zip(&kept).flat_map(|(windows, kept)| kept.iter().map(|(i, _)| &windows.ids[*i]));
        let forward: Vec<(&[u32], &[u32])> = windows.map(|ids| (query.as_slice(), ids.as_slice())).collect();
        let mut outputs = self.joint_outputs(&forward)?;
        if *relation == Relation::Equivalence {
            let backward: Vec<(&[u32], &[u32])> = forward.iter().map(|(query, ids)| (*ids, *query)).collect();
            let other = self.joint_outputs(&backward)?;
            outputs.iter_mut().zip(&other).for_each(|(forward, backward)| *forward = forward.both_orders(backward));
        }
        Ok(self.joined(question, &kept, &outputs))
    }

    fn joint_outputs(&self, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Outputs>, Error> {
        match &self.scorer {
            Scorer::Joint(scorer) => scorer.score(self.encoder.joint_vectors(pairs)?.values()).map_err(tensors),
            Scorer::Views(_) => Ok(Vec::new()),
        }
    }

    /// One verification per candidate out of the outputs of all windows read, one candidate's after the other's.
    fn joined(&self, question: &Question, kept: &[Vec<(usize, f32)>], outputs: &[Outputs]) -> Vec<Verification> {
        let mut rest = outputs;
        let mut verified = Vec::with_capacity(kept.len());
        for (windows, kept) in question.candidates.iter().zip(kept) {
            let (own, after) = rest.split_at(kept.len());
            rest = after;
            let judged: Vec<Window> = kept
                .iter()
                .zip(own)
                .map(|((_, coverage), outputs)| Window {
                    coverage: *coverage,
                    judgement: self.config().judge(outputs, question.relation),
                })
                .collect();
            let combined = match question.rejection {
                Rejection::Mismatch => combine(&judged),
                Rejection::Conflict => combine_passage(&judged, &self.config().thresholds),
            };
            verified.push(match combined {
                None => self.nothing_said(),
                Some((index, mut judgement)) => {
                    let unread =
                        question.query_cut || question.relation == Relation::Equivalence && windows.ranges.len() > 1;
                    if unread && judgement.verdict == Verdict::Accept {
                        judgement.verdict = Verdict::Abstain;
                    }
                    let best_support = own.iter().map(|outputs| outputs.support).fold(f32::NEG_INFINITY, f32::max);
                    let window = windows.ranges[kept[index].0].clone();
                    let coverage = kept[index].1;
                    Verification { judgement, outputs: own[index], best_support, coverage, window }
                }
            });
        }
        verified
    }

    /// The verdict on white space.
    fn nothing_said(&self) -> Verification {
        let nothing = f32::NEG_INFINITY;
        let kinds = [nothing; Kind::COUNT];
        let outputs = Outputs { support: nothing, equivalence: nothing, conflict: nothing, kinds };
        let judgement =
            Judgement { verdict: Verdict::Reject, p_match: 0.0, p_conflict: 0.0, kind: None, conflicts: false };
        Verification { judgement, outputs, best_support: nothing, coverage: -1.0, window: 0..0 }
    }
}

/// What scorers without parameters read of a text at most.
const PARAMETER_FREE_TOKENS: usize = 64;

/// The windows that cover the query best, in their order, with their coverage.
fn best(coverage: &[f32]) -> Vec<(usize, f32)> {
    let mut order: Vec<usize> = (0..coverage.len()).collect();
    order.sort_by(|a, b| coverage[*b].total_cmp(&coverage[*a]));
    order.truncate(MOST_WINDOWS);
    order.sort_unstable();
    order.into_iter().map(|i| (i, coverage[i])).collect()
}

/// Of tensors that come from vetted's own encoder, so whatever is wrong with them is wrong with its weights.
fn tensors(source: vetted_verifier::Error) -> Error {
    Error::Verification(source)
}

#[cfg(test)]
mod tests {
    use super::best;
    use vetted_corpus::pairs;
    use vetted_verifier::Kind;

    /// The verifier depends on no crate that reads files, so it has kinds of its own.
    #[test]
    fn pair_files_and_verifiers_know_the_same_kinds() {
        let of_files: Vec<&str> = pairs::Kind::ALL.iter().map(|kind| kind.name()).collect();
        let of_verifiers: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(of_files, of_verifiers);
    }

    #[test]
    fn the_windows_read_are_those_that_cover_most_in_their_order() {
        let coverage = [0.1, 0.9, 0.3, 0.8, 0.3, 0.7, 0.6, 0.5, 0.4, 0.2];
        let chosen: Vec<usize> = best(&coverage).into_iter().map(|(window, _)| window).collect();
        assert_eq!(chosen, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(best(&[]).is_empty());
    }
}
