use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::clock::Timestamp;
use crate::code::{Code, Coded};
use crate::types::{BackupId, VaultId};

const VAULT: VaultId = VaultId::from_bytes([1; 16]);

struct Place {
    directory: TempDir,
    depot: Depot,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let depot = Depot::at(directory.path().join("backups"));
        Self { directory, depot }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A checkpoint of these files, hard links to `live/`, as an engine makes them.
    fn checkpoint(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let (live, checkpoint) = (self.path("live"), self.path(name));
        fs::create_dir_all(&live).unwrap();
        fs::create_dir(&checkpoint).unwrap();
        for (file, content) in files {
            if !live.join(file).exists() || !file.ends_with(".sst") {
                fs::write(live.join(file), content).unwrap();
            }
            fs::hard_link(live.join(file), checkpoint.join(file)).unwrap();
        }
        checkpoint
    }

    fn take(&self, number: u8, checkpoint: &Path) -> Result<(Taken, Seen), BackupError> {
        let progress = Progress::default();
        let at = Timestamp::from_millis(u64::from(number));
        let manifest = Manifest::new(VAULT, id(number), at, (u64::from(number), [number; 32]), 1);
        let taken = Taking { depot: &self.depot, checkpoint, manifest }.run(&progress)?;
        Ok((taken, progress.seen()))
    }

    fn content(&self, sha256: &str) -> PathBuf {
        self.depot.path().join("files").join(sha256)
    }
}

fn id(number: u8) -> BackupId {
    BackupId::from_bytes([number; 16])
}

const FIRST: &[(&str, &[u8])] = &[("000007.sst", b"seven"), ("000009.sst", b"nine"), ("CURRENT", b"MANIFEST-1\n")];

#[test]
fn a_later_backup_copies_only_what_is_new() {
    let place = Place::new();
    let (first, seen) = place.take(1, &place.checkpoint("one", FIRST)).unwrap();
    assert_eq!((seen.bytes_total, seen.bytes_done, seen.bytes_copied), (20, 20, 20));
    let second: &[(&str, &[u8])] = &[("000007.sst", b""), ("000011.sst", b"eleven"), ("CURRENT", b"MANIFEST-1\n")];
    let (second, seen) = place.take(2, &place.checkpoint("two", second)).unwrap();
    // 000007.sst is known by where it lies; CURRENT is read again, and lies in the depot once.
    assert_eq!((seen.bytes_done, seen.bytes_copied), (22, 17));
    assert_eq!(second.manifest.files[0], first.manifest.files[0]);
    assert_eq!(fs::read_dir(place.depot.files()).unwrap().count(), 4);
    let listed = place.depot.list().unwrap();
    assert_eq!(listed, [first.manifest, second.manifest]);
}

#[test]
fn a_file_of_the_same_name_elsewhere_is_another_file() {
    let place = Place::new();
    place.take(1, &place.checkpoint("one", FIRST)).unwrap();
    // As after a restore: the same name and length in another database.
    let other = place.path("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("000007.sst"), b"SEVEN").unwrap();
    let (taken, seen) = place.take(2, &other).unwrap();
    assert_eq!(seen.bytes_copied, 5);
    assert_eq!(fs::read(place.content(&taken.manifest.files[0].sha256)).unwrap(), b"SEVEN");
}

#[test]
fn a_backup_comes_back_as_it_was() {
    let place = Place::new();
    place.take(1, &place.checkpoint("one", FIRST)).unwrap();
    let examined = place.depot.verify(&id(1), &Progress::default()).unwrap();
    assert!(examined.is_whole() && examined.is_database());
    let back = place.path("back");
    let manifest = place.depot.fetch(&id(1), &back, &Progress::default()).unwrap();
    assert_eq!(manifest, examined.manifest);
    for (name, content) in FIRST {
        assert_eq!(fs::read(back.join(name)).unwrap(), *content);
    }
    let (depot, backup) = Depot::of_backup(&place.depot.path().join(id(1).to_string())).unwrap();
    assert_eq!((depot.manifest(&backup).unwrap().0, backup), (manifest, id(1)));
}

#[test]
fn damage_is_named_and_refused() {
    type Harm = fn(&Path);
    let damages: [(&str, Harm); 3] = [
        ("is missing", |path| fs::remove_file(path).unwrap()),
        ("has another length", |path| fs::write(path, b"sev").unwrap()),
        ("has other bytes", |path| fs::write(path, b"sevem").unwrap()),
    ];
    for (problem, harm) in damages {
        let place = Place::new();
        let (taken, _) = place.take(1, &place.checkpoint("one", FIRST)).unwrap();
        harm(&place.content(&taken.manifest.files[0].sha256));
        let examined = place.depot.verify(&id(1), &Progress::default()).unwrap();
        let named: Vec<_> = examined.damage.iter().map(|damage| (damage.name.as_str(), damage.problem)).collect();
        assert_eq!(named, [("000007.sst", problem)]);
        let refused = place.depot.fetch(&id(1), &place.path("back"), &Progress::default()).unwrap_err();
        assert!(refused.to_string().contains(&format!("000007.sst {problem}")), "{refused}");
        assert_eq!(refused.code(), Code::Corrupt);
    }
}

#[test]
fn half_a_backup_is_none() {
    let place = Place::new();
    let checkpoint = place.checkpoint("one", FIRST);
    let progress = Progress::limited(1);
    progress.stop();
    let manifest = Manifest::new(VAULT, id(1), Timestamp::default(), (0, [0; 32]), 1);
    let stopped = Taking { depot: &place.depot, checkpoint: &checkpoint, manifest }.run(&progress);
    assert!(matches!(stopped, Err(BackupError::Stopped)));
    assert!(matches!(place.depot.manifest(&id(1)), Err(BackupError::Missing { .. })));
    assert_eq!(place.depot.list().unwrap(), []);
    // What a killed process leaves: a file under way, and a directory whose manifest was not there yet.
    fs::write(place.content("incoming-x"), b"half").unwrap();
    fs::create_dir(place.depot.path().join(id(3).to_string())).unwrap();
    assert_eq!(place.depot.list().unwrap(), []);
    let (taken, _) = place.take(2, &checkpoint).unwrap();
    assert_eq!(place.depot.list().unwrap(), [taken.manifest]);
    assert!(!place.content("incoming-x").exists());
}

#[test]
fn one_process_writes_at_a_time() {
    let place = Place::new();
    let held = place.depot.begin().unwrap();
    let refused = place.take(1, &place.checkpoint("one", FIRST)).unwrap_err();
    assert_eq!(refused.code(), Code::BackupRunning);
    drop(held);
    place.take(1, &place.path("one")).unwrap();
}

#[test]
fn the_rate_is_a_bound() {
    let place = Place::new();
    let checkpoint = place.checkpoint("one", &[("a.sst", &[7; 300_000])]);
    let progress = Progress::limited(1);
    let manifest = Manifest::new(VAULT, id(1), Timestamp::default(), (0, [0; 32]), 1);
    let begun = std::time::Instant::now();
    Taking { depot: &place.depot, checkpoint: &checkpoint, manifest }.run(&progress).unwrap();
    assert!(begun.elapsed().as_millis() >= 280, "300 kB at 1 MiB/s took {:?}", begun.elapsed());
}

#[test]
fn a_manifest_that_leads_elsewhere_is_refused() {
    let place = Place::new();
    let (taken, _) = place.take(1, &place.checkpoint("one", FIRST)).unwrap();
    let good = taken.manifest.encode();
    assert_eq!(Manifest::parse(&good).unwrap(), taken.manifest);
    let text = String::from_utf8(good).unwrap();
    let hash = taken.manifest.files[0].sha256.clone();
    for (from, to) in [
        ("\"000007.sst\"", "\"../key.sst\""),
        ("\"000007.sst\"", "\"\""),
        ("\"000007.sst\"", "\"000009.sst\""),
        (hash.as_str(), "../../etc/passwd"),
        ("\"epoch\"", "\"epic\""),
        ("{\n  \"version\": 1", "[\n  \"version\": 1"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert!(changed != text && matches!(Manifest::parse(changed.as_bytes()), Err(Some(_))), "{from}");
    }
    let later = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert_eq!(Manifest::parse(later.as_bytes()), Err(None));
    let moved = place.path("elsewhere");
    fs::create_dir(&moved).unwrap();
    fs::write(moved.join("manifest.json"), &text).unwrap();
    assert_eq!(Depot::of_backup(&moved).unwrap_err().code(), Code::Corrupt);
    assert_eq!(Depot::of_backup(&place.path("live")).unwrap_err().code(), Code::NotFound);
}
