//! What a semantic cache may serve: RedisVL's rule (a cosine distance below a threshold), a cross-encoder, the verifier's
//! equivalence, and a calibration of verifier and cosine, side by side in one run.
//!
//! ```sh
//! cache() { cargo run --release -p vetted-study --example semantic_cache -- "$@"; }
//! cache log BANKING77_FOLDER > log.tsv     # what a cache of this domain would have logged, with feedback; for `vetted calibrate`
//! cache compare CALIBRATION CROSS_ENCODER pairs PAIRS...
//! cache compare CALIBRATION CROSS_ENCODER banking77 BANKING77_FOLDER
//! ```
//!
//! CALIBRATION is a file of `vetted calibrate --relation equivalence`, made on other data. CROSS_ENCODER is the folder of one, or
//! `none`. PAIRS are files of labelled pairs: each pair is a lookup in a cache that has one entry, and serving it is right if they
//! mean the same. BANKING77_FOLDER has `train.csv` and `test.csv` (a text and its intent): the first is the cache, the second is
//! asked, and serving an entry of the same intent is right. `log` asks each text of the first against the others. Of each lookup
//! the eight nearest entries are proposed; RedisVL serves the nearest, the others the one with the highest score.
//!
//! Thresholds are the best in hindsight, which flatters all alike; RedisVL's own default (a distance of 0.1) and the verifier's own
//! verdict stand in rows of their own. Intervals are bootstraps over lookups.

use std::collections::BTreeMap;
use std::path::Path;

use vetted::calibrated::{MATCH, cosine, features};
use vetted::calibration::operational::Operational;
use vetted::calibration::{Calibration, Decision, Features, probability};
use vetted::models::{DEFAULT_MODEL, ensure};
use vetted::reader::Relation;
use vetted::{Compute, Team, Verdict, Verifier, VerifierOptions};
use vetted_encoder::{Encoder, Options, Role};
use vetted_pairs::{Label, read_labelled};
use vetted_study::scorers::{Named, load};

type Failure = Box<dyn std::error::Error>;

/// Entries that are proposed for each lookup.
const NEAREST: usize = 8;
/// RedisVL's `distance_threshold`.
const REDISVL: f64 = 0.1;
const RESAMPLES: u64 = 500;
/// Below every score.
const NOT_READ: f64 = -1e9;
/// Others that each text is logged with.
const LOGGED: usize = 2;

/// An entry that may be served for a lookup.
struct Proposal {
    right: bool,
    cosine: f64,
    /// Of the cross-encoder, of the verifier, of the calibration; none where nothing was verified.
    scores: [Option<f64>; 3],
    /// Whether the verifier's own verdict is *accept*.
    accepted: bool,
}

const USAGE: &str = "usage: semantic_cache log BANKING77_FOLDER
       semantic_cache compare CALIBRATION CROSS_ENCODER|none (pairs PAIRS... | banking77 FOLDER)";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["log", folder] => log(Path::new(folder)),
        ["compare", calibration, cross_encoder, what, paths @ ..] => {
            let reader = Reader::open(Path::new(calibration), cross_encoder)?;
            match (*what, paths) {
                ("pairs", paths) => of_pairs(&reader, paths),
                ("banking77", [folder]) => {
                    table("Banking77", &reader.banking(Path::new(folder))?);
                    Ok(())
                }
                _ => Err(USAGE.into()),
            }
        }
        _ => Err(USAGE.into()),
    }
}

/// Writes each text of the cache with the nearest others, and whether they have its intent.
fn log(folder: &Path) -> Result<(), Failure> {
    let (encoder, compute) = (encoder()?, Compute::default());
    let entries = intents(&folder.join("train.csv"))?;
    let team = &mut compute.team();
    let vectors = encoder.embed(&texts(&entries), Role::Query, team)?;
    // The nearest of all is the text itself.
    let nearest = nearest(&vectors.iter().collect::<Vec<_>>(), &vectors.iter().collect::<Vec<_>>(), LOGGED + 1, team);
    println!("source\tsplit\tphenomenon\tequiv\traw_label\ts1\ts2\trelation");
    for (at, (text, intent)) in entries.iter().enumerate() {
        for (_, other) in nearest[at].iter().filter(|(_, other)| *other != at).take(LOGGED) {
            let (stored, of) = &entries[*other];
            let same = u8::from(intent == of);
            println!("banking77\ttrain\tlookup\t{same}\t{same}\t{stored}\t{text}\tequivalence");
        }
    }
    Ok(())
}

fn of_pairs(read: &Reader, paths: &[&str]) -> Result<(), Failure> {
    let mut sources: BTreeMap<String, Vec<Vec<Proposal>>> = BTreeMap::new();
    for path in paths {
        let labelled = read_labelled(path)?.collect::<Result<Vec<_>, _>>()?;
        let pairs: Vec<_> =
            labelled.iter().filter(|it| it.relation == Relation::Equivalence && it.label.is_some()).collect();
        let texts: Vec<_> = pairs.iter().map(|it| (it.query.as_str(), it.candidate.as_str())).collect();
        let right: Vec<bool> = pairs.iter().map(|it| it.label == Some(Label::Match)).collect();
        for (pair, proposal) in pairs.iter().zip(read.proposals(&texts, &right)?) {
            sources.entry(pair.source.clone()).or_default().push(vec![proposal]);
        }
    }
    // Where everything or nothing is right, there is nothing to choose.
    sources.retain(|_, lookups| [true, false].iter().all(|right| lookups.iter().any(|it| it[0].right == *right)));
    for (source, lookups) in &sources {
        table(source, lookups);
    }
    let all: Vec<&Vec<Proposal>> = sources.values().flatten().collect();
    table("all pairs together", &all);
    Ok(())
}

fn encoder() -> Result<Encoder, Failure> {
    Ok(Encoder::open(&ensure(DEFAULT_MODEL, &mut |_| {})?, Options::default())?)
}

struct Reader {
    encoder: Encoder,
    verifier: Verifier,
    calibration: Calibration,
    cross_encoder: Option<Named>,
}

impl Reader {
    fn open(calibration: &Path, cross_encoder: &str) -> Result<Reader, Failure> {
        Ok(Reader {
            encoder: encoder()?,
            verifier: Verifier::shipped(VerifierOptions::default(), &mut |_| {})?,
            calibration: Calibration::read(calibration)?,
            cross_encoder: match cross_encoder {
                "none" => None,
                folder => Some(load(folder, VerifierOptions::default(), &|_| {})?),
            },
        })
    }

    fn proposals(&self, pairs: &[(&str, &str)], right: &[bool]) -> Result<Vec<Proposal>, Failure> {
        let asked: Vec<_> = pairs.iter().map(|(query, entry)| (*query, *entry, Relation::Equivalence)).collect();
        let verdicts = self.verifier.verify_pairs(&asked)?;
        let by_cross_encoder = match &self.cross_encoder {
            Some(named) => named.verifier.verify_pairs(&asked)?,
            None => Vec::new(),
        };
        let read = pairs.iter().zip(&verdicts).zip(self.cosines(pairs)?).zip(right).enumerate();
        let proposals = read.map(|(at, ((((query, entry), verdict), cosine), right))| {
            let known = features(verdict, Relation::Equivalence, query, entry, Some(cosine));
            Proposal {
                right: *right,
                cosine,
                scores: [
                    by_cross_encoder.get(at).map(|it| f64::from(it.outputs().equivalence)),
                    self.of_verifier(known.as_ref()),
                    self.of_calibration(known.as_ref()),
                ],
                accepted: verdict.verdict() == Verdict::Accept,
            }
        });
        Ok(proposals.collect())
    }

    fn of_verifier(&self, features: Option<&Features>) -> Option<f64> {
        Some(probability(features?.get(MATCH)?))
    }

    fn of_calibration(&self, features: Option<&Features>) -> Option<f64> {
        self.calibration.decide(features?, None).probability
    }

    /// Also of pairs that the verifier does not read.
    fn cosines(&self, pairs: &[(&str, &str)]) -> Result<Vec<f64>, Failure> {
        let (queries, entries): (Vec<&str>, Vec<&str>) = pairs.iter().copied().unzip();
        let team = &mut self.verifier.compute().team();
        let [queries, entries] = [queries, entries].map(|texts| self.encoder.embed(&texts, Role::Query, team));
        Ok(queries?.iter().zip(entries?.iter()).map(|(query, entry)| cosine(query, entry)).collect())
    }

    fn banking(&self, folder: &Path) -> Result<Vec<Vec<Proposal>>, Failure> {
        let [entries, lookups] = ["train.csv", "test.csv"].map(|name| intents(&folder.join(name)));
        let (entries, lookups) = (entries?, lookups?);
        let team = &mut self.verifier.compute().team();
        let of_entries = self.encoder.embed(&texts(&entries), Role::Query, team)?;
        let of_lookups = self.encoder.embed(&texts(&lookups), Role::Query, team)?;
        let (of_entries, of_lookups) = (of_entries.iter().collect::<Vec<_>>(), of_lookups.iter().collect::<Vec<_>>());
        let nearest = nearest(&of_lookups, &of_entries, NEAREST, team);
        let (mut pairs, mut right) = (Vec::new(), Vec::new());
        for ((text, intent), nearest) in lookups.iter().zip(&nearest) {
            for (_, at) in nearest {
                pairs.push((text.as_str(), entries[*at].0.as_str()));
                right.push(entries[*at].1 == *intent);
            }
        }
        let mut proposals = self.proposals(&pairs, &right)?.into_iter();
        Ok(lookups.iter().map(|_| proposals.by_ref().take(NEAREST).collect()).collect())
    }
}

/// Of each asked vector the nearest stored ones, with their cosines.
fn nearest(asked: &[&[f32]], stored: &[&[f32]], count: usize, team: &mut Team) -> Vec<Vec<(f64, usize)>> {
    let nearest = |vector: &[f32]| {
        let mut order: Vec<(f64, usize)> =
            stored.iter().enumerate().map(|(at, entry)| (f64::from(dot(vector, entry)), at)).collect();
        order.select_nth_unstable_by(count, |one, other| other.0.total_cmp(&one.0));
        order.truncate(count);
        order.sort_by(|one, other| other.0.total_cmp(&one.0));
        order
    };
    team.map(asked.iter(), || (), |(), vector, _| nearest(vector))
}

fn texts(of: &[(String, String)]) -> Vec<String> {
    of.iter().map(|(text, _)| text.clone()).collect()
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Texts and their intents, from lines `text,intent`, where a text with commas has quotation marks around it.
fn intents(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let line = |line: &str| {
        let (text, intent) = line.rsplit_once(',')?;
        Some((text.trim_matches('"').replace("\"\"", "\""), intent.to_owned()))
    };
    // A text may go on over several lines; such a part has no intent.
    Ok(text.lines().skip(1).filter_map(line).filter(|(_, intent)| !intent.contains(' ')).collect())
}

/// What would be served for each lookup, by each rule.
fn table<Lookup: AsRef<[Proposal]>>(name: &str, lookups: &[Lookup]) {
    let lookups: Vec<&[Proposal]> = lookups.iter().map(AsRef::as_ref).collect();
    let nearest: Vec<Decision> =
        lookups.iter().map(|it| Decision { score: it[0].cosine, right: it[0].right }).collect();
    let best = |which: usize| -> Vec<Decision> {
        let score = |proposal: &Proposal| proposal.scores[which].unwrap_or(NOT_READ);
        let chosen = lookups.iter().filter_map(|it| it.iter().max_by(|a, b| score(a).total_cmp(&score(b))));
        chosen.map(|it| Decision { score: score(it), right: it.right }).collect()
    };
    println!("\n### {name}: n = {}\n", lookups.len());
    println!(
        "| rule | hit rate at 1 % wrong [95 %] | at 2 % [95 %] | wrong served of all, at 2 % | P-CHR AUC (of its ceiling) |"
    );
    println!("|---|---|---|---:|---:|");
    let rules = [
        ("cosine, as RedisVL", nearest),
        ("cross-encoder", best(0)),
        ("verifier", best(1)),
        ("calibration of verifier and cosine", best(2)),
    ];
    for (rule, decisions) in rules {
        if decisions.iter().all(|it| it.score == NOT_READ) {
            continue;
        }
        let Ok(Some(measured)) = Operational::new(&decisions) else { continue };
        let rates = [0.01, 0.02].map(|rate| {
            let (low, high) = interval(&decisions, rate);
            format!("{:.3} [{low:.3}, {high:.3}]", measured.hit_rate_in_hindsight(rate))
        });
        let unsafe_served = measured.points.iter().filter(|it| 1.0 - it.precision <= 0.02);
        let unsafe_served = unsafe_served.map(|it| it.hit_rate * (1.0 - it.precision)).next_back().unwrap_or(0.0);
        println!(
            "| {rule} | {} | {} | {unsafe_served:.4} | {:.3} ({:.2}) |",
            rates[0], rates[1], measured.p_chr_auc, measured.of_ceiling
        );
    }
    println!("\n| rule as it comes | hit rate | wrong of what is served | wrong of all |");
    println!("|---|---:|---:|---:|");
    let redisvl = |it: &&[Proposal]| it.first().filter(|it| 1.0 - it.cosine <= REDISVL).map(|it| it.right);
    let accepted = |it: &&[Proposal]| it.iter().find(|it| it.accepted).map(|it| it.right);
    let rules: [(&str, Vec<Option<bool>>); 2] = [
        ("RedisVL, distance 0.1", lookups.iter().map(redisvl).collect()),
        ("first that the verifier accepts", lookups.iter().map(accepted).collect()),
    ];
    for (rule, served) in rules {
        let hits = served.iter().flatten().count() as f64;
        let wrong = served.iter().flatten().filter(|right| !**right).count() as f64;
        let all = served.len() as f64;
        println!("| {rule} | {:.3} | {:.3} | {:.4} |", hits / all, wrong / hits.max(1.0), wrong / all);
    }
}

/// The middle 95 % of hit rates in hindsight, over resamples of the lookups.
fn interval(decisions: &[Decision], rate: f64) -> (f64, f64) {
    let mut chance = 1u64;
    let mut rates: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn: Vec<Decision> = (0..decisions.len())
                .map(|_| {
                    // SplitMix64 (Steele, Lea, Flood 2014).
                    chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let mut z = chance;
                    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    decisions[((z ^ (z >> 31)) % decisions.len() as u64) as usize]
                })
                .collect();
            Some(Operational::new(&drawn).ok()??.hit_rate_in_hindsight(rate))
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let at = |part: f64| rates.get((rates.len() as f64 * part) as usize).copied().unwrap_or(0.0);
    (at(0.025), at(0.975))
}
