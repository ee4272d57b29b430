//! The body of an inner node of the key tree: `1 | count u16 | count x 32 key bytes`.
//!
//! A node is kept as the bytes it is stored as, since a walk reads one child of 256.

use super::key_bytes::{KEY_LEN, KeyBytes};
use super::reader::Reader;
use super::{CodecError, Plaintext};

const WHAT: &str = "node body";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 3;

/// Children of every node but the root.
pub const NODE_CHILDREN: u16 = 256;
/// Children of the root node: the top nodes of the subtrees.
pub const ROOT_CHILDREN: u16 = 16;

/// The keys of the children of one node.
pub struct NodeBody(Plaintext);

impl NodeBody {
    /// A node of `count` keys, drawn by `fill`.
    pub fn generate<E>(count: u16, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut body = Plaintext::zeroed(usize::from(count).saturating_mul(KEY_LEN).saturating_add(HEADER_LEN));
        if let Some((header, keys)) = body.bytes_mut().split_first_chunk_mut::<HEADER_LEN>() {
            let [high, low] = count.to_be_bytes();
            *header = [VERSION, high, low];
            fill(keys)?;
        }
        Ok(Self(body))
    }

    /// Reads the body of a node.
    pub fn parse(body: Plaintext) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, body.bytes(), VERSION)?;
        let count = usize::from(reader.u16()?);
        reader.take(count.saturating_mul(KEY_LEN))?;
        reader.finish().map(|()| Self(body))
    }

    /// How many children there are.
    pub fn count(&self) -> usize {
        self.0.len().saturating_sub(HEADER_LEN) / KEY_LEN
    }

    /// The key of one child; `None` if there is no such child.
    pub fn child<K: KeyBytes>(&self, index: usize) -> Option<K> {
        let start = index.checked_mul(KEY_LEN)?.checked_add(HEADER_LEN)?;
        self.0.bytes().get(start..)?.first_chunk().map(K::from_key_bytes)
    }

    /// Replaces the key of one child. `false` if there is no such child.
    pub fn set_child<K: KeyBytes>(&mut self, index: usize, key: &K) -> bool {
        let start = index.saturating_mul(KEY_LEN).saturating_add(HEADER_LEN);
        let slot = self.0.bytes_mut().get_mut(start..).and_then(|rest| rest.first_chunk_mut());
        slot.map(|slot: &mut [u8; KEY_LEN]| *slot = *key.expose_key_bytes()).is_some()
    }

    /// The bytes to seal.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn node(count: u16) -> NodeBody {
        let numbered = |keys: &mut [u8]| {
            keys.chunks_mut(KEY_LEN).zip(0..=255).for_each(|(key, number)| key.fill(number));
            Ok::<_, ()>(())
        };
        NodeBody::generate(count, numbered).unwrap()
    }

    #[test]
    fn children_are_found_where_they_were_put() {
        let mut node = node(256);
        assert_eq!(node.count(), 256);
        assert_eq!(node.child::<Secret<_>>(200).unwrap().expose(), &[200; 32]);
        assert!(node.set_child(200, &Secret::new([9; 32])));
        let node = NodeBody::parse(Plaintext::from_vec(node.expose().to_vec())).unwrap();
        assert_eq!(node.child::<Secret<_>>(200).unwrap().expose(), &[9; 32]);
        assert_eq!(node.child::<Secret<_>>(201).unwrap().expose(), &[201; 32]);
        assert!(node.child::<Secret<_>>(256).is_none());
        assert!(node.child::<Secret<_>>(usize::MAX).is_none());
    }

    #[test]
    fn a_node_of_another_length_is_refused() {
        let bytes = node(16).expose().to_vec();
        for cut in 0..bytes.len() {
            assert!(NodeBody::parse(Plaintext::from_vec(bytes[..cut].to_vec())).is_err());
        }
        assert!(NodeBody::parse(Plaintext::from_vec([bytes.as_slice(), &[0]].concat())).is_err());
    }
}
