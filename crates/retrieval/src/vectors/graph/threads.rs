//! Threads of one's own for long work. In a shared pool, a thread that waits is given other work to do: if that asks for a
//! lock that the thread holds, it waits for itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};

/// How many threads [`map`] uses at most: one for each processor.
pub(super) fn count() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// What `work` makes of each item, in the items' order.
///
/// # Panics
/// When `work` does.
pub(super) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done = scope(|scope| {
        let helpers: Vec<_> = (1..count().min(items.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for helper in helpers {
            match helper.join() {
                Ok(others) => done.extend(others),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_in_its_place() {
        for count in [0, 1, 2, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(&items, |item| item * 3), items.iter().map(|item| item * 3).collect::<Vec<_>>());
        }
    }
}
