//! Where an envelope may have been sealed (FORMAT.md, section 2), and which place a row key tells of (section 6).

pub(crate) type Id = [u8; 16];

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Keyring(Vec<u8>),
    Node {
        subtree: u8,
        level: u8,
        index: u32,
    },
    Member(Id),
    Page {
        field: u8,
        bucket: u32,
        page: u8,
    },
    Record {
        member: Id,
        compartment: u16,
        token: Id,
        dek: u32,
        version: u64,
    },
    Access(Id),
    Hold(Id),
    Control(Vec<u8>),
    /// The texts of a request, within the control row of the request.
    Request {
        member: Id,
        request: Id,
    },
}

/// The tree and the index, as the meta row has them.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) vault: Id,
    pub(crate) depth: u8,
    pub(crate) buckets: [u32; 3],
}

impl Shape {
    /// Reads row `V`.
    pub(crate) fn parse(row: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(row.get(at..at + 4)?.try_into().ok()?));
        (row.len() == 39 && row[0] == 1).then_some(())?;
        Some(Self {
            vault: row[1..17].try_into().ok()?,
            depth: row[18],
            buckets: [number(19)?, number(23)?, number(27)?],
        })
    }

    pub(crate) fn shard(&self, member: &Id) -> u32 {
        member[..usize::from(self.depth)].iter().fold(0, |shard, byte| shard << 8 | u32::from(*byte))
    }

    /// Levels of nodes in a subtree; subtrees that lead nowhere have none.
    pub(crate) fn depth_of(&self, subtree: u8) -> u8 {
        match subtree {
            0 => self.depth,
            1..=3 => {
                let buckets = u64::from(self.buckets[usize::from(subtree) - 1]);
                (1..=4).find(|depth| 256_u64.pow(u32::from(*depth)) >= buckets).unwrap_or(4)
            }
            _ => 0,
        }
    }

    pub(crate) fn bytes(&self, place: &Place) -> Vec<u8> {
        let vault = &self.vault[..];
        match place {
            Place::Keyring(header) => [&[1], vault, &[length(header)], header].concat(),
            Place::Node { subtree, level, index } => [&[2], vault, &[*subtree, *level], &index.to_be_bytes()].concat(),
            Place::Member(member) => [&[3], vault, &self.shard(member).to_be_bytes(), member].concat(),
            Place::Page { field, bucket, page } => [&[4], vault, &[*field], &bucket.to_be_bytes(), &[*page]].concat(),
            Place::Record { member, compartment, token, dek, version } => {
                let (compartment, dek, version) = (compartment.to_be_bytes(), dek.to_be_bytes(), version.to_be_bytes());
                [&[5], vault, member, &compartment, token, &dek, &version].concat()
            }
            Place::Access(member) => [&[6], vault, member].concat(),
            Place::Hold(member) => [&[7], vault, member].concat(),
            Place::Control(key) => [&[8], vault, &[length(key)], key].concat(),
            Place::Request { member, request } => [&[9], vault, member, request].concat(),
        }
    }
}

fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

/// version, member, compartment, requested, fenced
const ERASURE_STAGE_AT: usize = 1 + 16 + 2 + 8 + 8;

/// What a row key says. The keyspace need not be known: the lengths tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// The place of the envelope, which begins at this offset of the row.
    Sealed(Place, usize),
    /// An access row, under the prefix of a member who is not known yet.
    Access(Id),
    /// No envelope, but a member.
    Member(Id),
    /// An erasure, and whether it is of the whole member and said to be sealed.
    Erasure {
        member: Id,
        sealed: bool,
    },
    Meta,
    Other,
}

pub(crate) fn address(key: &[u8], row: &[u8]) -> Address {
    let u32_at = |at: usize| u32::from_be_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
    let id_at = |at: usize| -> Id { key[at..at + 16].try_into().unwrap_or_default() };
    let enveloped = row.get(1..4) == Some(b"MV1");
    match (key.first(), key.len()) {
        // Agreed: the name of a purpose makes the key as long as any other; its row is not.
        (Some(b'C'), length @ 19..) if row.len() == 5 && usize::from(key[1]) == length - 18 => {
            Address::Member(id_at(length - 16))
        }
        (Some(b'S'), 18) if key[1] == 1 => Address::Member(id_at(2)),
        (_, 34) => match record(row) {
            Some((dek, version)) => {
                let compartment = u16::from_be_bytes([key[16], key[17]]);
                Address::Sealed(Place::Record { member: id_at(0), compartment, token: id_at(18), dek, version }, 13)
            }
            None => Address::Member(id_at(0)),
        },
        (_, 24) => Address::Access(id_at(0)),
        (Some(1..=3), 6) if enveloped => {
            Address::Sealed(Place::Page { field: key[0], bucket: u32_at(1), page: key[5] }, 1)
        }
        (Some(b'N'), 7) => Address::Sealed(Place::Node { subtree: key[1], level: key[2], index: u32_at(3) }, 1),
        (Some(b'M'), 17) => Address::Sealed(Place::Member(id_at(1)), 1),
        (Some(b'H'), 17) => Address::Sealed(Place::Hold(id_at(1)), 1),
        (Some(b'F'), 19) => Address::Member(id_at(1)),
        (Some(b'X'), 17) if row.len() > ERASURE_STAGE_AT => {
            let sealed = row[ERASURE_STAGE_AT] >= 2 && row[17..19] == [0xff; 2];
            Address::Erasure { member: row[1..17].try_into().unwrap_or_default(), sealed }
        }
        (Some(b'V'), 1) => Address::Meta,
        _ if enveloped => Address::Sealed(Place::Control(key.to_vec()), 1),
        _ => Address::Other,
    }
}

/// The member whose list of requests lies under this key of a control row.
pub(crate) fn whose_requests(key: &[u8]) -> Option<Id> {
    key.strip_prefix(b"Jm")?.try_into().ok()
}

/// The request that lies under this key of a control row.
pub(crate) fn request(key: &[u8]) -> Option<Id> {
    key.strip_prefix(b"Jc")?.try_into().ok()
}

/// DEK version and record version of a record row, which stand before its envelope.
pub(crate) fn record(row: &[u8]) -> Option<(u32, u64)> {
    (row.first() == Some(&1) && row.get(13..16) == Some(b"MV1")).then_some(())?;
    Some((u32::from_be_bytes(row[1..5].try_into().ok()?), u64::from_be_bytes(row[5..13].try_into().ok()?)))
}
