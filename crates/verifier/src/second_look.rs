//! A second look at what decided, this time at the text: what the reader was not shown, or has not learned to tell.

use vetted_encoder::{Unseen, models};
use vetted_kernels::Team;
use vetted_reader::Relation;

use crate::decide::{Answer, Looked, Rules, answered, asks, language, looked_at, may_be_no, polarity};
use crate::judging::{Question, Terms};
use crate::verification::Verification;
use crate::verifier::Verifier;
use crate::windows::Windows;
use crate::{Error, QueryExtent};

/// A query in the form in which it is read, and what is not seen of it then.
pub(crate) struct QueryText {
    pub(crate) read: String,
    pub(crate) is_yes_or_no: bool,
    /// Whether it asks for something that it does not say.
    pub(crate) asks: bool,
    unseen: Unseen,
}

impl Verifier {
    /// How a query is read. A long one is read as it is.
    pub(crate) fn query_text(&self, query: &str, is_cut: bool) -> Result<QueryText, Error> {
        let question = if is_cut { None } else { polarity::yes_or_no(query) };
        let unseen = self.encoder.tokens().unseen(query)?;
        let is_yes_or_no = question.is_some();
        let asks = asks(query);
        Ok(QueryText { read: question.unwrap_or_else(|| query.to_owned()), is_yes_or_no, asks, unseen })
    }

    /// Whether a text is surely of a language that the verifier has not learned. Of bases that are not known to be English,
    /// nobody knows.
    pub(crate) fn is_foreign(&self, text: &str) -> bool {
        models::find(&self.config().base.name).is_some() && language::is_foreign(text)
    }

    /// What becomes of verifications when their windows, the second of each pair, are looked at. All are of one query.
    pub(crate) fn look_again(
        &self,
        query: &QueryText,
        terms: Terms,
        verified: Vec<(Verification, &str)>,
        team: &mut Team,
    ) -> Result<Vec<Verification>, Error> {
        let (tokens, thresholds) = (self.encoder.tokens(), &self.config().thresholds);
        let is_asked = query.is_yes_or_no && terms.relation == Relation::Support;
        let mut looked = Vec::with_capacity(verified.len());
        // Those that may answer no, and what their windows say without what they deny.
        let (mut perhaps_no, mut affirmed) = (Vec::new(), Vec::new());
        for (at, (verification, window)) in verified.into_iter().enumerate() {
            let unseen = tokens.unseen(window)?;
            let texts = (Looked { text: &query.read, unseen: &query.unseen }, Looked { text: window, unseen: &unseen });
            let mut verification = looked_at(verification, self.is_foreign(window), texts, terms.relation);
            match &mut verification {
                Verification::Accept(read) if is_asked && !polarity::denies(window) => {
                    read.judgement.answer = Some(Answer::Yes);
                }
                other if is_asked && may_be_no(other, thresholds) => {
                    let without = polarity::without_denial(window).filter(|without| !without.trim().is_empty());
                    perhaps_no.push((at, without.is_some()));
                    affirmed.extend(without);
                }
                _ => {}
            }
            looked.push(verification);
        }
        if perhaps_no.is_empty() {
            return Ok(looked);
        }
        let read = |text: &String| {
            Ok(Windows { ranges: std::iter::once(0..text.len()).collect(), ids: vec![tokens.ids(text)?] })
        };
        let candidates = affirmed.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
        let terms = Terms { extent: QueryExtent::Whole, relation: Relation::Support, rules: Rules::Pair };
        let question = Question { query: tokens.ids(&query.read)?, candidates, terms };
        let mut read = self.answer(vec![question], team)?.into_iter().flatten();
        for (at, is_read) in perhaps_no {
            let affirmed = if is_read { read.next() } else { None };
            let affirmed = affirmed.as_ref().and_then(Verification::assessment);
            let verification = looked[at].clone();
            looked[at] = answered(verification, affirmed, thresholds);
        }
        Ok(looked)
    }
}
