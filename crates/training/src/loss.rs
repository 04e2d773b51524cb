//! What training makes small.

use candle_core::{D, Result, Tensor};

use crate::batches::Shard;
use crate::recipe::Recipe;

/// A shard's part of the batch's loss: the binary cross-entropies of support, equivalence and conflict and the
/// cross-entropy over kinds, each over the pairs whose label is known, and the contrastive loss; all over the weight of the
/// whole batch, so that the shards' losses, and gradients, add up to the batch's.
pub(crate) fn loss(logits: &Tensor, shard: &Shard, recipe: &Recipe) -> Result<Tensor> {
    let device = logits.device();
    let (pairs, kinds) = (shard.targets.len(), recipe.kinds.len());
    let outputs = 3 + kinds;
    let weights = [recipe.weights.support, recipe.weights.equivalence, recipe.weights.conflict];
    let (mut labels, mut label_weights) = (vec![0f32; 3 * pairs], vec![0f32; 3 * pairs]);
    let mut kind_weights = vec![0f32; kinds * pairs];
    for (pair, target) in shard.targets.iter().enumerate() {
        let share = target.weight / shard.total;
        for (output, label) in target.labels.iter().enumerate() {
            if let Some(label) = label {
                labels[3 * pair + output] = f32::from(u8::from(*label));
                label_weights[3 * pair + output] = weights[output] as f32 * share;
            }
        }
        if let Some(kind) = target.kind {
            kind_weights[kinds * pair + kind] = recipe.weights.kind as f32 * share;
        }
    }
    let labelled = logits.narrow(0, 0, pairs)?;
    let x = labelled.narrow(1, 0, 3)?;
    let labels = Tensor::from_vec(labels, (pairs, 3), device)?;
    let entropy = ((x.relu()? - (&x * labels)?)? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    let mut loss = (entropy * Tensor::from_vec(label_weights, (pairs, 3), device)?)?.sum_all()?;
    if kinds > 0 && kind_weights.iter().any(|weight| *weight > 0.0) {
        let kind_weights = Tensor::from_vec(kind_weights, (pairs, kinds), device)?;
        let entropy = (log_softmax(&labelled.narrow(1, 3, kinds)?)? * kind_weights)?.sum_all()?;
        loss = (loss - entropy)?;
    }
    if let (Some(contrast), Some(first)) = (recipe.contrast, shard.contrasts.first()) {
        let width = 1 + first.negatives.len();
        let mut places = Vec::with_capacity(width * shard.contrasts.len());
        for contrasted in &shard.contrasts {
            let rows = std::iter::once(&contrasted.positive).chain(&contrasted.negatives);
            places.extend(rows.map(|row| (row * outputs + contrasted.output) as u32));
        }
        let count = places.len();
        let scores = logits.flatten_all()?.index_select(&Tensor::from_vec(places, count, device)?, 0)?;
        let scores = (scores.reshape((shard.contrasts.len(), width))? / contrast.temperature)?;
        let weights: Vec<f32> =
            shard.contrasts.iter().map(|c| c.weight * contrast.weight as f32 / shard.total).collect();
        let weights = Tensor::from_vec(weights, shard.contrasts.len(), device)?;
        loss = (loss - (log_softmax(&scores)?.narrow(1, 0, 1)?.squeeze(1)? * weights)?.sum_all()?)?;
    }
    Ok(loss)
}

fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let x = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?;
    x.broadcast_sub(&x.exp()?.sum_keepdim(D::Minus1)?.log()?)
}
