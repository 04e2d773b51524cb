//! Pairs of questions and the statements that answer them or do not.

use vetted_pairs::{Kind, Relation};

use super::{Draft, Drawn, SyntheticPair};
use crate::edit::{Edit, Meaning};
use crate::question::{Asked, ask};
use crate::random::Random;
use crate::sentence::Sentence;

/// Statements as candidates for questions, and questions against each other: what an edit does to the statement decides
/// whether it still answers, for the question that the edited statement answers has changed with it or has not.
pub fn questions(
    origin: usize,
    base: &Sentence,
    found: &[Edit],
    random: &mut Random,
    drawn: &mut Drawn,
    pairs: &mut Vec<SyntheticPair>,
) {
    let mut asked: Vec<(Asked, Sentence)> =
        Asked::ALL.into_iter().filter_map(|asked| Some((asked, ask(base, asked)?))).collect();
    asked.sort_by_key(|(asked, _)| drawn.get(&(asked.phenomenon(), true)).copied().unwrap_or(0));
    for (asked, question) in asked.into_iter().take(2) {
        // Nearly every statement answers a question of these two sorts; the others should not drown.
        if asked == Asked::Truth && !random.chance(0.25) || asked == Asked::Subject && !random.chance(0.5) {
            continue;
        }
        *drawn.entry((asked.phenomenon(), true)).or_default() += 1;
        let text = question.text();
        let mut add = |candidate: String,
                       query: String,
                       relation: Relation,
                       matches: bool,
                       operation: Kind,
                       edit: &str| {
            let phenomenon =
                if edit.is_empty() { asked.phenomenon().to_owned() } else { format!("{}+{edit}", asked.phenomenon()) };
            let conflict = matches.then_some(false);
            pairs.push(Draft { candidate, query, relation, matches, conflict, operation, phenomenon, origin }.finish());
        };
        let paraphrases: Vec<&Edit> = found.iter().filter(|edit| edit.meaning == Meaning::Same).collect();
        match random.pick(&paraphrases).filter(|_| random.chance(0.6)) {
            Some(edit) => {
                add(edit.sentence.text(), text.clone(), Relation::Support, true, Kind::Other, edit.phenomenon)
            }
            None => add(base.text(), text.clone(), Relation::Support, true, Kind::Other, ""),
        }
        let reworded = paraphrases
            .iter()
            .find_map(|edit| Some((edit, ask(&edit.sentence, asked)?.text())))
            .filter(|(_, other)| *other != text);
        if let Some((edit, other)) = reworded {
            add(text.clone(), other, Relation::Equivalence, true, Kind::Other, edit.phenomenon);
        }
        let telling = |edit: &&Edit| {
            matches!(edit.meaning, Meaning::Conflict | Meaning::Different)
                && edit.kind != Kind::Modality
                && !(asked == Asked::Truth && matches!(edit.kind, Kind::Negation | Kind::Quantifier | Kind::Comparison))
        };
        let changed: Vec<(&Edit, String)> = found
            .iter()
            .filter(telling)
            .filter_map(|edit| Some((edit, ask(&edit.sentence, asked)?.text())))
            .filter(|(_, other)| *other != text)
            .collect();
        if let Some((edit, other)) = random.pick(&changed) {
            if random.chance(0.5) {
                add(edit.sentence.text(), text.clone(), Relation::Support, false, edit.kind, edit.phenomenon);
            } else {
                add(base.text(), other.clone(), Relation::Support, false, edit.kind, edit.phenomenon);
            }
        }
        if let Some((edit, other)) = random.pick(&changed) {
            add(text.clone(), other.clone(), Relation::Equivalence, false, edit.kind, edit.phenomenon);
        }
    }
}
