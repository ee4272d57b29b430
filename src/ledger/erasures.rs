//! The erasures of late, so that a read under way learns of one without looking for a fence.

use std::collections::{HashMap, VecDeque};

use super::error::LedgerError;
use crate::types::MemberId;

/// Erasures that are remembered one by one. A change decided before all of these is decided anew, whoever it is about.
const REMEMBERED_MAX: usize = 4096;

/// Each fence makes a new generation, and so does each change that outdates decisions about a member.
#[derive(Default)]
pub(super) struct Erasures {
    generation: u64,
    /// Generations up to this one are no longer told apart.
    forgotten: u64,
    latest: HashMap<MemberId, Erased>,
    order: VecDeque<(u64, MemberId)>,
}

#[derive(Clone, Copy)]
struct Erased {
    generation: u64,
    whole: bool,
}

impl Erasures {
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// A fence is being written, for the whole member or a compartment; or only what was decided about it is outdated,
    /// which is as if a compartment were gone.
    pub(super) fn note(&mut self, member: MemberId, whole: bool) {
        self.generation += 1;
        let generation = self.generation;
        let erased = self.latest.entry(member).or_insert(Erased { generation, whole });
        *erased = Erased { generation, whole: whole || erased.whole };
        self.order.push_back((generation, member));
        if self.order.len() > REMEMBERED_MAX {
            self.forget();
        }
    }

    /// Whether the member was left alone since `generation`.
    ///
    /// One compartment gone is a conflict and not a refusal: the next decision sees which one it was.
    pub(super) fn none_since(&self, generation: u64, member: &MemberId) -> Result<(), LedgerError> {
        if generation >= self.generation {
            return Ok(());
        }
        match self.latest.get(member) {
            Some(erased) if erased.generation > generation => {
                Err(if erased.whole { LedgerError::Fenced } else { LedgerError::Conflict })
            }
            _ if generation < self.forgotten => Err(LedgerError::Conflict),
            _ => Ok(()),
        }
    }

    fn forget(&mut self) {
        let Some((generation, member)) = self.order.pop_front() else { return };
        self.forgotten = generation;
        if self.latest.get(&member).is_some_and(|erased| erased.generation == generation) {
            self.latest.remove(&member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u64) -> MemberId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        MemberId::from_random(bytes)
    }

    #[test]
    fn only_erasures_since_count_and_only_of_the_member() {
        let mut erasures = Erasures::default();
        let before = erasures.generation();
        erasures.note(member(1), true);
        erasures.note(member(2), false);
        assert!(matches!(erasures.none_since(before, &member(1)), Err(LedgerError::Fenced)));
        assert!(matches!(erasures.none_since(before, &member(2)), Err(LedgerError::Conflict)));
        assert!(erasures.none_since(before, &member(3)).is_ok());
        let after = erasures.generation();
        assert!(erasures.none_since(after, &member(2)).is_ok());
        erasures.note(member(3), true);
        assert!(erasures.none_since(after, &member(2)).is_ok(), "an old erasure of a compartment is no news");
    }

    #[test]
    fn a_member_erased_in_part_after_the_whole_stays_fenced() {
        let mut erasures = Erasures::default();
        erasures.note(member(1), true);
        erasures.note(member(1), false);
        assert!(matches!(erasures.none_since(0, &member(1)), Err(LedgerError::Fenced)));
    }

    #[test]
    fn what_is_forgotten_is_decided_anew() {
        let mut erasures = Erasures::default();
        let limit = REMEMBERED_MAX as u64;
        for number in 0..limit + 2 {
            erasures.note(member(number), true);
        }
        assert!(erasures.latest.len() <= REMEMBERED_MAX);
        assert!(matches!(erasures.none_since(1, &member(limit * 2)), Err(LedgerError::Conflict)));
        assert!(erasures.none_since(2, &member(limit * 2)).is_ok());
        assert!(matches!(erasures.none_since(2, &member(2)), Err(LedgerError::Fenced)));
    }
}
