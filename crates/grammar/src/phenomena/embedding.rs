//! Clauses under verbs, adverbs and links that vouch for them, deny them, or leave them open.

use super::arguments::plain_event;
use super::{Room, draft};
use crate::clause::Clause;
use crate::phrase::Gen;
use crate::{Draft, Kind, Verdict};

/// What the whole says about the clause inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vouches {
    True,
    False,
    Open,
}
use Vouches::{False, Open, True};

/// Frames around a clause: `{p}` affirmative, `{x}` a person's name.
const AROUND: &[(&str, Vouches)] = &[
    ("{x} knows that {p}", True),
    ("{x} realized that {p}", True),
    ("{x} regrets that {p}", True),
    ("{x} found out that {p}", True),
    ("{x} was surprised that {p}", True),
    ("{x} did not know that {p}", True),
    ("it is odd that {p}", True),
    ("{x} noticed that {p}", True),
    ("{x} was not aware that {p}", True),
    ("{x} is glad that {p}", True),
    ("{x} proved that {p}", True),
    ("it turned out that {p}", True),
    ("it is a fact that {p}", True),
    ("{x} overlooked the fact that {p}", True),
    ("{x} discovered that {p}", True),
    ("does {x} realize that {p}? yes", True),
    ("{x} kept quiet about the fact that {p}", True),
    ("as {x} noticed , {p}", True),
    ("it is undeniable that {p}", True),
    ("{x} correctly guessed that {p}", True),
    ("{x} was right to say that {p}", True),
    ("there is no doubt that {p}", True),
    ("certainly , {p}", True),
    ("indeed , {p}", True),
    ("sadly , {p}", True),
    ("to the surprise of {x} , {p}", True),
    ("{x} revealed that {p}", True),
    ("{x} was annoyed because {p}", True),
    ("although {x} denied it , {p}", True),
    ("it is not false that {p}", True),
    ("luckily for {x} , {p}", True),
    ("of course {p}", True),
    ("{x} believes that {p}", Open),
    ("{x} claims that {p}", Open),
    ("{x} hopes that {p}", Open),
    ("{x} heard that {p}", Open),
    ("{x} suspects that {p}", Open),
    ("{x} assumed that {p}", Open),
    ("it is rumored that {p}", Open),
    ("{x} doubts that {p}", Open),
    ("{x} denied that {p}", Open),
    ("{x} asked whether {p}", Open),
    ("{x} wondered if {p}", Open),
    ("nobody knows whether {p}", Open),
    ("it is possible that {p}", Open),
    ("perhaps {p}", Open),
    ("probably {p}", Open),
    ("allegedly , {p}", Open),
    ("it is unlikely that {p}", Open),
    ("{x} dreamed that {p}", Open),
    ("{x} fears that {p}", Open),
    ("{x} is convinced that {p}", Open),
    ("according to {x} , {p}", Open),
    ("{x} said that {p}", Open),
    ("if {x} is right , {p}", Open),
    ("unless {x} is mistaken , {p}", Open),
    ("it has been suggested that {p}", Open),
    ("{x} did not claim that {p}", Open),
    ("{x} could not say whether {p}", Open),
    ("{x} told everyone that {p}", Open),
    ("{x} would be sorry if {p}", Open),
    ("there is no proof that {p}", Open),
    ("it seems to {x} that {p}", Open),
    ("supposedly , {p}", Open),
    ("{x} argued that {p}", Open),
    ("{x} checked whether {p}", Open),
    ("it is false that {p}", False),
    ("it is not true that {p}", False),
    ("{x} pretended that {p}", False),
    ("{x} was wrong to think that {p}", False),
    ("{x} falsely claimed that {p}", False),
    ("{x} wrongly believes that {p}", False),
    ("{x} made up the story that {p}", False),
    ("it is a myth that {p}", False),
    ("contrary to what {x} says , it is not the case that {p}", False),
    ("{x} disproved the claim that {p}", False),
    ("it is untrue that {p}", False),
    ("{x} lied when claiming that {p}", False),
    ("{x} is under the illusion that {p}", False),
];

/// Verbs with an infinitive or a gerund: `{s}` subject, `{n}` base, `{g}` -ing form of the verb with its object.
const INFINITIVES: &[(&str, Vouches)] = &[
    ("{s} managed to {n}", True),
    ("{s} happened to {n}", True),
    ("{s} remembered to {n}", True),
    ("{s} did not fail to {n}", True),
    ("{s} was forced to {n} and did so", True),
    ("{s} bothered to {n}", True),
    ("{s} succeeded in {g}", True),
    ("{s} dared to {n}", True),
    ("{s} did not hesitate to {n}", True),
    ("{s} went on to {n}", True),
    ("{s} ended up {g}", True),
    ("{s} regrets {g}", True),
    ("{s} got around to {g}", True),
    ("{s} did not forget to {n}", True),
    ("{s} admitted {g}", Open),
    ("{s} could not help {g}", True),
    ("{s} was caught {g}", True),
    ("{s} failed to {n}", False),
    ("{s} forgot to {n}", False),
    ("{s} refused to {n}", False),
    ("{s} did not manage to {n}", False),
    ("{s} neglected to {n}", False),
    ("{s} declined to {n}", False),
    ("{s} refrained from {g}", False),
    ("{s} was prevented from {g}", False),
    ("{s} did not dare to {n}", False),
    ("{s} was unable to {n}", False),
    ("{s} decided not to {n} and did not", False),
    ("{s} only pretended to {n}", False),
    ("{s} hardly got as far as the door before {g} became impossible", False),
    ("{s} nearly managed to {n}", False),
    ("{s} came close to {g} but did not", False),
    ("{s} was too late to {n}", False),
    ("{s} tried to {n}", Open),
    ("{s} wanted to {n}", Open),
    ("{s} promised to {n}", Open),
    ("{s} planned to {n}", Open),
    ("{s} was asked to {n}", Open),
    ("{s} was expected to {n}", Open),
    ("{s} is said to have {d}", Open),
    ("{s} was ready to {n}", Open),
    ("{s} may have {d}", Open),
    ("{s} might have {d}", Open),
    ("{s} was about to {n}", Open),
    ("{s} was accused of {g}", Open),
    ("{s} denied {g}", Open),
    ("{s} threatened to {n}", Open),
    ("{s} was told not to {n}", Open),
    ("{s} was tempted to {n}", Open),
    ("{s} should have {d} by now", Open),
    ("{s} considered {g}", Open),
    ("{s} agreed to {n}", Open),
    ("{s} seems to have {d}", Open),
    ("{s} hoped to {n}", Open),
];

/// Links of the clause `{p}` with another, `{q}`, and what they say of the first and the second.
const LINKS: &[(&str, Vouches, Vouches)] = &[
    ("because {p} , {q}", True, True),
    ("although {p} , {q}", True, True),
    ("{q} , since {p}", True, True),
    ("after {p} , {q}", True, True),
    ("when {p} , {q}", True, True),
    ("if {p} , then {q}", Open, Open),
    ("unless {p} , {q}", Open, Open),
    ("in case {p} , {q}", Open, True),
    ("{q} so that nobody would think that {p}", Open, True),
    ("{q} , as if {p}", Open, True),
    ("either {p} , or {q}", Open, Open),
    ("{p} , or so it is said , but {q}", Open, True),
    ("{q} , which proves that {p}", True, True),
    ("{q} , although it is unclear whether {p}", Open, True),
    ("it is not clear whether {p} , but {q}", Open, True),
    ("{q} , despite the fact that {p}", True, True),
    ("{p} , unless {q}", Open, Open),
    ("even though {p} , {q}", True, True),
    ("{q} as soon as {p}", True, True),
    ("whether or not {p} , {q}", Open, True),
    ("once {p} , {q}", True, True),
    ("provided that {p} , {q}", Open, Open),
    ("assuming that {q} , {p}", Open, Open),
    ("{p} and therefore {q}", True, True),
    ("{q} , and yet it is false that {p}", False, True),
];

fn embedded(g: &mut Gen, clause: &Clause) -> (String, Vouches) {
    let person = |class| matches!(class, "person" | "animal" | "team" | "org" | "country");
    let class = clause.subject.class;
    if person(class) && g.rng.chance(0.45) {
        let (pattern, vouches) = *g.rng.one(INFINITIVES);
        let plural_pattern = if clause.subject.plural {
            pattern
                .replace("{s} was", "{s} were")
                .replace("{s} is", "{s} are")
                .replace("regrets", "regret")
                .replace("seems", "seem")
        } else {
            pattern.to_owned()
        };
        let object = clause.object.as_ref().map(|np| format!(" {}", np.text())).unwrap_or_default();
        let text = plural_pattern
            .replace("{s}", &clause.subject.text())
            .replace("{n}", &format!("{}{object}", clause.verb.base))
            .replace("{g}", &format!("{}{object}", clause.verb.ing))
            .replace("{d}", &format!("{}{object}", clause.verb.participle));
        return (text, vouches);
    }
    // A verb that vouches, one that denies and one that leaves open are as likely.
    let wanted = *g.rng.one(&[True, False, Open, Open]);
    let choices: Vec<&(&str, Vouches)> = AROUND.iter().filter(|(_, vouches)| *vouches == wanted).collect();
    let (pattern, vouches) = **g.rng.one(&choices);
    let witness = g.person_name();
    let core = clause.core(g);
    let text = pattern.replace("{p}", &core).replace("{x}", &witness).replace("? yes", "? Yes");
    (text, vouches)
}

/// Something embedded, or two things of which each is embedded in its own way, and one of them claimed or denied.
pub(super) fn embedding(g: &mut Gen) -> Option<Draft> {
    let first = event(g);
    let second = event(g);
    if first.subject == second.subject {
        return None;
    }
    let (text, facts): (String, Vec<(Clause, Vouches)>) = match g.rng.below(10) {
        0..=2 => {
            let (pattern, p, q) = *g.rng.one(LINKS);
            let (one, two) = (first.core(g), second.core(g));
            (pattern.replace("{p}", &one).replace("{q}", &two), vec![(first, p), (second, q)])
        }
        3..=6 => {
            let ((one, p), (two, q)) = (embedded(g, &first), embedded(g, &second));
            let link = g.rng.pick(&[" , but ", " , and ", " . ", " , while "]);
            let link = if one.contains('?')
                || two.contains('?')
                || one.starts_with("if")
                || two.starts_with("if")
                || two.starts_with("unless")
            {
                " . "
            } else {
                link
            };
            (format!("{one}{link}{two}"), vec![(first, p), (second, q)])
        }
        7 => {
            // One plain, one embedded.
            let (one, p) = embedded(g, &first);
            let two = second.core(g);
            (format!("{two} . {one}"), vec![(first, p), (second, True)])
        }
        _ => {
            let (one, p) = embedded(g, &first);
            (one, vec![(first, p)])
        }
    };
    let (clause, vouches) = g.rng.one(&facts).clone();
    let (claim, truth) = if g.rng.chance(0.3) { (clause.negate(), negated(vouches)) } else { (clause, vouches) };
    let mut s2 = claim.core(g);
    if claim.negated && g.rng.chance(0.3) {
        let core = claim.negate().core(g);
        s2 = format!("{} {core}", g.rng.pick(&["it is not true that", "it is false that", "it is not the case that"]));
    }
    let (verdict, kind) = match truth {
        True => (Verdict::Forward, Kind::Modality),
        False => (Verdict::Neither(Some(true)), Kind::Negation),
        Open => (Verdict::Neither(Some(false)), Kind::Modality),
    };
    Some(draft(&text, &s2, verdict, kind, Room::Sentence, g).directed())
}

fn event(g: &mut Gen) -> Clause {
    if g.rng.chance(0.3) {
        let class = *g.rng.one(&["person", "animal", "machine", "software", "vehicle", "org", "plant", "building"]);
        let subject = g.np(class);
        g.intransitive(subject)
    } else {
        let reversible = g.coin();
        plain_event(g, reversible)
    }
}

fn negated(vouches: Vouches) -> Vouches {
    match vouches {
        True => False,
        False => True,
        Open => Open,
    }
}
