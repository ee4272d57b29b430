//! The purge, with the engine that ships: what was erased is in the files before it and not after it, and where it still
//! is, the stage does not say otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use membervault::code::{Code, Coded};
use membervault::codec::ResidueRow;
use membervault::ledger::{Event, Leaf};
use membervault::store::needles::{Needles, Round, Search};
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::tables;
use membervault::testkit::vault::{Remains, TestVault, ctx, ctx_for};
use membervault::types::{Compartment, ErasureId, MemberId, RecordMeta, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Expect, NewMember, NewShare, RecordAddress, RecordQuery, RecordWrite, Stage};
use membervault::vault::purge::{PurgeReport, PurgeSettings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A vault on a disk.
struct House {
    directory: TempDir,
    test: TestVault,
}

impl House {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut test = TestVault::over(seed, engine(&directory.path().join("db"), Opening::Fresh));
        test.reopen(); // a founded vault begins with the salts it was founded with, in the seeded randomness of tests
        Self { directory, test }
    }

    /// Ends the process, as it were, and begins another.
    fn restart(self) -> Self {
        let Self { directory, test } = self;
        let remains = test.remains();
        test.vault.close().unwrap();
        drop(test);
        let Remains { engine: old, slot, capsules, clock, seed, log, mirrors, map } = remains;
        drop(old);
        let engine = engine(&directory.path().join("db"), Opening::Existing);
        let test = Remains { engine, slot, capsules, clock, seed, log, mirrors, map }.open(None).unwrap();
        Self { directory, test }
    }

    fn files(&self) -> PathBuf {
        self.directory.path().join("db")
    }

    fn vault(&self) -> &Vault {
        &self.test.vault
    }

    fn engine(&self) -> &dyn Engine {
        &*self.test.engine
    }

    fn purge(&self) -> PurgeReport {
        self.vault().purge(&ctx(Role::Ops)).unwrap()
    }

    fn seal(&self) {
        self.vault().seal(&ctx(Role::Ops)).unwrap();
    }

    fn residues(&self) -> Vec<(ErasureId, ResidueRow)> {
        let chunk = tables::residue::list(self.engine(), None, 1_000).unwrap();
        assert!(!chunk.more);
        chunk.items.into_iter().map(|residue| (residue.erasure, residue.row)).collect()
    }

    fn stages(&self, erasures: &[ErasureId]) -> BTreeSet<Stage> {
        let stage = |id| self.vault().erasure(&ctx(Role::Compliance), id).wait().unwrap().stage;
        erasures.iter().map(stage).collect()
    }
}

fn engine(path: &Path, opening: Opening) -> Arc<dyn Engine> {
    let small =
        RocksSettings { block_cache_bytes: 16 << 20, write_buffer_bytes: 4 << 20, ..RocksSettings::new(path, opening) };
    Arc::new(RocksEngine::open(&small).unwrap())
}

/// A member with three records, two of them read.
fn create(vault: &Vault, number: usize) -> MemberId {
    let Value::Object(profile) = json!({ "email": format!("member-{number}@example.org"), "name": "somebody" }) else {
        unreachable!()
    };
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    let member = vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id;
    for (compartment, name) in [("marketing", "topics"), ("orders", "first")] {
        let address = address(member, compartment, name);
        let Value::Object(data) = json!({ "text": format!("{number} {}", "words ".repeat(40)) }) else {
            unreachable!()
        };
        let write = RecordWrite { address, data, meta: Some(RecordMeta::default()), expect: Expect::Any };
        vault.put_record(&ctx_for(Role::Crm, "support"), &write).wait().unwrap();
    }
    for address in [RecordAddress::profile(member), address(member, "orders", "first")] {
        let query = RecordQuery { address, fields: None };
        vault.read_record(&ctx_for(Role::Crm, "support"), &query).wait().unwrap();
    }
    member
}

fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

fn erase(vault: &Vault, member: &MemberId, compartment: Option<&Compartment>) -> ErasureId {
    vault.erase(&ctx(Role::Compliance), member, compartment).wait().unwrap().id
}

/// Which of the residues have how many of their needles in the files, and in which files.
fn found(directory: &Path, residues: &[(ErasureId, ResidueRow)]) -> (usize, Vec<String>) {
    let needles: Vec<&[u8]> = residues
        .iter()
        .flat_map(|(_, row)| row.pieces.iter().map(|x| x.as_slice()).chain(row.ends.iter().map(|x| x.as_slice())))
        .collect();
    let all = Needles::new((0..).zip(needles.iter().copied())).unwrap();
    let mut search = Search::new(directory, &all);
    while search.round(&mut |_| ControlFlow::Continue(())).unwrap() != Round::Whole {}
    (search.found().len(), search.found_in().collect())
}

fn purge_leaves(engine: &dyn Engine) -> Vec<usize> {
    let mut counts = Vec::new();
    let visit = &mut |_: &[u8], row: &[u8]| {
        if let Event::Purge(tags) = Leaf::parse(row).unwrap().event {
            counts.push(tags.len());
        }
        ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Ledger, &KeyRange::prefix(b"L".as_slice()), visit).unwrap();
    counts
}

#[test]
fn what_was_erased_is_in_the_files_before_the_purge_and_not_after_it() {
    let house = House::new(1);
    let members: Vec<_> = (0..60).map(|number| create(house.vault(), number)).collect();
    house.engine().flush().unwrap(); // half of it into tables, half of it only in the log
    let later: Vec<_> = (60..80).map(|number| create(house.vault(), number)).collect();
    let gone: Vec<_> = members[..3].iter().chain(&later[..3]).collect();
    let mut erasures: Vec<_> = gone.iter().map(|member| erase(house.vault(), member, None)).collect();
    erasures.push(erase(house.vault(), &members[9], Some(&"orders".parse().unwrap())));
    assert_eq!(house.purge(), PurgeReport::default(), "nothing is purged that is not sealed");
    house.seal();
    let residues = house.residues();
    assert_eq!(residues.len(), 7);
    // Of a whole member: its row, its three records, a page: salt and tag of each; three keys and a prefix.
    let counts: BTreeSet<_> = residues.iter().map(|(_, row)| (row.pieces.len(), row.ends.len())).collect();
    assert_eq!(counts, BTreeSet::from([(10, 4), (4, 1)]));
    let wanted: usize = residues.iter().map(|(_, row)| row.pieces.len() + row.ends.len()).sum();
    let (before, files) = found(&house.files(), &residues);
    assert_eq!(before, wanted, "the control: every needle is there, in {files:?}");
    let report = house.purge();
    println!("{report:?}");
    assert_eq!((report.erasures, report.purged, report.found), (7, 7, 0), "{report:?}");
    assert_eq!(found(&house.files(), &residues), (0, Vec::new()));
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
    assert!(house.residues().is_empty());
    assert_eq!(purge_leaves(house.engine()), [7]);
    assert_eq!(house.vault().purge_due().unwrap(), None);
    // It stays so, and everybody else is there.
    let house = house.restart();
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
    assert!(house.vault().examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
    assert_eq!(found(&house.files(), &residues), (0, Vec::new()));
}

#[test]
fn the_links_of_the_erased_go_too() {
    let house = House::new(8);
    let members: Vec<_> = (0..20).map(|number| create(house.vault(), number)).collect();
    let share = |member: &MemberId| {
        let input = NewShare {
            address: RecordAddress::profile(*member),
            recipient: "carrier".parse().unwrap(),
            fields: vec!["name".parse().unwrap()],
            expires_at: house.vault().status(&ctx(Role::Ops)).wait().unwrap().created_at.plus_millis(3_600_000),
            opens_max: None,
        };
        house.vault().create_share(&ctx_for(Role::Crm, "service"), &input).wait().unwrap().info.id
    };
    let links: Vec<_> = members[..3].iter().flat_map(|member| [share(member), share(member)]).collect();
    house.engine().flush().unwrap();
    let erasures: Vec<_> = members[..2].iter().map(|member| erase(house.vault(), member, None)).collect();
    house.seal();
    let residues = house.residues();
    let counts: BTreeSet<_> = residues.iter().map(|(_, row)| (row.pieces.len(), row.ends.len())).collect();
    assert_eq!(counts, BTreeSet::from([(14, 6)]), "of two links also salt, tag and key");
    let wanted: usize = residues.iter().map(|(_, row)| row.pieces.len() + row.ends.len()).sum();
    assert_eq!(found(&house.files(), &residues).0, wanted, "the control");
    assert_eq!(house.purge().purged, 2);
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
    assert_eq!(found(&house.files(), &residues), (0, Vec::new()));
    let ids = Needles::new((0..).zip(links.iter().map(|id| id.as_bytes().as_slice()))).unwrap();
    let mut search = Search::new(&house.files(), &ids);
    while search.round(&mut |_| ControlFlow::Continue(())).unwrap() != Round::Whole {}
    assert_eq!(search.found().len(), 2, "those of who lives, and no other");
}

#[test]
fn a_snapshot_that_is_held_keeps_the_stage_and_the_restart_after_it_does_not() {
    let house = House::new(2);
    let members: Vec<_> = (0..20).map(|number| create(house.vault(), number)).collect();
    let erasures;
    {
        let snapshot = house.engine().snapshot().unwrap();
        erasures = vec![erase(house.vault(), &members[0], None)];
        house.seal();
        let report = house.purge();
        assert_eq!((report.purged, report.found), (0, 1), "{report:?}");
        // In tables; and where a key is the first or last of one, in the MANIFEST, which names those.
        let is_expected = |name: &String| name.ends_with(".sst") || name.starts_with("MANIFEST-");
        assert!(!report.found_in.is_empty() && report.found_in.iter().all(is_expected), "{report:?}");
        assert!(snapshot.get(Keyspace::Control, &tables::member::key(&members[0])).unwrap().is_some());
    }
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Sealed]));
    let house = house.restart();
    let report = house.vault().purge_due().unwrap().unwrap();
    assert_eq!((report.purged, report.found), (1, 0), "{report:?}");
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
}

#[test]
fn a_copy_in_the_directory_keeps_the_stage_and_one_beside_it_does_not() {
    let house = House::new(3);
    let members: Vec<_> = (0..20).map(|number| create(house.vault(), number)).collect();
    house.engine().checkpoint(&house.files().join("kept")).unwrap();
    house.engine().checkpoint(&house.directory.path().join("beside")).unwrap();
    let erasures = [erase(house.vault(), &members[0], None)];
    house.seal();
    let residues = house.residues();
    let report = house.purge();
    assert_eq!((report.purged, report.found), (0, 1), "{report:?}");
    assert!(report.found_in.iter().all(|name| name.starts_with("kept/")), "{report:?}");
    fs::remove_dir_all(house.files().join("kept")).unwrap();
    assert_eq!(house.purge().purged, 1);
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
    assert!(found(&house.directory.path().join("beside"), &residues).0 > 0, "a copy elsewhere is not reached");
}

#[test]
fn a_needle_anywhere_in_the_directory_keeps_its_erasure_and_no_other() {
    let house = House::new(4);
    let members: Vec<_> = (0..6).map(|number| create(house.vault(), number)).collect();
    let erasures: Vec<_> = members[..3].iter().map(|member| erase(house.vault(), member, None)).collect();
    house.seal();
    let (held, residue) = house.residues().remove(1);
    let planted = house.files().join("core.1234");
    fs::write(&planted, [b"some text before".as_slice(), &residue.ends[1], b"and after"].concat()).unwrap();
    let report = house.purge();
    assert_eq!((report.purged, report.found, report.found_in.as_slice()), (2, 1, ["core.1234".to_owned()].as_slice()));
    for id in &erasures {
        let expected = if *id == held { Stage::Sealed } else { Stage::Purged };
        assert_eq!(house.stages(&[*id]), BTreeSet::from([expected]));
    }
    assert_eq!(house.residues().len(), 1);
    fs::remove_file(planted).unwrap();
    assert_eq!(house.purge().purged, 1);
    assert_eq!(purge_leaves(house.engine()), [2, 1]);
}

#[test]
fn two_hundred_at_once() {
    let house = House::new(5);
    let members: Vec<_> = (0..260).map(|number| create(house.vault(), number)).collect();
    house.engine().flush().unwrap();
    let erasures: Vec<_> = members[..200].iter().map(|member| erase(house.vault(), member, None)).collect();
    house.seal();
    let residues = house.residues();
    let report = house.purge();
    println!("{report:?}");
    assert_eq!((report.erasures, report.purged), (200, 200), "{report:?}");
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Purged]));
    assert_eq!(found(&house.files(), &residues), (0, Vec::new()));
    assert_eq!(house.vault().examine(&ctx(Role::Ops)).wait().unwrap().members, 60);
}

#[test]
fn who_may_not_purge_does_not_and_what_is_not_on_a_disk_is_not_purged() {
    let memory = TestVault::new(6);
    let member = create(&memory.vault, 1);
    let erasure = erase(&memory.vault, &member, None);
    memory.vault.seal(&ctx(Role::Ops)).unwrap();
    assert_eq!(memory.vault.purge(&ctx(Role::Ops)).unwrap(), PurgeReport::default());
    let found = memory.vault.erasure(&ctx(Role::Compliance), &erasure).wait().unwrap();
    assert_eq!(found.stage, Stage::Sealed);
    for role in [Role::Crm, Role::Compliance, Role::Admin] {
        assert_eq!(memory.vault.purge(&ctx(role)).unwrap_err().code(), Code::Forbidden);
    }
}

#[test]
fn a_purge_in_the_background_ends_with_the_vault() {
    let house = House::new(7);
    house.vault().set_purges(PurgeSettings { rate_mib_s: 1 });
    let members: Vec<_> = (0..40).map(|number| create(house.vault(), number)).collect();
    house.engine().flush().unwrap();
    let erasures = [erase(house.vault(), &members[0], None)];
    house.seal();
    fs::write(house.files().join("large"), vec![0; 90 << 20]).unwrap();
    assert!(house.vault().start_purge(&ctx(Role::Ops)).wait().unwrap().running);
    house.vault().close().unwrap();
    assert_eq!(house.vault().purge_due().unwrap_err().code(), Code::ShuttingDown);
    assert_eq!(house.stages(&erasures), BTreeSet::from([Stage::Sealed]));
}
