//! What a semantic cache may serve: RedisVL's rule (a cosine distance below a threshold), the verifier's equivalence, and a
//! calibration of both, side by side in one run.
//!
//! `cargo run --release -p vetted-study --example semantic_cache -- CALIBRATION BANKING77_FOLDER PAIRS...`
//!
//! CALIBRATION is a file of `vetted calibrate --relation equivalence`, made on other data. PAIRS are files of labelled pairs: each
//! pair is a lookup in a cache that has one entry, and serving it is right if they mean the same. BANKING77_FOLDER has `train.csv`
//! and `test.csv` (a text and its intent): the first is the cache, the second is asked, and serving an entry of the same intent is
//! right. Of each lookup the eight nearest entries are proposed; RedisVL serves the nearest, the others the one with the highest
//! score.
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
use vetted::{Precision, Verdict, Verifier, VerifierOptions};
use vetted_encoder::{Encoder, Options, Role};
use vetted_pairs::{Label, read_labelled};

type Failure = Box<dyn std::error::Error>;

/// Entries that are proposed for each lookup.
const NEAREST: usize = 8;
/// RedisVL's `distance_threshold`.
const REDISVL: f64 = 0.1;
const RESAMPLES: u64 = 500;

/// An entry that may be served for a lookup.
struct Proposal {
    right: bool,
    cosine: f64,
    /// Of the verifier, of the calibration; none where nothing was verified.
    scores: [Option<f64>; 2],
    /// Whether the verifier's own verdict is *accept*.
    accepted: bool,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [calibration, banking, pairs @ ..] = arguments.as_slice() else {
        return Err("usage: semantic_cache CALIBRATION BANKING77_FOLDER PAIRS...".into());
    };
    let calibration = Calibration::read(Path::new(calibration))?;
    let precision = Precision::F32;
    let encoder = Encoder::open(&ensure(DEFAULT_MODEL, &mut |_| {})?, Options { precision, ..Options::default() })?;
    let verifier = Verifier::shipped(VerifierOptions::all_in(precision), &mut |_| {})?;
    let read = Reader { encoder, verifier, calibration };

    let mut sources: BTreeMap<String, Vec<Vec<Proposal>>> = BTreeMap::new();
    for path in pairs {
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
    table("Banking77", &read.banking(Path::new(banking))?);
    Ok(())
}

struct Reader {
    encoder: Encoder,
    verifier: Verifier,
    calibration: Calibration,
}

impl Reader {
    fn proposals(&self, pairs: &[(&str, &str)], right: &[bool]) -> Result<Vec<Proposal>, Failure> {
        let asked: Vec<_> = pairs.iter().map(|(query, entry)| (*query, *entry, Relation::Equivalence)).collect();
        let verdicts = self.verifier.verify_pairs(&asked)?;
        let read = pairs.iter().zip(&verdicts).zip(self.cosines(pairs)?).zip(right);
        let proposals = read.map(|((((query, entry), verdict), cosine), right)| {
            let known = features(verdict, Relation::Equivalence, query, entry, Some(cosine));
            Proposal {
                right: *right,
                cosine,
                scores: [self.of_verifier(known.as_ref()), self.of_calibration(known.as_ref())],
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
        let vectors = |texts: &[(String, String)]| texts.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>();
        let of_entries = self.encoder.embed(&vectors(&entries), Role::Query, team)?;
        let of_lookups = self.encoder.embed(&vectors(&lookups), Role::Query, team)?;
        let of_entries: Vec<&[f32]> = of_entries.iter().collect();
        let nearest = |vector: &[f32]| {
            let mut order: Vec<(f64, usize)> =
                of_entries.iter().enumerate().map(|(at, entry)| (f64::from(dot(vector, entry)), at)).collect();
            order.select_nth_unstable_by(NEAREST, |one, other| other.0.total_cmp(&one.0));
            order.truncate(NEAREST);
            order.sort_by(|one, other| other.0.total_cmp(&one.0));
            order
        };
        let nearest = team.map(of_lookups.iter(), || (), |(), vector, _| nearest(vector));
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
        let score = |proposal: &Proposal| proposal.scores[which].unwrap_or(-1.0);
        let chosen = lookups.iter().filter_map(|it| it.iter().max_by(|a, b| score(a).total_cmp(&score(b))));
        chosen.map(|it| Decision { score: score(it), right: it.right }).collect()
    };
    println!("\n### {name}: n = {}\n", lookups.len());
    println!(
        "| rule | hit rate at 1 % wrong [95 %] | at 2 % [95 %] | wrong served of all, at 2 % | P-CHR AUC (of its ceiling) |"
    );
    println!("|---|---|---|---:|---:|");
    for (rule, decisions) in
        [("cosine, as RedisVL", nearest), ("verifier", best(0)), ("calibration of verifier and cosine", best(1))]
    {
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
