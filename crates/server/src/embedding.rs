//! Texts to vectors.

use vetted::{Compute, Deadline, Team};
use vetted_encoder::{Encoder, Role};

use crate::error::Failure;
use crate::queue::{Item, Work};
use crate::reading::{check_tokens, count_tokens};

/// Texts to be encoded.
pub(crate) struct Embedding {
    pub(crate) texts: Vec<String>,
    pub(crate) role: Role,
    pub(crate) most_tokens: usize,
    pub(crate) done: Embedded,
}

/// What was encoded.
#[derive(Default)]
pub(crate) struct Embedded {
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) tokens: Option<usize>,
}

/// So many texts are encoded together.
const TEXTS_TOGETHER: usize = 128;
/// And of one request beside others at least so many.
const FEWEST_OF_ONE: usize = 8;

impl Work for Embedding {
    type Answer = Embedded;

    fn units(&self) -> usize {
        self.texts.len()
    }
}

/// A step of each: some of its texts are encoded, all together.
pub(crate) fn step(encoder: &Encoder, compute: &Compute, items: &mut [Item<Embedding>]) {
    let deadline = match items {
        [item] => item.deadline.clone(),
        _ => Deadline::none(),
    };
    let mut team = match compute.enter(&deadline) {
        Ok(team) => team,
        Err(expired) => {
            items.iter_mut().for_each(|item| item.outcome = Some(Err(expired.into())));
            return;
        }
    };
    let each = (TEXTS_TOGETHER / items.len().max(1)).max(FEWEST_OF_ONE);
    for item in items.iter_mut().filter(|item| item.work.done.tokens.is_none()) {
        let texts: Vec<&str> = item.work.texts.iter().map(String::as_str).collect();
        let most = item.work.most_tokens;
        match count_tokens(encoder, &texts, &mut team).and_then(|tokens| check_tokens(tokens, most).map(|()| tokens)) {
            Ok(tokens) => item.work.done.tokens = Some(tokens),
            Err(failure) => item.outcome = Some(Err(failure)),
        }
    }
    let mut open: Vec<&mut Item<Embedding>> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
    if encode(encoder, &mut open, each, &mut team).is_err() {
        // One text's fault is no other's.
        for item in &mut open {
            if let Err(failure) = encode(encoder, std::slice::from_mut(item), each, &mut team) {
                item.outcome = Some(Err(failure));
            }
        }
    }
    for item in open.into_iter().filter(|item| item.work.done.vectors.len() == item.work.texts.len()) {
        item.outcome = Some(Ok(std::mem::take(&mut item.work.done)));
    }
}

fn encode(encoder: &Encoder, items: &mut [&mut Item<Embedding>], each: usize, team: &mut Team) -> Result<(), Failure> {
    fn next(work: &Embedding, each: usize) -> &[String] {
        let first = work.done.vectors.len();
        &work.texts[first..work.texts.len().min(first + each)]
    }
    let texts: Vec<(&String, Role)> =
        items.iter().flat_map(|item| next(&item.work, each).iter().map(|text| (text, item.work.role))).collect();
    let ids = team.try_map(&texts, |(text, role)| encoder.ids(text, *role))?;
    let vectors = encoder.embed_ids(&ids, team)?;
    let mut vectors = vectors.iter();
    for item in items {
        let count = next(&item.work, each).len();
        item.work.done.vectors.extend(vectors.by_ref().take(count).map(<[f32]>::to_vec));
    }
    Ok(())
}
