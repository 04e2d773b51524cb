//! The lines of `docs/bring-your-own.md`, as they stand there.

use std::sync::Arc;

use vetted::{PassageSource, Verdict, VerifierOptions};

use crate::{SENTENCES, verifier};

const PAGE: &str = include_str!("../../../../docs/bring-your-own.md");

#[test]
fn what_any_engine_found_is_verified_by_the_lines_of_the_page() -> Result<(), vetted::Error> {
    let verifier = Arc::new(verifier(VerifierOptions::default()));
    let (question, passages) = (SENTENCES[0], [SENTENCES[2], SENTENCES[1], SENTENCES[7]]);
    // Word for word, so that the page says what was run.
    let candidates: Vec<_> = passages.iter().map(|text| PassageSource::Text((*text).into())).collect();
    let verdicts = verifier.prepare(question)?.verify_passages(&candidates)?;
    let vouched: Vec<_> = passages.iter().zip(&verdicts).filter(|(_, it)| it.verdict() == Verdict::Accept).collect();
    let kept = verifier.passage_views(&passages)?; // None where they cannot be kept

    assert_eq!(vouched.iter().map(|(text, _)| **text).collect::<Vec<_>>(), [SENTENCES[2]]);
    assert_eq!(verdicts[1].verdict(), Verdict::Reject);
    let kept: Vec<_> = kept.unwrap().into_iter().map(PassageSource::Views).collect();
    let again = verifier.prepare(question)?.verify_passages(&kept)?;
    assert_eq!(
        again.iter().map(|it| it.verdict()).collect::<Vec<_>>(),
        verdicts.iter().map(|it| it.verdict()).collect::<Vec<_>>()
    );

    let own = include_str!("behind_others.rs");
    let mut lines = 0;
    for block in PAGE.split("```rust\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            assert!(own.contains(line.trim()), "not run: {line}");
            lines += 1;
        }
    }
    assert_eq!(lines, 4);
    Ok(())
}
