//! Keys of the rows about requests of members. All begin with [`tag::REQUEST`]; the second byte says which kind of row.
//!
//! ```text
//! 'J' 'c' | request 16                              the request itself
//! 'J' 'm' | member 16                               which requests there are of a member
//! 'J' 'q' | list u8 | deadline ms u64 | request 16  that a request is in a list; the row is empty
//! ```

use super::CodecError;
use super::keys::tag;
use super::reader::{Reader, join};
use crate::clock::Timestamp;
use crate::types::{MemberId, RequestCaseId, Right, RightState};

const CASE: u8 = b'c';
const OF_MEMBER: u8 = b'm';
const QUEUED: u8 = b'q';

/// Lists of states have numbers from this on, lists of kinds lower ones.
const STATES_FROM: u8 = 0x40;

/// A list of requests in the order of their deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestList {
    /// Those about which something is to be done.
    Live,
    /// Those of one kind about which something is to be done.
    LiveOf(Right),
    /// Those in one state.
    In(RightState),
}

impl RequestList {
    const fn number(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::LiveOf(right) => right.number(),
            Self::In(state) => STATES_FROM | state.number(),
        }
    }
}

/// Control: a request.
pub fn case(request: &RequestCaseId) -> [u8; 18] {
    join(&[&[tag::REQUEST, CASE], request.as_bytes()])
}

/// Control: which requests there are of a member.
pub fn of_member(member: &MemberId) -> [u8; 18] {
    join(&[&[tag::REQUEST, OF_MEMBER], member.as_bytes()])
}

/// Control: the prefix of a list.
pub fn list(list: RequestList) -> [u8; 3] {
    [tag::REQUEST, QUEUED, list.number()]
}

/// Control: where a list comes to the requests that are due at `deadline` or later.
pub fn list_from(list: RequestList, deadline: Timestamp) -> [u8; 11] {
    join(&[&self::list(list), &deadline.as_millis().to_be_bytes()])
}

/// Control: that a request is in a list.
pub fn queued(list: RequestList, deadline: Timestamp, request: &RequestCaseId) -> [u8; 27] {
    join(&[&list_from(list, deadline), request.as_bytes()])
}

/// The request of an entry of a list.
pub fn parse_queued(key: &[u8]) -> Result<RequestCaseId, CodecError> {
    let mut reader = Reader::unversioned("request list key", key);
    let (tag, kind, _list, _deadline) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u64()?);
    if (tag, kind) != (tag::REQUEST, QUEUED) {
        return Err(reader.invalid("tag"));
    }
    let request = RequestCaseId::from_bytes(*reader.array()?);
    reader.finish().map(|()| request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_the_order_of_deadlines_and_reads_back() {
        let id = RequestCaseId::from_bytes([9; 16]);
        let at = |millis| queued(RequestList::Live, Timestamp::from_millis(millis), &id);
        assert_eq!(parse_queued(&at(5)), Ok(id));
        assert!(at(255) < at(256) && at(256).starts_with(&list(RequestList::Live)));
        assert!(parse_queued(&case(&id)).is_err() && parse_queued(&at(5)[..26]).is_err());
        let mut numbers: Vec<_> = Right::ALL.iter().map(|right| RequestList::LiveOf(*right).number()).collect();
        numbers.extend(RightState::ALL.iter().map(|state| RequestList::In(*state).number()));
        numbers.push(RequestList::Live.number());
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
