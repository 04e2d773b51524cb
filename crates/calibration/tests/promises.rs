//! Whether the promises are kept: for each of five populations, a thousand draws, each threshold held against the whole
//! population. (Not against a held-out half: its own noise would count as failures.)

use vetted_calibration::{Band, Bound, Decision, Error, Ladder, band, bands, conformal, learn_then_test};

const DRAWS: usize = 1000;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A population by how likely a decision with this score is wrong.
struct Population {
    name: &'static str,
    wrong: fn(f64) -> f64,
    rate: f64,
    decisions: usize,
}

const POPULATIONS: [Population; 5] = [
    Population { name: "errors rise as scores fall", wrong: |s| (1.0 - s) * 0.3, rate: 0.05, decisions: 1000 },
    Population { name: "easy", wrong: |s| if s > 0.3 { 0.003 } else { 0.6 }, rate: 0.02, decisions: 1000 },
    Population {
        name: "sure and wrong: near misses among the highest scores",
        wrong: |s| if s > 0.97 { 0.15 } else { (1.0 - s) * 0.12 },
        rate: 0.05,
        decisions: 2000,
    },
    Population {
        name: "easy, a strict bound",
        wrong: |s| if s > 0.3 { 0.001 } else { 0.5 },
        rate: 0.01,
        decisions: 3000,
    },
    Population { name: "flat, just above the bound", wrong: |_| 0.055, rate: 0.05, decisions: 2000 },
];

impl Population {
    fn all(&self, random: &mut Random) -> Vec<Decision> {
        let decision = |_| {
            let score = random.fraction();
            Decision { score, right: random.fraction() >= (self.wrong)(score) }
        };
        (0..40_000).map(decision).collect()
    }
}

fn draw(population: &[Decision], decisions: usize, random: &mut Random) -> Vec<Decision> {
    (0..decisions).map(|_| population[(random.next() % population.len() as u64) as usize]).collect()
}

/// At most delta of all draws, and two standard errors of a thousand.
fn most_failures(delta: f64) -> usize {
    ((delta + 2.0 * (delta * (1.0 - delta) / DRAWS as f64).sqrt()) * DRAWS as f64) as usize
}

#[test]
fn of_what_is_accepted_no_more_is_wrong_than_promised() -> Result<(), Error> {
    let mut random = Random(20);
    for population in &POPULATIONS {
        let all = population.all(&mut random);
        let mut sorted = all.clone();
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut wrong_of_first = vec![0usize];
        wrong_of_first.extend(sorted.iter().scan(0, |wrong, it| {
            *wrong += usize::from(!it.right);
            Some(*wrong)
        }));
        let bound = Bound::new(population.rate, 0.95)?;
        for learned in [false, true] {
            let (mut failures, mut none, mut coverage) = (0, 0, 0.0);
            for _ in 0..DRAWS {
                let development = draw(&all, 500, &mut random);
                let decisions = draw(&all, population.decisions, &mut random);
                let ladder = match learned {
                    true => Ladder::learned(&development, decisions.len(), bound)?,
                    false => Ladder::new(development.iter().map(|it| it.score), decisions.len(), bound)?,
                };
                let Some(chosen) = learn_then_test(&decisions, &ladder, bound)? else {
                    none += 1;
                    continue;
                };
                let accepted = sorted.partition_point(|it| it.score >= chosen.threshold);
                failures += usize::from(wrong_of_first[accepted] as f64 > population.rate * accepted as f64);
                coverage += accepted as f64 / all.len() as f64;
            }
            println!(
                "{}{}: {failures} failures, {none} without a threshold, coverage {:.2}",
                population.name,
                if learned { ", learned ladder" } else { "" },
                coverage / DRAWS as f64
            );
            assert!(failures <= most_failures(0.05), "{}: {failures} failures", population.name);
            // A promise that is kept by accepting nothing would be no use.
            if population.rate != 0.05 || (population.wrong)(0.5) < 0.05 {
                assert!(none < DRAWS / 3, "{}: nothing is accepted in {none} of {DRAWS}", population.name);
            }
        }
    }
    Ok(())
}

#[test]
fn on_average_no_more_is_accepted_wrongly_than_promised() -> Result<(), Error> {
    let mut random = Random(21);
    for population in &POPULATIONS {
        let all = population.all(&mut random);
        let mut rates = Vec::new();
        for _ in 0..DRAWS {
            let threshold = conformal(&draw(&all, 200, &mut random), population.rate)?;
            let wrong = |it: &&Decision| !it.right && threshold.is_some_and(|threshold| it.score >= threshold);
            rates.push(all.iter().step_by(20).filter(wrong).count() as f64 / (all.len() / 20) as f64);
        }
        let mean = rates.iter().sum::<f64>() / DRAWS as f64;
        let deviation = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>().sqrt() / DRAWS as f64;
        assert!(mean <= population.rate + 2.0 * deviation + 2e-3, "{}: {mean} of {}", population.name, population.rate);
    }
    Ok(())
}

/// How much of what is beyond each score is wrong in truth.
struct Truth {
    /// Falling.
    scores: Vec<f64>,
    wrong_of_first: Vec<usize>,
}

impl Truth {
    fn new(all: &[Decision]) -> Truth {
        let mut sorted = all.to_vec();
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut wrong_of_first = vec![0];
        wrong_of_first.extend(sorted.iter().scan(0, |wrong, it| {
            *wrong += usize::from(!it.right);
            Some(*wrong)
        }));
        Truth { scores: sorted.iter().map(|it| it.score).collect(), wrong_of_first }
    }

    /// Whether a band breaks either of its promises.
    fn broken(&self, band: &Band, accept: f64, reject: f64) -> bool {
        let all = self.scores.len();
        let too_many = |part: usize, of: usize, rate: f64| of > 0 && part as f64 > rate * of as f64;
        let accepts = band.accept.is_some_and(|chosen| {
            let accepted = self.scores.partition_point(|score| *score >= chosen.threshold);
            too_many(self.wrong_of_first[accepted], accepted, accept)
        });
        let rejects = band.reject.is_some_and(|chosen| {
            let above = self.scores.partition_point(|score| *score > chosen.threshold);
            let right = (all - above) - (self.wrong_of_first[all] - self.wrong_of_first[above]);
            too_many(right, all - above, reject)
        });
        accepts || rejects
    }
}

#[test]
fn both_promises_of_a_band_hold_together() -> Result<(), Error> {
    let mut random = Random(22);
    for population in &POPULATIONS {
        // Of the lowest scores nearly all are wrong: there is something to reject.
        let wrong = |score: f64| if score < 0.4 { 0.995 } else { (population.wrong)(score) };
        let decision = |random: &mut Random| {
            let score = random.fraction();
            Decision { score, right: random.fraction() >= wrong(score) }
        };
        let all: Vec<Decision> = (0..40_000).map(|_| decision(&mut random)).collect();
        let truth = Truth::new(&all);
        let (accept, reject) = (Bound::new(population.rate, 0.95)?, Bound::new(0.05, 0.95)?);
        let (mut failures, mut rejecting) = (0, 0);
        for _ in 0..DRAWS {
            let development = draw(&all, 500, &mut random);
            let band = band(&development, &draw(&all, population.decisions, &mut random), accept, Some(reject))?;
            failures += usize::from(truth.broken(&band, population.rate, 0.05));
            rejecting += usize::from(band.reject.is_some());
        }
        println!("{}: {failures} failures, rejecting in {rejecting}", population.name);
        assert!(failures <= most_failures(0.05), "{}: {failures} failures", population.name);
        assert!(rejecting > DRAWS / 2, "{}: rejecting in {rejecting}", population.name);
    }
    Ok(())
}

#[test]
fn the_promises_of_all_segments_hold_together() -> Result<(), Error> {
    let mut random = Random(23);
    // Each population is a segment of one calibration, at one rate.
    let rate = 0.05;
    let segments: Vec<Vec<Decision>> = POPULATIONS.iter().map(|population| population.all(&mut random)).collect();
    let truths: Vec<Truth> = segments.iter().map(|all| Truth::new(all)).collect();
    let bound = Bound::new(rate, 0.95)?;
    let (mut failures, mut accepting) = (0, 0);
    for _ in 0..DRAWS {
        let drawn: Vec<(Vec<Decision>, Vec<Decision>)> =
            segments.iter().map(|all| (draw(all, 300, &mut random), draw(all, 1000, &mut random))).collect();
        let parts =
            drawn.iter().enumerate().map(|(at, (development, decisions))| (at, (&development[..], &decisions[..])));
        let bands = bands(parts, bound, None)?;
        failures += usize::from(bands.iter().any(|(at, band)| truths[*at].broken(band, rate, 0.0)));
        accepting += bands.values().filter(|band| band.accept.is_some()).count();
    }
    println!("segments: {failures} failures, {:.1} of 5 accept", accepting as f64 / DRAWS as f64);
    assert!(failures <= most_failures(0.05), "{failures} failures");
    assert!(accepting > 2 * DRAWS, "too few accept: {accepting} of {}", 5 * DRAWS);
    Ok(())
}
