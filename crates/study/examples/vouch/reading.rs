//! Questions put to an index of their source's passages, and all that is known of each passage that is found: kept in a file,
//! so that weights can be fitted and compared without reading anything again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use vetted::{Document, Engine, Grounds, Mode, Outcome, Passages, Policy, Search, Verify};
use vetted_corpus::{ReadOptions, input, read};
use vetted_evaluation::Dataset;
use vetted_evaluation::interval::SplitMix64;
use vetted_pairs::squad;
use vetted_study::twins::{self, Options, plant};

use crate::Failure;

/// So many passages of a source are indexed at most, and so many questions and twins asked.
const PASSAGES: usize = 1500;
const QUESTIONS: usize = 250;
const TWINS: usize = 120;

/// So many candidates are verified.
const DEPTH: usize = 20;

/// What was asked, and what was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// The name of the data.
    pub source: String,
    /// How the query is put, and what for.
    pub form: Form,
    /// The query.
    pub query: String,
    /// What documents were ranked by.
    pub mode: String,
    /// What was verified, in recall's order.
    pub candidates: Vec<Read>,
}

/// Where a query comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A question of the data.
    Question,
    /// A statement that a passage supports and its twin does not.
    TwinStatement,
    /// A question that a passage answers and its twin does not.
    TwinQuestion,
}

/// All that is known of a candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Read {
    /// Its id.
    pub id: String,
    /// Whether it answers the query, or supports it.
    pub right: bool,
    /// Whether it is the near-miss that was planted for the query.
    pub twin: bool,
    /// The cosine with the query.
    pub cosine: f32,
    /// The verdict; why it was rejected or not verified; and the finding, where it was read.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// The finding.
    pub finding: String,
    /// The probability of the match.
    pub p_match: f32,
}

/// A source: passages, and questions with those of them that answer.
#[derive(Default)]
pub struct Source {
    name: String,
    documents: Vec<Document>,
    questions: Vec<(String, HashSet<String>)>,
    twins: bool,
}

impl Source {
    /// Questions with paragraphs, in SQuAD's format: a paragraph answers the questions that it has.
    pub fn squad(path: &Path) -> Result<Source, Failure> {
        let mut source = Source { name: name_of(path), twins: true, ..Source::default() };
        let mut ids: HashMap<String, String> = HashMap::new();
        let mut asked: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for paragraph in squad::read(path)? {
            let id = source.id_of(&mut ids, &paragraph.text);
            for question in paragraph.questions {
                let right = asked.entry(question.text.trim().to_owned()).or_default();
                right.insert(id.clone());
            }
        }
        source.questions = asked.into_iter().collect();
        Ok(source)
    }

    /// Rows of `source split question passage label answer gold_sentence kind`: those of these sources (`one,two`) and this kind.
    pub fn questions(path: &Path, sources: &str, kinds: &str) -> Result<Source, Failure> {
        let wanted = |list: &str, value: &str| list.split(',').any(|it| it == value);
        let name = format!(
            "{}-{}",
            sources.split(',').next().unwrap_or_default(),
            kinds.split(',').next().unwrap_or_default()
        );
        let mut source = Source { name, twins: true, ..Source::default() };
        let mut ids = HashMap::new();
        let mut asked: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for line in BufReader::new(input::open(path)?.bytes).lines().skip(1) {
            let line = line?;
            let columns: Vec<&str> = line.split('\t').collect();
            let [of, _, question, passage, label, _, _, kind, ..] = columns.as_slice() else {
                return Err(format!("{}: too few columns in {line:?}", path.display()).into());
            };
            if !wanted(sources, of) || !wanted(kinds, kind) || passage.trim().is_empty() {
                continue;
            }
            let id = source.id_of(&mut ids, passage);
            let right = asked.entry(question.trim().to_owned()).or_default();
            right.extend((*label == "1").then_some(id));
        }
        source.questions = asked.into_iter().collect();
        Ok(source)
    }

    /// A BEIR folder: twins of documents that are relevant to a query of this split. Its own queries are not asked, for a
    /// relevant document need not answer.
    pub fn beir(folder: &Path, split: &str) -> Result<Source, Failure> {
        let dataset = Dataset::load(folder, split)?;
        let documents =
            read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()).collect::<Result<Vec<_>, _>>()?;
        let relevant = dataset.qrels.iter().flat_map(|(_, judged)| judged.iter().map(|(id, _)| id.to_owned()));
        // One query, never asked, whose right documents are those to edit.
        let questions = vec![(String::new(), relevant.collect())];
        Ok(Source { name: name_of(folder), documents, questions, twins: true })
    }

    fn id_of(&mut self, ids: &mut HashMap<String, String>, text: &str) -> String {
        let next = format!("p{}", ids.len());
        let documents = &mut self.documents;
        let id = ids.entry(text.to_owned()).or_insert_with(|| {
            documents.push(Document { id: next.clone(), text: text.to_owned(), ..Document::default() });
            next
        });
        id.clone()
    }

    /// Some of the questions, with their passages and others to search among. No two passages overlap: of a paragraph that was
    /// cut in several ways one cut is there, and only questions about that are asked. So nothing counts as wrong that has the
    /// answer.
    fn sampled(&mut self) {
        let mut random = SplitMix64(1);
        shuffle(&mut self.questions, &mut random);
        shuffle(&mut self.documents, &mut random);
        let by_id: HashMap<&str, &Document> = self.documents.iter().map(|it| (it.id.as_str(), it)).collect();
        let mut chosen = Chosen::default();
        let mut kept = Vec::new();
        for (question, right) in &self.questions {
            if kept.len() < QUESTIONS && right.iter().all(|id| chosen.fits(by_id[id.as_str()])) {
                let mut right: Vec<&String> = right.iter().collect();
                right.sort();
                right.retain(|id| chosen.take(by_id[id.as_str()]));
                kept.push((question.clone(), right.into_iter().cloned().collect()));
            }
        }
        for document in &self.documents {
            if chosen.ids.len() < PASSAGES {
                chosen.take(document);
            }
        }
        let ids = chosen.ids;
        self.questions = kept;
        self.documents.retain(|document| ids.contains(&document.id));
    }

    /// Indexes the passages, asks everything, and writes what is found to `NAME.jsonl` in a folder.
    pub fn read_to(mut self, folder: &Path, mode: Mode) -> Result<(), Failure> {
        let is_collection = self.questions.iter().all(|(text, _)| text.is_empty());
        if !is_collection {
            self.sampled();
        }
        let temporary = tempfile::tempdir()?;
        let engine = Engine::builder(temporary.path().join("index")).passages(Passages::default()).open_or_create()?;
        for batch in self.documents.chunks(256) {
            engine.upsert(batch.to_vec())?;
        }
        let mut out = BufWriter::new(File::create(folder.join(format!("{}.{}.jsonl", self.name, name_of_mode(mode))))?);
        let asking = Asking { engine: &engine, source: &self.name, mode };
        let questions: Vec<(String, HashSet<String>, String)> = self
            .questions
            .iter()
            .filter(|(text, _)| !text.is_empty())
            .map(|(text, right)| (text.clone(), right.clone(), String::new()))
            .collect();
        asking.write(Form::Question, &questions, &mut out)?;
        if self.twins {
            let right: HashSet<&String> = self.questions.iter().flat_map(|(_, right)| right).collect();
            let edited: Vec<Document> = self.documents.iter().filter(|it| right.contains(&it.id)).cloned().collect();
            let planted = plant(&edited, &Options { twins: TWINS, ..Options::default() });
            let twins: Vec<Document> = planted.twins.iter().map(|twin| twin.document.clone()).collect();
            engine.upsert(twins)?;
            for (form, asked_as) in
                [(twins::Form::Statement, Form::TwinStatement), (twins::Form::Question, Form::TwinQuestion)]
            {
                let asked: Vec<_> = planted
                    .queries
                    .iter()
                    .filter(|it| it.form == form)
                    .map(|it| {
                        let twin = &planted.twins[it.twin];
                        (it.text.clone(), HashSet::from([twin.original.clone()]), twin.document.id.clone())
                    })
                    .collect();
                asking.write(asked_as, &asked, &mut out)?;
            }
        }
        out.flush()?;
        Ok(())
    }
}

/// Passages no two of which overlap.
#[derive(Default)]
struct Chosen {
    ids: HashSet<String>,
    /// Runs of so many words, and whose they are.
    runs: HashMap<String, String>,
}

impl Chosen {
    const RUN: usize = 8;

    fn runs_of(document: &Document) -> Vec<String> {
        let words: Vec<&str> = document.text.split_whitespace().collect();
        let run = Self::RUN.min(words.len()).max(1);
        words.windows(run).map(|words| words.join(" ").to_lowercase()).collect()
    }

    fn fits(&self, document: &Document) -> bool {
        let own = |run: &String| self.runs.get(run).is_none_or(|of| *of == document.id);
        Self::runs_of(document).iter().all(own)
    }

    /// Takes a passage, unless it overlaps another one.
    fn take(&mut self, document: &Document) -> bool {
        if !self.fits(document) {
            return false;
        }
        self.ids.insert(document.id.clone());
        let runs = Self::runs_of(document).into_iter().map(|run| (run, document.id.clone()));
        self.runs.extend(runs);
        true
    }
}

/// What asking takes.
struct Asking<'a> {
    engine: &'a Engine,
    source: &'a str,
    mode: Mode,
}

impl Asking<'_> {
    fn write(
        &self,
        form: Form,
        queries: &[(String, HashSet<String>, String)],
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let verify = Verify { policy: Policy::Flag, depth: DEPTH, ..Verify::default() };
        let mode = name_of_mode(self.mode).to_owned();
        for some in queries.chunks(8) {
            let searches: Vec<Search> =
                some.iter().map(|(text, ..)| Search::new(text).mode(self.mode).k(DEPTH).verify(verify)).collect();
            for ((query, right, twin), ranked) in some.iter().zip(self.engine.rank_many(&searches)) {
                let mut candidates = Vec::new();
                for hit in ranked?.hits {
                    let judgement = hit.outcome.assessment().map(|found| found.judgement);
                    let read = Read {
                        right: right.contains(&hit.id),
                        twin: hit.id == *twin,
                        id: hit.id,
                        cosine: hit.scores.dense.unwrap_or_default(),
                        verdict: hit.outcome.verdict().map(|it| it.to_string()).unwrap_or_default(),
                        reason: match &hit.outcome {
                            Outcome::Reject(_, Grounds::Contradicts) => "contradicts".into(),
                            Outcome::Reject(_, Grounds::Rival { .. }) => "rival".into(),
                            Outcome::Unverified(why) => why.name().into(),
                            _ => String::new(),
                        },
                        finding: judgement.map(|it| it.finding.to_string()).unwrap_or_default(),
                        p_match: judgement.map(|it| it.p_match).unwrap_or_default(),
                    };
                    candidates.push(read);
                }
                let (source, query) = (self.source.to_owned(), query.clone());
                serde_json::to_writer(&mut *out, &Asked { source, mode: mode.clone(), form, query, candidates })?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

fn name_of_mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Dense => "dense",
        Mode::Hybrid(_) => "hybrid",
        Mode::Bm25 => "bm25",
    }
}

/// What was kept of all sources in a folder.
pub fn kept(folder: &Path) -> Result<Vec<Asked>, Failure> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut asked = Vec::new();
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "jsonl")) {
        for line in BufReader::new(File::open(file)?).lines() {
            asked.push(serde_json::from_str(&line?)?);
        }
    }
    Ok(asked)
}

fn shuffle<T>(items: &mut [T], random: &mut SplitMix64) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

/// A file's name up to its first point.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}
