//! The rule of acceptance that a calibration is.

use std::sync::Arc;

use vetted::calibrated::{Calibrated, features};
use vetted::calibration::{Decided, Ruling};
use vetted::reader::Relation;

use crate::{Accepts, Scale, Seen};

/// Accepts what a calibration about equivalence accepts, by its log-odds; segments are tenants.
pub struct ByCalibration(Arc<Calibrated>);

impl ByCalibration {
    /// By this calibration.
    pub fn new(calibrated: Arc<Calibrated>) -> ByCalibration {
        ByCalibration(calibrated)
    }

    fn decided(&self, seen: &Seen<'_>) -> Option<Decided> {
        let Seen { verification, prompt, kept, similarity, tenant, .. } = *seen;
        let cosine = Some(f64::from(similarity.cosine()));
        let known = features(verification, Relation::Equivalence, prompt, kept, cosine)?;
        Some(self.0.calibration().decide(&known, tenant))
    }
}

impl Accepts for ByCalibration {
    fn accepts(&self, seen: &Seen<'_>) -> bool {
        self.decided(seen).is_some_and(|decided| decided.ruling == Ruling::Accept)
    }

    fn score(&self, seen: &Seen<'_>) -> f32 {
        self.decided(seen).and_then(|decided| decided.score).map_or(f32::NEG_INFINITY, |score| score as f32)
    }

    fn scale(&self) -> Scale {
        Scale::LogOdds
    }
}
