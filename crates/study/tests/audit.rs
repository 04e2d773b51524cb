//! The report of an audit, from scores that were chosen so that what must be said is known.

use vetted_evaluation::Error;
use vetted_evaluation::metrics::geometry::Geometry;
use vetted_evaluation::pairs::Groups;
use vetted_pairs::{Label, Pair};
use vetted_study::AuditReport;
use vetted_study::audit::{PairScores, Part, SetScores, Settings, System};

fn settings() -> Settings {
    Settings { max_drop: 0.02, precision: "bf16".into(), resamples: 1000, seed: 0, verified: 20 }
}

fn systems() -> Vec<System> {
    let geometry = Geometry::of(&[1.0, 0.0, 0.0, 1.0, -1.0, 0.5], 2).ok();
    [("plain", Part::Base), ("<tuned> & co", Part::Tuned), ("plain + reader", Part::TwoTier)]
        .map(|(name, part)| System {
            name: name.into(),
            part,
            origin: "somewhere".into(),
            geometry: geometry.filter(|_| part != Part::TwoTier),
        })
        .into()
}

/// Two sets on which the tuned system loses 0.1 and 0.05, and the pipeline nothing.
fn sets() -> Vec<SetScores> {
    let set = |name: &str, queries: usize, loss: f64| {
        let base: Vec<f64> = (0..queries).map(|query| 0.5 + 0.4 * (query as f64 / queries as f64)).collect();
        let tuned = base.iter().map(|score| score - loss).collect();
        SetScores { name: name.into(), documents: 100, ndcg: vec![base.clone(), tuned, base] }
    };
    vec![set("large", 40, 0.1), set("small", 8, 0.05)]
}

/// Matches and near misses of two phenomena: the base cannot tell them apart, the tuned system can tell roles, the pipeline all.
fn pairs() -> (Vec<Pair>, Vec<Vec<f64>>) {
    let (mut pairs, mut scores) = (Vec::new(), vec![Vec::new(); 3]);
    for index in 0..48 {
        let (matches, roles) = (index % 2 == 0, index % 4 < 2);
        let (label, phenomenon) =
            (if matches { Label::Match } else { Label::NoMatch }, if roles { "roles" } else { "negation" });
        pairs.push(Pair { label: Some(label), phenomenon: phenomenon.into(), ..Pair::new(format!("c{index}"), "q") });
        let noise = f64::from(index / 4) / 1000.0;
        scores[0].push(0.9 + noise);
        scores[1].push(if roles && !matches { 0.2 } else { 0.9 } + noise);
        scores[2].push(if matches { 0.95 } else { 0.1 });
    }
    (pairs, scores)
}

fn report() -> Result<AuditReport, Error> {
    let (pairs, scores) = pairs();
    let groups = Groups::new(&pairs)?;
    AuditReport::new(settings(), systems(), &sets(), Some(PairScores { groups: &groups, scores: &scores }))
}

#[test]
fn the_average_counts_sets_alike_and_decides() -> Result<(), Error> {
    let report = report()?;
    let change = report.average[1].change.expect("the tuned system is compared");
    assert!((change.mean + 0.075).abs() < 1e-12 && change.interval.high < 0.0 && change.p_value < 0.01, "{change:?}");
    let [exceeded] = &report.exceeded[..] else { panic!("{:?}", report.exceeded) };
    assert!(exceeded.system == "<tuned> & co" && (exceeded.drop - 0.075).abs() < 1e-12);
    let lenient = AuditReport::new(Settings { max_drop: 0.08, ..settings() }, systems(), &sets(), None)?;
    assert!(lenient.exceeded.is_empty() && lenient.groups.is_empty());
    let untouched = report.average[2].change.expect("the pipeline is compared");
    assert_eq!((untouched.mean, untouched.p_value), (0.0, 1.0));
    Ok(())
}

#[test]
fn pairs_are_reported_as_a_whole_and_by_phenomenon() -> Result<(), Error> {
    let report = report()?;
    let names: Vec<_> =
        report.groups.iter().map(|group| (group.phenomenon.as_deref(), group.matches, group.near_misses)).collect();
    assert_eq!(names, [(None, 24, 24), (Some("negation"), 12, 12), (Some("roles"), 12, 12)]);
    let auc = |group: usize, system: usize| report.groups[group].figures[system].auc.value;
    assert_eq!([auc(1, 0), auc(1, 1), auc(2, 1), auc(0, 2)], [0.5, 0.5, 1.0, 1.0]);
    assert_eq!([report.groups[2].figures[1].overlap, report.groups[1].figures[1].overlap], [0.0, 1.0]);
    assert_eq!(report.distributions[0].matches.iter().sum::<u32>(), 24);
    Ok(())
}

#[test]
fn a_page_stands_alone_and_says_what_to_do() -> Result<(), Error> {
    let report = report()?;
    let (page, text) = (report.html(), report.to_string());
    for must in [
        "Fail:",
        "Do not put &lt;tuned&gt; &amp; co in plain's place",
        "Keep plain for recall",
        "<svg",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(must), "the page lacks {must:?}");
    }
    for must_not in ["<script", "http://", "https://", "<tuned>", "NaN", "inf"] {
        assert!(!page.replace("info", "").contains(must_not), "the page has {must_not:?}");
    }
    for must in ["# What did fine-tuning cost?", "| plain + reader ", "-0.0750", "## What to do"] {
        assert!(text.contains(must), "the text lacks {must:?}:\n{text}");
    }
    let json: serde_json::Value = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(json["systems"][2]["part"], "two-tier");
    assert_eq!(json["exceeded"][0]["system"], "<tuned> & co");
    Ok(())
}

#[test]
fn scores_that_do_not_fit_are_errors() -> Result<(), Error> {
    let mut short = sets();
    short[0].ndcg[1].pop();
    assert!(matches!(
        AuditReport::new(settings(), systems(), &short, None),
        Err(Error::ScoreCount { what: "queries", .. })
    ));
    short[0].ndcg.pop();
    assert!(matches!(
        AuditReport::new(settings(), systems(), &short, None),
        Err(Error::ScoreCount { what: "systems", .. })
    ));
    let (pairs, mut scores) = pairs();
    scores[2].pop();
    let groups = Groups::new(&pairs)?;
    let found = AuditReport::new(settings(), systems(), &[], Some(PairScores { groups: &groups, scores: &scores }));
    assert!(matches!(found, Err(Error::ScoreCount { what: "pairs", expected: 48, got: 47 })));
    Ok(())
}
