//! The verifier, asked about texts that somebody holds against each other.

use std::fs;

use vetted::reader::Relation;
use vetted::{Compute, Finding, Precision, Verdict, Verifier, VerifierOptions};

use crate::{SENTENCES, changed, engine_in, verifier};

#[test]
fn what_merely_does_not_support_is_not_rejected_and_white_space_is_unverified() {
    let verifier = verifier(VerifierOptions::default());
    let candidates = ["The man was bitten by the dog.", "The man bit the dog.", "Rain fell on the harbour.", " \n"];
    let verified = verifier.verify(SENTENCES[0], &candidates, Relation::Support).unwrap();
    let said: Vec<_> = verified.iter().map(|one| (one.verdict(), one.judgement().map(|it| it.finding))).collect();
    assert_eq!(
        said,
        [
            (Verdict::Accept, Some(Finding::Supports)),
            (Verdict::Reject, Some(Finding::Contradicts)),
            (Verdict::Abstain, Some(Finding::Neither)),
            (Verdict::Unverified, None),
        ]
    );
    let verified = verifier.verify(SENTENCES[0], &candidates[..3], Relation::Equivalence).unwrap();
    let found: Vec<_> = verified.iter().filter_map(|one| one.judgement().map(|it| it.finding)).collect();
    assert_eq!(found, [Finding::Same, Finding::Different, Finding::Different]);
}

#[test]
fn both_tiers_share_the_layers_that_were_not_trained() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_in(folder.path(), Precision::F32);
    let (shared, encoder) = (engine.verifier().unwrap(), engine.encoder().unwrap());
    let untrained = shared.config().encoder.trained_from_layer;
    assert!(untrained > 0 && untrained < shared.config().base.layers, "some layers are shared and some are not");
    assert_eq!(shared.shared_layers(&encoder), untrained);
    let own = vetted_encoder::Encoder::open(encoder.folder(), vetted_encoder::Options::default()).unwrap();
    let alone = verifier(VerifierOptions { reader: Precision::Bf16, ..VerifierOptions::default() });
    assert_eq!(alone.shared_layers(&encoder), 0, "what is not in memory once is not taken for shared");
    let team = &mut Compute::of_this_process().team();
    for text in SENTENCES {
        let (_, vector) = shared.prepare_many_with(&[text], &encoder, team).unwrap().remove(0);
        let expected = own.embed_one(text, vetted_encoder::Role::Query, team).unwrap();
        assert!(
            vector.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()) && vector.len() == expected.len()
        );
        let verified = |verifier: &Verifier| {
            let verified = verifier.verify(text, &SENTENCES, Relation::Support).unwrap();
            verified.iter().map(|it| (it.verdict(), it.assessment().cloned())).collect::<Vec<_>>()
        };
        assert_eq!(verified(&shared), verified(&alone));
    }
}

#[test]
fn a_sentence_that_two_long_documents_share_does_not_hide_the_one_in_which_they_differ() {
    let trained = verifier(VerifierOptions::default());
    let rest = "The teacher and the baker met in the old town, and the museum was built near the river. ".repeat(8);
    let shared = "The nurse visited her farmer at the gate.";
    let [right, wrong] =
        ["The farmer was visited by the nurse at the gate.", "The nurse was visited by the farmer at the gate."]
            .map(|sentence| format!("{shared} {rest} {sentence}"));
    let (query, documents) = ("The nurse visited the farmer at the gate.", [right, wrong]);
    let verified = trained.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified[0].support_of_all() > verified[1].support_of_all(), "{verified:?}");

    // Similarities do not add up.
    let folder = tempfile::tempdir().unwrap();
    let max_sim = changed(folder.path(), |config| {
        config["architecture"] = "f1".into();
        config.as_object_mut().unwrap().retain(|field, _| field != "reader");
    });
    let nothing = b"{}      ";
    let weights = [&(nothing.len() as u64).to_le_bytes()[..], nothing].concat();
    fs::write(max_sim.join("model.safetensors"), weights).unwrap();
    let max_sim = Verifier::open(&max_sim, VerifierOptions::default(), &mut |_| {}).unwrap();
    let verified = max_sim.verify(query, &documents, Relation::Support).unwrap();
    assert!(verified.iter().all(|it| it.support_of_all() <= 1.0), "{verified:?}");
}

#[test]
fn of_a_long_document_the_sentence_decides_that_has_the_query_s_words() {
    let verifier = verifier(VerifierOptions::default());
    // More sentences than are read, none of which says anything about the query.
    let rest = "The harbour was built in 1903 by the river. Many ships escaped the storm in the hot water. Bread was \
                made with salt and yeast near the old museum. The lighthouse keeper did not see the garden. "
        .repeat(3);
    let documents = ["The nurse visited the farmer at the gate.", "The nurse did not visit the farmer at the gate."]
        .map(|sentence| (sentence, format!("{rest}{sentence} {rest}")));
    let texts = documents.each_ref().map(|(_, text)| text);
    let verified = verifier.verify("The nurse visited the farmer at the gate.", &texts, Relation::Support).unwrap();
    for ((sentence, text), verification) in documents.iter().zip(&verified) {
        let window = verification.assessment().unwrap().window.clone();
        assert_eq!(text[window].trim(), *sentence);
    }
    assert_eq!(verified[0].verdict(), Verdict::Accept);
    assert_eq!(verified[1].verdict(), Verdict::Reject);
}
