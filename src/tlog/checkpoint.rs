//! Checkpoints (C2SP `tlog-checkpoint`): the size and root of a log, as a text that is signed.

use data_encoding::BASE64;

use super::hash::Hash;
use super::key::KeyName;
use super::note::NoteError;

/// What a log says of itself: so many leaves, this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: KeyName,
    /// Number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    /// Reads the text. Lines beyond the third, which the specification lets others add, are refused: this log has none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("a checkpoint has three lines: origin, size, root");
        let mut lines = text.strip_suffix('\n').ok_or(malformed)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(malformed);
        };
        let origin = origin.parse().map_err(|_| malformed)?;
        let size = decimal(size).ok_or(malformed)?;
        Ok(Self { origin, size, root: hash(root).ok_or(malformed)? })
    }
}

/// A number without leading zeroes or signs.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.parse().ok().filter(|_| canonical)
}

/// A hash in base64.
pub(super) fn hash(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.text(), text);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        assert!(Checkpoint::parse(&format!("log\n0\n{root}\n")).is_ok());
        for text in [
            String::new(),
            format!("log\n1\n{root}"),
            "log\n1\n".to_owned(),
            format!("log\n1\n{root}\nextension\n"),
            format!("log\n1\n{root}\n\n"),
            format!("\n1\n{root}\n"),
            format!("lo g\n1\n{root}\n"),
            format!("log\n01\n{root}\n"),
            format!("log\n+1\n{root}\n"),
            format!("log\n-1\n{root}\n"),
            format!("log\n\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            format!("log\n1\n{}\n", &root[4..]),
            format!("log\n1\n{}\n", root.trim_end_matches('=')),
            "log\n1\n#\n".to_owned(),
        ] {
            assert!(matches!(Checkpoint::parse(&text), Err(NoteError::Malformed(_))), "{text:?}");
        }
    }
}
