//! An old image of everything, keyring and all.

use membervault::vault::restore::Recovered;

use super::*;

/// Everything as it was at one moment, the keyring too, and the vault that went on after it.
pub(crate) struct Image<'h> {
    house: &'h House,
    pub(crate) engine: Arc<dyn Engine>,
    keyring: Arc<MemorySlot>,
}

impl<'h> Image<'h> {
    /// Of a vault that was never sealed before.
    pub(crate) fn of(house: &'h House) -> Self {
        house.live.engine.checkpoint(&house.path("image")).unwrap();
        let keyring = Arc::new(MemorySlot::new(VAULT_ID, &decode(&house.live.slot.past()[0])));
        Self { house, engine: engine(&house.path("image"), Opening::Existing), keyring }
    }

    fn parts(&self, mirrors: &[PathBuf]) -> Parts {
        let mut remains = self.house.live.remains();
        (remains.engine, remains.slot) = (Arc::clone(&self.engine), Arc::clone(&self.keyring));
        remains.mirrors = mirrors.to_vec();
        remains.parts(None)
    }

    /// Takes over what the mirror knows, when the vault has ended.
    pub(crate) fn recover(&self) -> Result<(Vault, Recovered), Error> {
        self.house.live.vault.close().unwrap();
        let log = MemoryEngine::new();
        Control::Mirror(&self.house.path("mirror")).ledger(&log).unwrap();
        Vault::recover_stale(self.parts(&[]), &log)
    }
}

#[test]
fn an_old_image_with_its_old_keyring_is_noticed_and_can_be_brought_up_to_date() {
    let house = House::new();
    let (vault, compliance) = (&house.live.vault, ctx(Role::Compliance));
    let hold = NewHold { reason: "litigation".to_owned(), reference: None };
    vault.set_hold(&compliance, &house.members[8], &hold).wait().unwrap();
    let image = Image::of(&house);
    house.erase(1);
    vault.release_hold(&compliance, &house.members[8]).wait().unwrap();
    house.erase(8);
    let marketing = "marketing".parse().unwrap();
    let part = vault.erase(&compliance, &house.members[3], Some(&marketing)).wait().unwrap();
    house.seal();
    create(vault, 60);
    vault.close().unwrap();

    let mirror = [house.path("mirror")];
    assert_eq!(Vault::open(image.parts(&mirror)).err().unwrap().code(), Code::StaleImage);

    let (vault, done) = image.recover().unwrap();
    assert_eq!((done.members, done.erased_again, done.sealed), (MEMBERS as u64, 3, 3));
    assert_eq!(done.leaves, 9, "three erasures, a hold released, a seal in two leaves, a member with two records");
    house.check(&vault, &[1, 8]);
    assert_eq!(read(&vault, address(house.members[3], "marketing", "1")), Err(Code::Gone));
    assert_eq!(vault.erasure(&compliance, &part.id).wait().unwrap().stage, Stage::Sealed);
    vault.close().unwrap();
    drop(vault);

    // Now the image continues the log that the mirror has, and is opened with it as any other.
    let vault = Vault::open(image.parts(&mirror)).unwrap();
    house.check(&vault, &[1, 8]);
    // A log of another vault is no continuation.
    vault.close().unwrap();
    let other = TestVault::over(6, Arc::new(MemoryEngine::new()));
    create(&other.vault, 1);
    let refused = Vault::recover_stale(image.parts(&[]), &*other.engine);
    assert_eq!(refused.err().unwrap().code(), Code::StaleImage);
}
