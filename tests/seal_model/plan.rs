//! What is varied: the order of the steps, one fault in the rules, and how much may happen.

use membervault::vault::seal::Step;

/// One deliberate mistake. Mistakes of order are not here: they are other permutations of [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next attempt uses the keys of the one that was aborted.
    ReusePending,
    /// A writer commits a row under a shard key it read before the seal.
    StaleWriter,
    /// A writer puts back a row that was erased while it worked.
    ResurrectingWriter,
    /// Nodes between root and leaves keep their keys.
    NoInnerRotation,
    /// Leaves keep their keys.
    NoLeafRotation,
    /// The keyring is written, with the old root still in it.
    KeepOldRoot,
    /// After a crash, what the tree has left behind is certified before the old root is dropped.
    RecoveryCertifiesFirst,
    /// No redo capsule is written.
    NoCapsule,
    /// Certified although a holder that is away keeps the old root.
    CertifyWhileAway,
    /// A holder was revoked with an old root in it, and the certificate does not say so.
    RevokedUnnamed,
    /// Rows are gathered, and writers go on until they are written.
    GatherWithoutExclusion,
    /// An erasure whose leaves take two rounds is certified after the first.
    CertifyHalf,
    /// The next root is written here only, not to the holders.
    PrepareHereOnly,
    /// An image with an old keyring is served without asking how far the log had come.
    ServeStaleImage,
    /// A restore brings the control rows of the backup along.
    RestoreControlRows,
    /// A restore keeps records whose member has no key.
    RestoreKeyless,
}

/// How much may happen in one life of the world.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Members erased.
    pub erasures: u8,
    /// Attempts to seal.
    pub attempts: u8,
    /// Crashes, also while recovering.
    pub crashes: u8,
    /// Of these, such that lose what the disk had acknowledged.
    pub lost: u8,
    /// Batches that are written wrongly, by a defect or a flipped bit.
    pub damage: u8,
    /// A crash in the middle of the batch: its bytes are on the disk, the database is as before.
    pub torn: bool,
    /// A member inserted, and a row rewrapped, at any moment.
    pub writers: bool,
    /// Registered holders, 0 to 2. The last may go away, come back, or be revoked.
    pub holders: usize,
    /// The keyring of this machine may be lost, and the first holder's copy taken instead.
    pub keyring_lost: bool,
    /// Dirty leaves a round takes at most.
    pub leaves_per_round: Option<u32>,
    /// An image of database and keyring is taken and brought back.
    pub image: bool,
    /// A backup of the data is taken and restored.
    pub backup: bool,
}

impl Bounds {
    /// Nothing happens.
    pub const NONE: Self = Self {
        erasures: 0,
        attempts: 0,
        crashes: 0,
        lost: 0,
        damage: 0,
        torn: false,
        writers: false,
        holders: 0,
        keyring_lost: false,
        leaves_per_round: None,
        image: false,
        backup: false,
    };
}

/// What is checked in one run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub order: [Step; 7],
    pub fault: Option<Fault>,
    pub bounds: Bounds,
}

impl Plan {
    /// The code's own order and rules.
    pub const fn sound(bounds: Bounds) -> Self {
        Self { order: Step::ORDER, fault: None, bounds }
    }

    pub const fn with(bounds: Bounds, fault: Fault) -> Self {
        Self { order: Step::ORDER, fault: Some(fault), bounds }
    }

    pub const fn ordered(bounds: Bounds, order: [Step; 7]) -> Self {
        Self { order, fault: None, bounds }
    }

    pub fn is_sound(&self) -> bool {
        self.order == Step::ORDER && self.fault.is_none()
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Where a step stands in the order.
    pub fn position(&self, step: Step) -> u8 {
        self.order.iter().position(|other| *other == step).map_or(0, |at| at as u8)
    }
}

/// The order with one step moved to just before another.
pub fn moved(step: Step, before: Step) -> [Step; 7] {
    let mut order: Vec<Step> = Step::ORDER.into_iter().filter(|other| *other != step).collect();
    let at = order.iter().position(|other| *other == before).expect("a step");
    order.insert(at, step);
    order.try_into().expect("seven steps")
}
