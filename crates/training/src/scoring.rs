//! What a network says about pairs it does not learn from.

use crate::Error;
use crate::batches::{Set, scoring};
use crate::model::{Bound, Model, Pass, Worker};

/// Pairs that are scored together.
const BATCH: usize = 32;

/// The logits of every pair, those of symmetric pairs averaged over both orders.
pub(crate) fn score(model: &Model, bound: &Bound, workers: &[Worker], set: &Set) -> Result<Vec<Vec<f32>>, Error> {
    let mut order: Vec<usize> = (0..set.pairs.len()).collect();
    order.sort_by_key(|index| set.pairs[*index].query.len() + set.pairs[*index].candidate.len());
    let batches: Vec<&[usize]> = order.chunks(BATCH).collect();
    let one = |batch: &[usize], worker: &Worker| -> Result<Vec<Vec<f32>>, Error> {
        let pairs: Vec<_> = batch.iter().map(|index| &set.pairs[*index]).collect();
        let input = scoring(&model.architecture, &pairs);
        let mut logits: Vec<Vec<f32>> = model.logits(bound, &input, worker, &mut Pass::Evaluation)?.to_vec2()?;
        let turned = logits.split_off(pairs.len());
        let symmetric = logits.iter_mut().zip(&pairs).filter(|(_, pair)| pair.symmetric).map(|(logits, _)| logits);
        for (logits, turned) in symmetric.zip(turned) {
            logits.iter_mut().zip(turned).for_each(|(a, b)| *a = (*a + b) / 2.0);
        }
        Ok(logits)
    };
    let scored = std::thread::scope(|scope| {
        let handles: Vec<_> = workers
            .iter()
            .enumerate()
            .map(|(first, worker)| {
                let (batches, one, step) = (&batches, &one, workers.len());
                let mine = move || batches.iter().skip(first).step_by(step).map(|batch| one(batch, worker)).collect();
                scope.spawn(mine)
            })
            .collect();
        let joined = handles.into_iter().map(|handle| handle.join().map_err(|_| Error::Worker)?);
        joined.collect::<Result<Vec<Vec<Vec<Vec<f32>>>>, Error>>()
    })?;
    let mut all = vec![Vec::new(); set.pairs.len()];
    for (first, batches_of_worker) in scored.into_iter().enumerate() {
        let mine = batches.iter().skip(first).step_by(workers.len());
        for (batch, logits) in mine.zip(batches_of_worker) {
            batch.iter().zip(logits).for_each(|(index, logits)| all[*index] = logits);
        }
    }
    Ok(all)
}
