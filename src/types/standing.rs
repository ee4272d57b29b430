//! How a member stands to the use of its data: what it agreed to, objected to, restricted or refused.
//!
//! Kept in the member row, beside the keys: who opens a member's keys has its standing in hand, and a restore of old data
//! rows cannot bring back a consent that was withdrawn since. The history behind it lies in the member's own records.

use super::Purpose;
use crate::clock::Timestamp;

/// Purposes one member may have a standing to.
pub const PURPOSES_MAX: usize = 64;

/// A consent that was given and not withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Whether it was given explicitly, as special categories of data need (GDPR Art. 9(2)(a)).
    pub explicit: bool,
    /// The minute since 1970 from which on it no longer counts; `None`: until it is withdrawn.
    pub until: Option<u32>,
}

impl Consent {
    /// Whether it counts at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now.as_minutes() < until)
    }
}

/// How a member stands to one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeStanding {
    /// Which.
    pub purpose: Purpose,
    /// The consent that was given and not withdrawn.
    pub consent: Option<Consent>,
    /// Whether the member objected (GDPR Art. 21).
    pub objected: bool,
}

/// How a member stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the member restricted the use of its data (GDPR Art. 18).
    pub restricted: bool,
    /// Whether the member refuses decisions made without a person (GDPR Art. 22).
    pub refuses_automation: bool,
    /// Whether the member is no person: nobody has a reason to touch it, so a touch raises an alarm.
    pub canary: bool,
    /// By ascending purpose, each once. A purpose that is not here: neither consent nor objection.
    purposes: Vec<PurposeStanding>,
}

impl Standing {
    /// The standing of these purposes; `None` where they are not ascending, say nothing, or are too many.
    pub fn new(purposes: Vec<PurposeStanding>) -> Option<Self> {
        let ascending = purposes.is_sorted_by(|one, next| one.purpose < next.purpose);
        let said = purposes.iter().all(|one| one.consent.is_some() || one.objected);
        (ascending && said && purposes.len() <= PURPOSES_MAX).then(|| Self { purposes, ..Self::default() })
    }

    /// By ascending purpose.
    pub fn purposes(&self) -> &[PurposeStanding] {
        &self.purposes
    }

    /// The consent to a purpose that counts at `now`.
    pub fn consent(&self, purpose: &Purpose, now: Timestamp) -> Option<Consent> {
        self.of(purpose)?.consent.filter(|consent| consent.is_in_force(now))
    }

    /// Whether there is a consent to a purpose, also one that has ended by itself.
    pub fn keeps_consent(&self, purpose: &Purpose) -> bool {
        self.of(purpose).is_some_and(|one| one.consent.is_some())
    }

    /// Whether the member objected to a purpose.
    pub fn objects(&self, purpose: &Purpose) -> bool {
        self.of(purpose).is_some_and(|one| one.objected)
    }

    /// Enters or takes away the consent to a purpose. `false`: it would be one purpose too many, and nothing changed.
    #[must_use]
    pub fn set_consent(&mut self, purpose: &Purpose, consent: Option<Consent>) -> bool {
        self.change(purpose, |one| one.consent = consent)
    }

    /// Enters or takes away the objection to a purpose. `false`: it would be one purpose too many, and nothing changed.
    #[must_use]
    pub fn set_objection(&mut self, purpose: &Purpose, objected: bool) -> bool {
        self.change(purpose, |one| one.objected = objected)
    }

    /// Takes away consents that no longer count at `now`.
    pub fn drop_ended(&mut self, now: Timestamp) {
        for one in &mut self.purposes {
            one.consent = one.consent.filter(|consent| consent.is_in_force(now));
        }
        self.purposes.retain(|one| one.consent.is_some() || one.objected);
    }

    fn of(&self, purpose: &Purpose) -> Option<&PurposeStanding> {
        let at = self.purposes.binary_search_by(|one| one.purpose.cmp(purpose)).ok()?;
        self.purposes.get(at)
    }

    fn change(&mut self, purpose: &Purpose, change: impl FnOnce(&mut PurposeStanding)) -> bool {
        let mut changed = self.of(purpose).cloned().unwrap_or(PurposeStanding {
            purpose: purpose.clone(),
            consent: None,
            objected: false,
        });
        change(&mut changed);
        let says = changed.consent.is_some() || changed.objected;
        match self.purposes.binary_search_by(|one| one.purpose.cmp(purpose)) {
            Ok(at) if says => self.purposes.get_mut(at).into_iter().for_each(|one| *one = changed.clone()),
            Ok(at) => drop(self.purposes.remove(at)),
            Err(_) if says && self.purposes.len() >= PURPOSES_MAX => return false,
            Err(at) if says => self.purposes.insert(at, changed),
            Err(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(name: &str) -> Purpose {
        name.parse().unwrap()
    }

    const GIVEN: Consent = Consent { explicit: false, until: None };

    #[test]
    fn a_consent_counts_until_it_ends() {
        let consent = Consent { until: Some(10), ..GIVEN };
        assert!(consent.is_in_force(Timestamp::from_millis(10 * 60_000 - 1)));
        assert!(!consent.is_in_force(Timestamp::from_millis(10 * 60_000)));
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        let mut standing = Standing::default();
        let (one, other) = (purpose("newsletter"), purpose("analytics"));
        assert!(standing.set_consent(&one, Some(GIVEN)) && standing.set_objection(&other, true));
        assert!(standing.set_objection(&one, true));
        assert_eq!(
            standing.purposes().iter().map(|one| one.purpose.as_str()).collect::<Vec<_>>(),
            ["analytics", "newsletter"]
        );
        assert!(standing.set_consent(&one, None) && standing.objects(&one));
        assert!(standing.set_objection(&one, false) && standing.set_objection(&other, false));
        assert_eq!(standing, Standing::default());
    }

    #[test]
    fn ended_consents_are_dropped_and_objections_are_not() {
        let mut standing = Standing::default();
        let (one, other) = (purpose("newsletter"), purpose("analytics"));
        let ends = Consent { until: Some(10), ..GIVEN };
        assert!(standing.set_consent(&one, Some(ends)) && standing.set_objection(&one, true));
        assert!(standing.set_consent(&other, Some(ends)));
        standing.drop_ended(Timestamp::from_minutes(9));
        assert_eq!(standing.purposes().len(), 2);
        standing.drop_ended(Timestamp::from_minutes(10));
        assert_eq!(standing.purposes().len(), 1);
        assert!(standing.objects(&one) && standing.consent(&one, Timestamp::from_minutes(1)).is_none());
    }

    #[test]
    fn purposes_are_bounded_and_nothing_is_lost_at_the_bound() {
        let mut standing = Standing::default();
        (0..PURPOSES_MAX).for_each(|n| assert!(standing.set_consent(&purpose(&format!("p{n}")), Some(GIVEN))));
        let full = standing.clone();
        assert!(!standing.set_consent(&purpose("one-more"), Some(GIVEN)));
        assert_eq!(standing, full);
        assert!(standing.set_consent(&purpose("p0"), None) && standing.set_consent(&purpose("one-more"), Some(GIVEN)));
        assert_eq!(
            Standing::new(standing.purposes().to_vec()).map(|new| new.purposes),
            Some(standing.purposes.clone())
        );
    }
}
