//! From checked decisions to a calibration and a report on it.

use std::collections::{BTreeMap, HashSet};

use vetted_pairs::Relation;

use crate::binomial::{upper, wilson};
use crate::bound::Decision;
use crate::calibration::{Calibration, Data, Made, Missing, Model, Promise, Side, Threshold, Thresholds};
use crate::fit::fit;
use crate::learn_then_test::opposite;
use crate::measured::Measured;
use crate::score::{Features, probability};
use crate::split::Split;
use crate::{Band, Bound, Chosen, Error, Need, Report, bands, conformal, decisions_needed};

/// A decision that somebody checked, with all that is known about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// What tells right from wrong. None where the verifier gave no verdict: such a decision is never accepted.
    pub features: Option<Features>,
    /// Whether accepting is right.
    pub right: bool,
    /// Its segment, where thresholds are to differ by segment.
    pub segment: Option<String>,
    /// The texts that it is about. Decisions that share one stay on one side of the division into development and test.
    pub texts: Vec<String>,
}

/// What a calibration is to promise, and what goes into its file.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What was asked about the texts.
    pub relation: Relation,
    /// What is promised.
    pub promise: Promise,
    /// The features, by name. The first is the one that has to be beaten: the others are taken only if they tell right from
    /// wrong clearly better than it does alone, on decisions that they were not fitted on.
    pub features: &'a [&'a str],
    /// Whose decisions these are.
    pub verifier: Option<Model>,
    /// The encoder whose cosine is among the features.
    pub encoder: Option<Model>,
    /// The name of the feature that the encoder gives.
    pub encoder_feature: &'a str,
    /// The SHA-256 of the data.
    pub data_sha256: String,
    /// The column that names segments, if thresholds are to differ by segment.
    pub segment_column: Option<String>,
    /// By which vetted, and when.
    pub made: Made,
}

/// A decision with its score.
struct Scored<'a> {
    decision: Decision,
    segment: &'a str,
}

/// Makes a calibration.
///
/// The decisions are divided by a digest of their texts ([`Split`]). On the development part the features' weights are fitted
/// and the thresholds laid out that may be chosen; on the rest they are tested, once.
///
/// # Errors
/// [`Error::Empty`], [`Error::OneClass`], [`Error::NoScores`], [`Error::NoSegment`], [`Error::NotANumber`]. That no threshold
/// qualifies is not an error: the calibration then accepts nothing, and says what is missing.
pub fn calibrate(checked: &[Checked], request: Request<'_>) -> Result<Report, Error> {
    let (checked, repeated) = distinct(checked);
    check(&checked, &request)?;
    let split = Split::new(checked.iter().map(|it| it.texts.as_slice()));
    let (score, fits) = fit(&checked, &split, request.features)?;

    let by_segment = request.segment_column.is_some();
    let scored = |development: bool| {
        let mut scored = Vec::new();
        for (it, side) in checked.iter().zip(&split.development) {
            if let Some(score) = it.features.as_ref().filter(|_| *side == development).and_then(|it| score.logit(it)) {
                scored.push(Scored {
                    decision: Decision { score, right: it.right },
                    segment: segment_name(it, by_segment),
                });
            }
        }
        scored
    };
    let (development, test) = (scored(true), scored(false));
    if development.len() + test.len() == 0 {
        return Err(Error::NoScores { decisions: checked.len() });
    }
    let of_side = |development: bool| split.development.iter().filter(|side| **side == development).count();
    let whole = checked.len() as f64 / of_side(false).max(1) as f64;

    let mut segments: BTreeMap<&str, Segment> = BTreeMap::new();
    for (it, side) in checked.iter().zip(&split.development) {
        segments.entry(segment_name(it, by_segment)).or_default().asked += u64::from(!*side);
    }
    for it in &development {
        segments.entry(it.segment).or_default().development.push(it.decision);
    }
    for it in &test {
        segments.entry(it.segment).or_default().test.push(it.decision);
    }
    let thresholds = thresholds(&segments, &request, whole)?;
    let takes_encoder = score.takes(request.encoder_feature);
    let calibration = Calibration {
        made: request.made,
        relation: request.relation,
        promise: request.promise,
        verifier: request.verifier,
        encoder: request.encoder.filter(|_| takes_encoder),
        data: Data {
            sha256: request.data_sha256,
            split_sha256: split.sha256.clone(),
            decisions: checked.len() as u64,
            repeated,
            right: checked.iter().filter(|it| it.right).count() as u64,
            grouped_by: split.grouped_by,
            groups: split.group_count as u64,
            largest_group: split.largest as u64,
            development: of_side(true) as u64,
            test: of_side(false) as u64,
            unverified: (checked.len() - development.len() - test.len()) as u64,
        },
        score,
        segment_column: request.segment_column,
        thresholds,
    }
    .into_written();
    let decisions: Vec<Decision> = test.iter().map(|it| it.decision).collect();
    let development: Vec<Decision> = development.iter().map(|it| it.decision).collect();
    let segments: Vec<&str> = test.iter().map(|it| it.segment).collect();
    let measured = Measured::new(&calibration, &development, &decisions, &segments, whole, fits)?;
    Ok(Report { calibration, measured })
}

/// All decisions are one segment without a name, unless thresholds differ by segment.
fn segment_name(checked: &Checked, by_segment: bool) -> &str {
    checked.segment.as_deref().filter(|_| by_segment).unwrap_or_default()
}

/// A segment's part of both sides.
#[derive(Default)]
struct Segment {
    development: Vec<Decision>,
    test: Vec<Decision>,
    /// Decisions of the test, the unverified ones included.
    asked: u64,
}

/// Decisions without those that say the same about the same texts, and how many these are.
fn distinct(checked: &[Checked]) -> (Vec<&Checked>, u64) {
    let mut repeats = Repeats::default();
    let distinct: Vec<&Checked> =
        checked.iter().filter(|it| repeats.is_new(&it.texts, it.right, it.segment.as_deref())).collect();
    let repeated = (checked.len() - distinct.len()) as u64;
    (distinct, repeated)
}

/// Finds decisions that say the same about the same texts: a pair that stands there ten times is one observation. Of decisions
/// without texts, nobody knows.
#[derive(Default)]
pub(crate) struct Repeats<'a>(HashSet<(&'a [String], bool, Option<&'a str>)>);

impl<'a> Repeats<'a> {
    pub(crate) fn is_new(&mut self, texts: &'a [String], right: bool, segment: Option<&'a str>) -> bool {
        texts.len() < 2 || self.0.insert((texts, right, segment))
    }
}

fn check(checked: &[&Checked], request: &Request<'_>) -> Result<(), Error> {
    let Some(first) = checked.first() else { return Err(Error::Empty) };
    if checked.iter().all(|it| it.right == first.right) {
        return Err(Error::OneClass { decisions: checked.len(), right: first.right });
    }
    let not_a_number = |it: &&Checked| it.features.as_ref().is_some_and(|it| it.iter().any(|(_, x)| x.is_nan()));
    if let Some(at) = checked.iter().position(not_a_number) {
        return Err(Error::NotANumber { position: at + 1 });
    }
    let unnamed = |it: &&Checked| it.segment.as_deref().is_none_or(|name| name.trim().is_empty());
    match checked.iter().position(|it| request.segment_column.is_some() && unnamed(it)) {
        Some(at) => Err(Error::NoSegment { position: at + 1 }),
        None => Ok(()),
    }
}

fn thresholds(segments: &BTreeMap<&str, Segment>, request: &Request<'_>, whole: f64) -> Result<Vec<Thresholds>, Error> {
    let name = |name: &str| request.segment_column.as_ref().map(|_| name.to_owned());
    let mut all = Vec::with_capacity(segments.len());
    match request.promise {
        Promise::Accepted { accept, reject } => {
            let parts = segments.iter().map(|(name, it)| (*name, (&it.development[..], &it.test[..])));
            let promises = segments.len() * if reject.is_some() { 2 } else { 1 };
            for (segment, band) in bands(parts, accept, reject)? {
                let it = &segments[segment];
                let Band { accept: accepted, reject: rejected } = band;
                let accept_side = side(accepted, it, &it.test, accept.one_of(promises), whole)?;
                let reject_side = match reject {
                    Some(bound) => Some(side(rejected, it, &opposite(&it.test), bound.one_of(promises), whole)?),
                    None => None,
                };
                all.push(Thresholds {
                    segment: name(segment),
                    decisions: it.asked,
                    accept: accept_side,
                    reject: reject_side,
                });
            }
        }
        Promise::Marginal { accept, reject } => {
            for (segment, it) in segments {
                let accept = marginal(&it.test, it, accept, false, whole)?;
                let reject = reject.map(|rate| marginal(&opposite(&it.test), it, rate, true, whole)).transpose()?;
                all.push(Thresholds { segment: name(segment), decisions: it.asked, accept, reject });
            }
        }
    }
    Ok(all)
}

/// What was chosen, or what is missing, in the words of the file.
fn side(
    chosen: Option<Chosen>,
    segment: &Segment,
    decisions: &[Decision],
    bound: Bound,
    whole: f64,
) -> Result<Side, Error> {
    let Some(Chosen { threshold, accepted, wrong, upper, .. }) = chosen else {
        return Ok(Side::Nothing(missing(decisions, bound, whole)?));
    };
    let coverage = wilson(accepted, segment.asked);
    let probability = probability(threshold);
    Ok(Side::Threshold(Threshold { score: threshold, probability, beyond: accepted, wrong, upper, coverage }))
}

/// What a bound takes that these decisions do not show; `whole` is how many labelled decisions make one of the test.
pub(crate) fn missing(decisions: &[Decision], bound: Bound, whole: f64) -> Result<Missing, Error> {
    let have = decisions.len() as u64;
    let more = match decisions_needed(decisions, bound)? {
        // What would do on average did not do here: it takes a little luck less.
        Need::About(needed) => Some(((needed.max(have + have / 4 + 1) - have) as f64 * whole).ceil() as u64),
        Need::NoNumber => None,
    };
    Ok(Missing { decisions: have, fewest: bound.fewest_accepts() as u64, more })
}

/// The threshold of conformal risk control, or what is missing.
fn marginal(
    decisions: &[Decision],
    segment: &Segment,
    rate: f64,
    is_rejection: bool,
    whole: f64,
) -> Result<Side, Error> {
    let have = decisions.len() as u64;
    // n / (n + 1) * 0 + 1 / (n + 1) <= rate
    let fewest = (1.0 / rate - 1.0).ceil().max(1.0) as u64;
    match conformal(decisions, rate)? {
        Some(threshold) => {
            let beyond = decisions.iter().filter(|it| it.score >= threshold);
            let (mut accepted, mut wrong) = (0, 0);
            beyond.for_each(|it| {
                accepted += 1;
                wrong += u64::from(!it.right);
            });
            let score = if is_rejection { -threshold } else { threshold };
            let coverage = wilson(accepted, segment.asked);
            let upper = upper(wrong, have, 0.05)?;
            Ok(Side::Threshold(Threshold {
                score,
                probability: probability(score),
                beyond: accepted,
                wrong,
                upper,
                coverage,
            }))
        }
        None => {
            let more = (have < fewest).then(|| ((fewest - have) as f64 * whole).ceil() as u64);
            Ok(Side::Nothing(Missing { decisions: have, fewest, more }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decisions of which the first feature tells a part and the second the rest.
    fn checked(n: usize, second: bool) -> Vec<Checked> {
        let random = |i: usize, salt: u64| {
            let mut z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        };
        let one = |i: usize| {
            let (a, b) = (8.0 * random(i, 1) - 4.0, 8.0 * random(i, 2) - 4.0);
            let logit = 2.0 * a + if second { 2.0 * b } else { 0.0 };
            Checked {
                features: (i % 50 != 7).then(|| Features::from([("match", a), ("cosine", b)])),
                right: random(i, 3) < probability(logit),
                segment: Some(["north", "south"][i % 2].into()),
                texts: vec![format!("question {i}"), format!("answer {i}")],
            }
        };
        (0..n).map(one).collect()
    }

    pub(crate) fn request<'a>(promise: Promise, features: &'a [&'a str]) -> Request<'a> {
        let model = |name: &str| Model { name: name.into(), sha256: "ab".repeat(32), precision: "f32".into() };
        Request {
            relation: Relation::Equivalence,
            promise,
            features,
            verifier: Some(model("vetted")),
            encoder: Some(model("encoder")),
            encoder_feature: "cosine",
            data_sha256: "cd".repeat(32),
            segment_column: None,
            made: Made { vetted: "0.1.0".into(), date: "2026-12-01".into() },
        }
    }

    const BOTH: &[&str] = &["match", "cosine"];

    #[test]
    fn a_second_feature_is_kept_where_it_helps_and_only_there() -> Result<(), Error> {
        let promise = Promise::accepted(0.05, None, 0.95)?;
        for helps in [true, false] {
            let Report { calibration, measured } = calibrate(&checked(4000, helps), request(promise, BOTH))?;
            assert_eq!(calibration.score.takes("cosine"), helps, "{:?}", measured.fits);
            assert_eq!(calibration.encoder.is_some(), helps, "an encoder that is not asked need not be there");
            assert_eq!(measured.fits.iter().map(|fit| fit.kept).collect::<Vec<_>>(), [!helps, helps]);
            let threshold = calibration.thresholds[0].accept.threshold().expect("it is easy");
            assert!(threshold.wrong as f64 <= 0.05 * threshold.beyond as f64 && threshold.coverage.share > 0.3);
            assert_eq!(calibration.data.unverified, 80);
        }
        Ok(())
    }

    #[test]
    fn a_calibration_decides_as_it_was_tested() -> Result<(), Error> {
        let all = checked(6000, true);
        let promise = Promise::accepted(0.05, Some(0.05), 0.95)?;
        let Report { calibration, .. } = calibrate(&all, request(promise, BOTH))?;
        let split = Split::new(all.iter().map(|it| it.texts.as_slice()));
        let mut counts = [0u64; 4];
        for (it, _) in all.iter().zip(&split.development).filter(|(_, development)| !**development) {
            let Some(features) = &it.features else { continue };
            match calibration.decide(features, None).ruling {
                crate::Ruling::Accept => {
                    counts[0] += 1;
                    counts[1] += u64::from(!it.right);
                }
                crate::Ruling::Reject => {
                    counts[2] += 1;
                    counts[3] += u64::from(it.right);
                }
                crate::Ruling::Abstain => {}
            }
        }
        let accept = calibration.thresholds[0].accept.threshold().expect("something is accepted");
        let reject = calibration.thresholds[0].reject.expect("it was asked for");
        let reject = reject.threshold().expect("something is rejected");
        assert_eq!(counts, [accept.beyond, accept.wrong, reject.beyond, reject.wrong]);
        assert!(accept.score > reject.score);
        assert_eq!(calibration.decide(&Features::default(), None).ruling, crate::Ruling::Abstain);
        Ok(())
    }

    #[test]
    fn each_segment_has_its_threshold_and_others_have_none() -> Result<(), Error> {
        let mut all = checked(6000, true);
        // In the south half of it is wrong, whatever the features say.
        all.iter_mut().enumerate().filter(|(i, _)| i % 2 == 1).for_each(|(i, it)| it.right = i % 4 == 1);
        let promise = Promise::accepted(0.05, None, 0.95)?;
        let by_segment = Request { segment_column: Some("region".into()), ..request(promise, BOTH) };
        let Report { calibration, .. } = calibrate(&all, by_segment.clone())?;
        assert_eq!(calibration.segments().collect::<Vec<_>>(), ["north", "south"]);
        let sure = Features::from([("match", 4.0), ("cosine", 4.0)]);
        for (segment, ruling) in [
            (Some("north"), crate::Ruling::Accept),
            (Some("south"), crate::Ruling::Abstain),
            (Some("west"), crate::Ruling::Abstain),
            (None, crate::Ruling::Abstain),
        ] {
            assert_eq!(calibration.decide(&sure, segment).ruling, ruling, "{segment:?}");
        }
        let Side::Nothing(missing) = calibration.thresholds[1].accept else { panic!("half is wrong") };
        assert_eq!(missing.more, None, "no number of such decisions would do");
        all[3].segment = None;
        assert_eq!(calibrate(&all, by_segment), Err(Error::NoSegment { position: 4 }));
        Ok(())
    }

    #[test]
    fn what_cannot_be_promised_is_said_with_what_is_missing() -> Result<(), Error> {
        let promise = Promise::accepted(0.01, None, 0.95)?;
        let Report { calibration, .. } = calibrate(&checked(200, true), request(promise, BOTH))?;
        let Side::Nothing(Missing { decisions, fewest, more }) = calibration.thresholds[0].accept else {
            panic!("{calibration:?}")
        };
        assert!(decisions < fewest && fewest == 299 && more.is_some_and(|more| more > 200), "{more:?}");
        assert!(!calibration.accepts_anything());
        // An average takes far fewer.
        let Report { calibration, .. } = calibrate(&checked(200, true), request(Promise::marginal(0.02, None)?, BOTH))?;
        assert!(calibration.accepts_anything());
        Ok(())
    }

    #[test]
    fn what_cannot_be_calibrated_on_is_refused() -> Result<(), Error> {
        let request = request(Promise::accepted(0.05, None, 0.95)?, BOTH);
        let mut right = checked(100, true);
        right.iter_mut().for_each(|it| it.right = true);
        let mut unread = checked(100, true);
        unread.iter_mut().for_each(|it| it.features = None);
        let mut odd = checked(100, true);
        odd[4].features = Some(Features::from([("match", f64::NAN), ("cosine", 0.0)]));
        for (decisions, error) in [
            (Vec::new(), Error::Empty),
            (right, Error::OneClass { decisions: 100, right: true }),
            (unread, Error::NoScores { decisions: 100 }),
            (odd, Error::NotANumber { position: 5 }),
        ] {
            assert_eq!(calibrate(&decisions, request.clone()), Err(error));
        }
        // A pair that stands there ten times is one observation.
        let all = checked(300, true);
        let tenfold: Vec<Checked> = all.iter().cycle().take(3000).cloned().collect();
        let (once, often) = (calibrate(&all, request.clone())?, calibrate(&tenfold, request)?);
        assert_eq!(often.calibration.data.repeated, 2700);
        assert_eq!(once.calibration.thresholds, often.calibration.thresholds);
        Ok(())
    }
}
