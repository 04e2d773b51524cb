//! Every figure of the study in one table for other programs.

use super::{Encoder, Figure, Separated, Study, Training};
use vetted_evaluation::Error;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::mean;

const HEADER: &str = "experiment,base,model,share,steps,rate,seed,on,metric,value,low,high,n\n";

/// One line a figure; intervals of means of queries are bootstraps.
pub(super) fn csv(study: &Study, bootstrap: &Bootstrap) -> Result<String, Error> {
    let mut csv = String::from(HEADER);
    let mut line = |cells: [String; 8], metric: &str, figure: Figure| {
        let Figure { value, interval: [low, high], n } = figure;
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        csv += &format!("{},{metric},{value:.6},{low:.6},{high:.6},{n}\n", cells.join(","));
    };
    for encoder in &study.encoders {
        let cells = |on: &str| {
            let [model, share, steps, rate, seed] = described(encoder);
            ["encoders".into(), encoder.base.clone(), model, share, steps, rate, seed, on.into()]
        };
        for set in &encoder.sets {
            let interval = bootstrap.mean(&set.ndcg)?.into();
            line(cells(&set.name), "ndcg@10", Figure { value: mean(&set.ndcg), interval, n: set.ndcg.len() });
        }
        for group in &encoder.structure {
            line(cells(&on(group)), "auc", area(group));
        }
    }
    for verifier in &study.verifiers {
        for group in &verifier.structure {
            let made = super::tables::made(verifier);
            let model = format!("{}, {made}", verifier.name);
            let [a, b, c, d] = [(); 4].map(|()| String::new());
            line(["verifiers".into(), verifier.base.clone(), model, a, b, c, d, on(group)], "auc", area(group));
        }
    }
    for fix in &study.fixes {
        let figures = [
            ("ndcg@10", Some(fix.ndcg)),
            ("near miss first", fix.served),
            ("right in 10", fix.found),
            ("abstained", fix.abstained),
        ];
        for (metric, figure) in figures.into_iter().filter_map(|(metric, figure)| Some((metric, figure?))) {
            let [a, b, c, d, e] = [(); 5].map(|()| String::new());
            line(["fixes".into(), a, fix.name.clone(), b, c, d, e, fix.set.clone()], metric, figure);
        }
    }
    Ok(csv)
}

fn described(encoder: &Encoder) -> [String; 5] {
    let Some(Training { share, steps, rate, seed, .. }) = encoder.training else {
        return ["untouched", "", "", "", ""].map(String::from);
    };
    let model = if share == 0.0 { "A" } else { "B" };
    [model.to_owned(), share.to_string(), steps.to_string(), format!("{rate:e}"), seed.to_string()]
}

fn on(group: &Separated) -> String {
    super::tables::group_name(group).replace("**", "")
}

fn area(group: &Separated) -> Figure {
    Figure { value: group.auc, interval: group.interval, n: group.matches + group.near_misses }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
