//! How a member stands to the use of its data: what it agreed to, objected to, restricted or refused.
//!
//! Kept in the member row, beside the keys: who opens a member's keys has its standing in hand, and a restore of old data
//! rows cannot bring back a consent that was withdrawn since. The history behind it lies in the member's own records.

use super::Purpose;
use crate::clock::Timestamp;

/// Purposes one member may have a standing to.
pub const PURPOSES_MAX: usize = 64;
/// Purposes one member may be said to have agreed to when it was imported. They stay, whatever becomes of the standing.
pub const IMPORTED_MAX: usize = 64;

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
    /// Whether the member had agreed to it when it was imported: history, which says nothing of today.
    pub imported: bool,
}

impl PurposeStanding {
    /// Whether it says how the member stands now.
    fn counts(&self) -> bool {
        self.consent.is_some() || self.objected
    }

    fn is_kept(&self) -> bool {
        self.counts() || self.imported
    }
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
    /// The import that brought consents with the member, by its number. What all members of one import have in common is
    /// kept once, under that number; to which purposes this one had agreed is told by each purpose.
    import: Option<u32>,
    /// By ascending purpose, each once. A purpose that is not here: neither consent nor objection.
    purposes: Vec<PurposeStanding>,
}

impl Standing {
    /// The standing of these purposes, some of them of this import; `None` where they are not ascending, say nothing, are
    /// too many, or do not fit the import.
    pub fn new(purposes: Vec<PurposeStanding>, import: Option<u32>) -> Option<Self> {
        let ascending = purposes.is_sorted_by(|one, next| one.purpose < next.purpose);
        let imported = purposes.iter().filter(|one| one.imported).count();
        let bounded = imported <= IMPORTED_MAX && count(&purposes) <= PURPOSES_MAX;
        let said = purposes.iter().all(PurposeStanding::is_kept) && (imported > 0) == import.is_some();
        (ascending && bounded && said).then(|| Self { purposes, import, ..Self::default() })
    }

    /// The standing of a new member that agreed to these purposes elsewhere, as part of this import; `None` where they are
    /// too many or none.
    pub fn imported(import: u32, purposes: &[Purpose]) -> Option<Self> {
        let mut purposes: Vec<_> = purposes.to_vec();
        purposes.sort();
        purposes.dedup();
        let consent = Some(Consent { explicit: false, until: None });
        let one = |purpose| PurposeStanding { purpose, consent, objected: false, imported: true };
        Self::new(purposes.into_iter().map(one).collect(), Some(import))
    }

    /// The import that brought consents with the member, and the purposes it had agreed to then.
    pub fn import(&self) -> Option<(u32, Vec<Purpose>)> {
        let purposes = self.purposes.iter().filter(|one| one.imported).map(|one| one.purpose.clone());
        self.import.map(|number| (number, purposes.collect()))
    }

    /// The number of the import that brought consents with the member.
    pub const fn import_number(&self) -> Option<u32> {
        self.import
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
        self.purposes.retain(PurposeStanding::is_kept);
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
            imported: false,
        });
        let counted = changed.counts();
        change(&mut changed);
        if changed.counts() && !counted && count(&self.purposes) >= PURPOSES_MAX {
            return false;
        }
        match self.purposes.binary_search_by(|one| one.purpose.cmp(purpose)) {
            Ok(at) if changed.is_kept() => self.purposes.get_mut(at).into_iter().for_each(|one| *one = changed.clone()),
            Ok(at) => drop(self.purposes.remove(at)),
            Err(at) if changed.is_kept() => self.purposes.insert(at, changed),
            Err(_) => {}
        }
        true
    }
}

/// How many of them say how the member stands now.
fn count(purposes: &[PurposeStanding]) -> usize {
    purposes.iter().filter(|one| one.counts()).count()
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
    fn what_an_import_brought_is_remembered_whatever_comes_after_it() {
        let [one, other, third] = ["newsletter", "analytics", "third"].map(purpose);
        let mut standing = Standing::imported(7, &[one.clone(), other.clone(), one.clone()]).unwrap();
        let both = Some((7, vec![other.clone(), one.clone()]));
        assert_eq!(standing.import(), both);
        assert!(standing.keeps_consent(&one) && standing.keeps_consent(&other));
        assert!(standing.set_consent(&one, None) && standing.set_objection(&third, true));
        standing.drop_ended(Timestamp::from_minutes(u32::MAX));
        assert!(!standing.keeps_consent(&one) && standing.set_objection(&third, false));
        assert_eq!(standing.import(), both);
        assert!(standing.set_consent(&other, None) && standing.set_consent(&one, Some(GIVEN)));
        assert_eq!((standing.import(), standing.import_number()), (both, Some(7)));
        assert_eq!((Standing::imported(7, &[]), Standing::default().import()), (None, None));
    }

    #[test]
    fn what_an_import_brought_takes_no_room_from_what_comes_after_it() {
        let many = |word: &str| (0..PURPOSES_MAX).map(|n| purpose(&format!("{word}{n}"))).collect::<Vec<_>>();
        let mut standing = Standing::imported(1, &many("old")).unwrap();
        assert!(!standing.set_consent(&purpose("new0"), Some(GIVEN)));
        many("old").iter().for_each(|purpose| assert!(standing.set_consent(purpose, None)));
        many("new").iter().for_each(|purpose| assert!(standing.set_consent(purpose, Some(GIVEN))));
        assert!(!standing.set_consent(&purpose("old0"), Some(GIVEN)));
        assert_eq!(Standing::new(standing.purposes().to_vec(), Some(1)), Some(standing.clone()));
        assert_eq!(Standing::new(standing.purposes().to_vec(), None), None);
        let one_more = [many("old"), vec![purpose("more")]].concat();
        assert_eq!(Standing::imported(1, &one_more), None);
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
            Standing::new(standing.purposes().to_vec(), None).map(|new| new.purposes),
            Some(standing.purposes.clone())
        );
    }
}
