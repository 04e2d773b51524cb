//! Searches that nobody waits for any more.

use std::time::Duration;

use vetted::{Cancellation, Deadline, Expired, Search};

use crate::{SENTENCES, engine};

#[test]
fn a_search_that_is_no_longer_wanted_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let search = |deadline| engine.search(&Search::new(SENTENCES[0]).deadline(deadline));
    let late = search(Deadline::after(Duration::ZERO)).unwrap_err();
    assert!(matches!(late, vetted::Error::Expired(Expired::Time)), "{late}");
    let cancellation = Cancellation::default();
    let deadline = Deadline::after(Duration::from_secs(600)).or_cancelled(&cancellation);
    assert!(!search(deadline.clone()).unwrap().hits.is_empty());
    cancellation.cancel();
    assert!(matches!(search(deadline), Err(vetted::Error::Expired(Expired::Cancelled))));
}
