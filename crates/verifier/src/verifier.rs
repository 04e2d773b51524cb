//! Tier two, ready to be asked: a verifier's files, its base encoder, and texts of any length.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vetted_encoder::{Encoder, ModelFolder, Precision, Replacements, Tensor, TokenEncoder, models};
use vetted_kernels::{Compute, Team};
use vetted_reader::{
    Architecture, Config, Evidence, LexicalTable, Relation, Runtime, Scorer, Scratch, Storage, ViewScorer, Weights,
};

use crate::decide::{Rules, weighing};
use crate::fingerprint::{ViewsFingerprint, fingerprint};
use crate::judging::{Question, Terms};
use crate::second_look::QueryText;
use crate::verification::Verification;
use crate::windows::{Cut, PassageText, Wanted};
use crate::{Error, QueryExtent};

/// Reads a query and a candidate token by token and says whether one vouches for the other.
pub struct Verifier {
    pub(crate) encoder: TokenEncoder,
    pub(crate) scorer: Scorer,
    parameters: usize,
    fingerprint: ViewsFingerprint,
    digest: String,
    precision: Precision,
    pub(crate) compute: Compute,
}

/// Says whether an encoder of this folder is loaded already, to build on; see [`TokenEncoder::over`].
pub type LoadedBase<'a> = &'a dyn Fn(&ModelFolder) -> Option<Arc<Encoder>>;

/// The files of the verifier that comes with vetted, by name; `crates/verifier/weights/vetted-minilm/README.md` is its card.
/// A static: a constant would be in every program once for each crate that names it, which was 24 MB of 86.
pub static SHIPPED_VERIFIER: [(&str, &[u8]); 2] = [
    ("config.json", include_bytes!("../weights/vetted-minilm/config.json")),
    ("model.safetensors", include_bytes!("../weights/vetted-minilm/model.safetensors")),
];

/// How a verifier is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifierOptions {
    /// The arithmetic of the encoder.
    pub precision: Precision,
    /// The arithmetic of the reader.
    pub reader: Precision,
    /// How the views of texts are kept.
    pub storage: Storage,
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

/// So many pairs are answered at once: enough to keep all cores busy, few enough to hold.
const PAIRS_TOGETHER: usize = 512;

impl VerifierOptions {
    /// Encoder and reader in one arithmetic, views in bytes.
    pub fn all_in(precision: Precision) -> VerifierOptions {
        VerifierOptions { precision, reader: precision, storage: Storage::default() }
    }
}

impl Verifier {
    /// The verifier that comes with vetted. Its base encoder is fetched if it is not there.
    ///
    /// # Errors
    /// When the base encoder cannot be fetched or read.
    pub fn shipped(
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        Verifier::shipped_over(&|_| None, options, progress)
    }

    /// As [`shipped`](Self::shipped), over an encoder that is loaded already where `loaded` has one: it shares what is equal.
    ///
    /// # Errors
    /// As [`shipped`](Self::shipped).
    pub fn shipped_over(
        loaded: LoadedBase<'_>,
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let [(_, config), (_, weights)] = SHIPPED_VERIFIER;
        Verifier::from_bytes(Path::new("the shipped verifier"), config, weights, loaded, options, progress)
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
        Verifier::open_over(folder, &|_| None, options, progress)
    }

    /// As [`open`](Self::open), over an encoder that is loaded already where `loaded` has one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_over(
        folder: &Path,
        loaded: LoadedBase<'_>,
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Unreadable { path, source })
        };
        Verifier::from_bytes(folder, &read("config.json")?, &read("model.safetensors")?, loaded, options, progress)
    }

    /// Computes on these processors, instead of those that the whole process shares.
    pub fn with_compute(self, compute: Compute) -> Verifier {
        Verifier { compute, ..self }
    }

    /// The processors that it computes on.
    pub fn compute(&self) -> &Compute {
        &self.compute
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
            scorer.map_err(|source| Error::Unusable { path: PathBuf::from("a scorer without parameters"), source })?;
        let fingerprint = fingerprint(scorer.config(), None, options);
        let (scorer, compute) = (Scorer::Views(Box::new(scorer)), Compute::of_this_process());
        // A formula has no files: its description is all there is.
        let digest = verifier_digest(format!("{:?}", scorer.config()).as_bytes(), &[]);
        let precision = options.precision;
        Ok(Verifier { encoder, scorer, parameters: 0, fingerprint, digest, precision, compute })
    }

    fn from_bytes(
        path: &Path,
        config: &[u8],
        weights: &[u8],
        loaded: LoadedBase<'_>,
        options: VerifierOptions,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Verifier, Error> {
        let fault = |source| Error::Unusable { path: path.into(), source };
        let digest = verifier_digest(config, weights);
        let config = Config::parse(config).map_err(fault)?;
        let weights = Weights::parse(weights).map_err(fault)?;
        let fingerprint = fingerprint(&config, Some(&weights), options);
        let replaced = weights.replaced().map_err(fault)?;
        let parameters = weights.parameters() + replaced.iter().map(|tensor| tensor.values.len()).sum::<usize>();
        let replacements: Replacements = replaced
            .into_iter()
            .map(|tensor| (tensor.name, Tensor { shape: tensor.shape, values: tensor.values }))
            .collect();
        let base = models::ensure(&config.base.name, progress)?;
        let max_tokens = config.encoder.max_tokens;
        let encoder = match loaded(&base).filter(|encoder| encoder.precision() == options.precision) {
            Some(encoder) => TokenEncoder::over(&encoder, replacements, max_tokens)?,
            None => TokenEncoder::open(&base, replacements, options.precision, max_tokens)?,
        };
        config.check_base(encoder.base_sha256()).map_err(fault)?;
        if config.base.hidden != encoder.dimensions() {
            let (expected, got) = (encoder.dimensions(), config.base.hidden);
            return Err(fault(vetted_reader::Error::Length { what: "base.hidden in config.json", expected, got }));
        }
        let compares_words = matches!(&config.architecture, Architecture::MapTransformer(shape) if shape.lexical);
        let lexical = match compares_words {
            true => Some(LexicalTable::new(encoder.words(), encoder.dimensions(), options.storage).map_err(fault)?),
            false => None,
        };
        let runtime = Runtime { precision: options.reader, storage: options.storage, lexical };
        let scorer = Scorer::load(config, &weights, runtime).map_err(fault)?;
        let (precision, compute) = (options.precision, Compute::of_this_process());
        Ok(Verifier { encoder, scorer, parameters, fingerprint, digest, precision, compute })
    }

    /// Its description.
    pub fn config(&self) -> &Config {
        self.scorer.config()
    }

    /// How many numbers differ from the base encoder's or come on top of them; 0 of a formula.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// A digest of its files ([`verifier_digest`]): two verifiers with the same one say the same, but for rounding.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The arithmetic of its encoder.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What tells the views that it makes from those of every other verifier.
    pub fn views_fingerprint(&self) -> ViewsFingerprint {
        self.fingerprint
    }

    /// Whether views that were kept under this fingerprint are such as it makes itself.
    pub fn makes_views_of(&self, fingerprint: &[u8]) -> bool {
        fingerprint == self.fingerprint
    }

    /// How many of its encoder's lowest layers are those of `encoder`, in memory once.
    pub fn shared_layers(&self, encoder: &Encoder) -> usize {
        self.encoder.shared_layers(encoder)
    }

    /// Whether its outputs are trained logits, not similarities.
    pub fn is_trained(&self) -> bool {
        use Architecture::{Cosine, F0, F1, F2};
        !matches!(self.config().architecture, Cosine | F0 | F1 | F2(_))
    }

    /// Judges each candidate against the query, in their order.
    ///
    /// Nothing is accepted on text that was not read. Of a query longer than the verifier reads ([`Config::encoder`]) the
    /// beginning is read, and what does not contradict that is unverified. Of a longer candidate its sentences are judged one by
    /// one, the eight that have most of the query (of a cross-encoder, the first eight windows of several sentences), and one
    /// of them decides; it may support a query, but whether it says the same stays unverified. So does a candidate of white
    /// space.
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
        let _verify = tracing::debug_span!("verifier.verify", candidates = candidates.len()).entered();
        let candidates: Vec<&str> = candidates.iter().map(AsRef::as_ref).collect();
        let verified = self.verify_queries(&[(query, &candidates, relation)], &mut self.compute.team())?;
        Ok(verified.into_iter().flatten().collect())
    }

    /// As [`verify`](Self::verify), of several queries together, on a team that the caller has: queries of different callers share
    /// batches, and each gets what it would have got alone. Of an empty query every candidate is unverified, as if it had no
    /// text.
    ///
    /// # Errors
    /// Those of the encoder; one query's error is that of all.
    pub fn verify_queries(
        &self,
        queries: &[(&str, &[&str], Relation)],
        team: &mut Team,
    ) -> Result<Vec<Vec<Verification>>, Error> {
        let mut asked = Vec::with_capacity(queries.len());
        for (query, candidates, relation) in queries {
            asked.push(match query.trim().is_empty() {
                true => self.question(query, &vec![""; candidates.len()], *relation, team)?,
                false => self.question(query, candidates, *relation, team)?,
            });
        }
        self.answer_and_look(asked, queries.iter().map(|(_, candidates, _)| *candidates), team)
    }

    /// What is said about the candidates of each query, once the windows that decided have been looked at.
    fn answer_and_look<'a>(
        &self,
        asked: Vec<(QueryText, Question)>,
        candidates: impl Iterator<Item = &'a [&'a str]>,
        team: &mut Team,
    ) -> Result<Vec<Vec<Verification>>, Error> {
        let (texts, questions): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let terms: Vec<Terms> = questions.iter().map(|question| question.terms).collect();
        let answers = self.answer(questions, team)?;
        let mut verified = Vec::with_capacity(answers.len());
        for (((answers, text), terms), candidates) in answers.into_iter().zip(&texts).zip(terms).zip(candidates) {
            let windows = answers.into_iter().zip(candidates).map(|(answer, candidate)| deciding(answer, candidate));
            verified.push(self.look_again(text, terms, windows.collect(), team)?);
        }
        Ok(verified)
    }

    /// Judges pairs of a query and a candidate, each with its own relation: for evaluations, where every pair has another
    /// query. Of an empty query every candidate is unverified, as if it had no text.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn verify_pairs(&self, pairs: &[(&str, &str, Relation)]) -> Result<Vec<Verification>, Error> {
        let team = &mut self.compute.team();
        let question = |(): &mut (), (query, candidate, relation): &(&str, &str, Relation), team: &mut Team| {
            let candidate = if query.trim().is_empty() { "" } else { candidate };
            self.question(query, &[candidate], *relation, team)
        };
        let mut verified = Vec::with_capacity(pairs.len());
        for some in pairs.chunks(PAIRS_TOGETHER) {
            let asked = team.map(some, || (), question).into_iter().collect::<Result<Vec<_>, _>>()?;
            let candidates = some.iter().map(|(_, candidate, _)| std::slice::from_ref(candidate));
            verified.extend(self.answer_and_look(asked, candidates, team)?.into_iter().flatten());
        }
        Ok(verified)
    }

    /// Why a candidate was judged as it was, by the [`window`](crate::Assessment::window) of it that decided; none from a
    /// cross-encoder, which has no map, and none for white space.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn explain(&self, query: &str, window: &str, relation: Relation) -> Result<Option<Explanation>, Error> {
        self.explain_with(query, &window.into(), relation, &mut self.compute.team())
    }

    /// As [`explain`](Self::explain), of a window with what stands above it, on a team that the caller has.
    ///
    /// # Errors
    /// As [`explain`](Self::explain).
    pub fn explain_with(
        &self,
        query: &str,
        window: &PassageText,
        relation: Relation,
        team: &mut Team,
    ) -> Result<Option<Explanation>, Error> {
        let Scorer::Views(scorer) = &self.scorer else { return Ok(None) };
        if window.text.trim().is_empty() {
            return Ok(None);
        }
        let _explain = tracing::debug_span!("verifier.explain").entered();
        let read = match window.lead.is_empty() {
            true => self.encoder.tokens().ids(&window.text)?,
            // A heading may be a window of its own.
            false => self.passage_windows(window)?.ids.into_iter().max_by_key(Vec::len).unwrap_or_default(),
        };
        let ids = [self.encoder.tokens().ids(query)?, read];
        let hidden = self.encoder.token_vectors(&ids, team)?;
        let views = |i: usize| scorer.views(hidden[i].values(), &ids[i]);
        let (query, candidate) = (views(0).map_err(tensors)?, views(1).map_err(tensors)?);
        let weighing = |outputs: &_| weighing(&self.judge(outputs, relation), &self.config().thresholds);
        let evidence = scorer.evidence(&query, &candidate, relation, weighing, team, &mut Scratch::default());
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
        team: &mut Team,
    ) -> Result<(QueryText, Question), Error> {
        let is_cut = self.is_cut(query)?;
        let extent = match is_cut {
            _ if self.is_foreign(query) => QueryExtent::Foreign,
            true => QueryExtent::Beginning,
            false => QueryExtent::Whole,
        };
        let terms = Terms { extent, relation, rules: Rules::Pair };
        // Of two questions that may mean the same, each is read as it stands.
        let text = self.query_text(query, is_cut || relation == Relation::Equivalence)?;
        let ids = self.encoder.tokens().ids(&text.read)?;
        let wanted = Wanted::new(query, &ids);
        let windows = |text: &T| self.windows_for(&wanted, text.as_ref(), self.cut_of(text.as_ref(), relation)?);
        let candidates = team.try_map(candidates, windows)?;
        Ok((text, Question { query: ids, candidates, terms }))
    }

    /// How a candidate is cut that is too long. One sentence tells whether it supports a query, and what stands beside it
    /// misleads; two long texts say the same only as a whole. A cross-encoder cannot tell which sentences are worth reading.
    fn cut_of(&self, candidate: &str, relation: Relation) -> Result<Cut, Error> {
        Ok(match (relation, &self.scorer) {
            (Relation::Support, Scorer::Views(_)) if self.is_cut(candidate)? => Cut::Sentences,
            _ => Cut::Overlapping,
        })
    }

    /// Whether a text is longer than what is read of it at once.
    pub(crate) fn is_cut(&self, text: &str) -> Result<bool, Error> {
        let tokens = self.encoder.tokens();
        // A text of so many bytes is too long, whatever its words: no need to count them all.
        Ok(text.len() > 64 * tokens.max_tokens() || tokens.count(text)? + tokens.special_tokens() > tokens.max_tokens())
    }

    pub(crate) fn view_scorer(&self) -> Option<&ViewScorer> {
        match &self.scorer {
            Scorer::Views(scorer) => Some(scorer),
            Scorer::Joint(_) => None,
        }
    }
}

/// The SHA-256 of a verifier's `config.json` and `model.safetensors`, in hexadecimal. The first names the digest of the base
/// encoder, so that stands for it, too.
pub fn verifier_digest(config: &[u8], weights: &[u8]) -> String {
    let mut digest = vetted_tensors::digest::Digest::default();
    digest.update_delimited(config);
    digest.update_delimited(weights);
    digest.hex()
}

/// A verification with the part of the candidate that decided; without one, with nothing.
pub(crate) fn deciding(verification: Verification, candidate: &str) -> (Verification, &str) {
    let window = verification.assessment().and_then(|read| candidate.get(read.window.clone())).unwrap_or_default();
    (verification, window)
}

/// What scorers without parameters read of a text at most.
const PARAMETER_FREE_TOKENS: usize = 64;

/// Of tensors that come from vetted's own encoder, so whatever is wrong with them is wrong with its weights.
pub(crate) fn tensors(source: vetted_reader::Error) -> Error {
    Error::Reader(source)
}
