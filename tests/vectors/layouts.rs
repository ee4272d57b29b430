//! Vectors of rows and bodies: bytes, and the fields they hold.

use data_encoding::HEXLOWER;
use membervault::clock::Timestamp;
use membervault::codec::rows::{encode_epoch, encode_fence, parse_epoch, parse_fence};
use membervault::codec::{
    AccessDetail, CodecError, ErasureRow, ErasureStage, HeadRow, Holder, KeyBytes, Leaf, NodeBody, Page, PartDetail,
    Plaintext, RecordBody, RecordParts, ResidueRow, RotationRow, VaultMeta, payload,
};
use membervault::crypto::{CompartmentKeys, Entropy, Key, KeyringBody, MemberBody};
use membervault::secret::Secret;
use membervault::testkit::entropy::SeededEntropy;
use membervault::types::place::Subtree;
use membervault::types::standing::{Consent, PurposeStanding, Standing};
use membervault::types::{
    Compartment, ErasureId, MemberId, RecordMeta, RecordName, RecordVersion, RequestId, Role, VaultId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::leaves;
use super::places::{Bytes, Hex};

#[derive(Serialize, Deserialize)]
pub struct Layouts {
    pub valid: Vec<Valid>,
    pub invalid: Vec<Invalid>,
}

#[derive(Serialize, Deserialize)]
pub struct Valid {
    pub layout: String,
    pub bytes: Bytes,
    pub fields: Value,
}

#[derive(Serialize, Deserialize)]
pub struct Invalid {
    pub layout: String,
    /// What was done to valid bytes.
    pub change: String,
    /// `truncated`, `leftover`, `unknown` or `invalid`.
    pub refusal: String,
    pub bytes: Bytes,
}

pub fn refusal(error: CodecError) -> &'static str {
    match error {
        CodecError::Truncated { .. } => "truncated",
        CodecError::Leftover { .. } => "leftover",
        CodecError::Unknown { .. } => "unknown",
        CodecError::Invalid { .. } => "invalid",
        _ => "other",
    }
}

pub(super) fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

/// What the vault reads in the bytes of a layout, and the bytes it writes for that.
pub fn read(layout: &str, bytes: &[u8]) -> Result<(Value, Vec<u8>), CodecError> {
    let owned = || Plaintext::from_vec(bytes.to_vec());
    match layout {
        "vault-meta" => VaultMeta::parse(bytes).map(|meta| (vault_meta(&meta), meta.encode())),
        "epoch" => parse_epoch(bytes).map(|epoch| (json!({ "epoch": epoch }), encode_epoch(epoch))),
        "head" => {
            HeadRow::parse(bytes).map(|head| (json!({ "size": head.size, "root": hex(head.root) }), head.encode()))
        }
        "fence" => parse_fence(bytes).map(|id| (json!({ "erasure": hex(id.as_bytes()) }), encode_fence(&id))),
        "erasure" => ErasureRow::parse(bytes).map(|row| (erasure(&row), row.encode())),
        "residue" => ResidueRow::parse(bytes).map(|row| (residue(&row), row.encode())),
        "rotation" => RotationRow::parse(bytes).map(|row| (rotation(&row), row.encode().unwrap())),
        "node" => NodeBody::parse(owned()).map(|node| (node_fields(&node), node.expose().to_vec())),
        "member" => MemberBody::parse(bytes).map(|body| (member(&body), body.encode().unwrap().expose().to_vec())),
        "page" => Page::parse(owned()).map(|page| (page_fields(&page), page.expose().to_vec())),
        "record" => RecordBody::parse(owned()).map(|body| (record(&body), encode_again(&body))),
        "payload" => payload::unpack(owned()).map(|raw| (json!({ "raw": hex(raw.expose()) }), bytes.to_vec())),
        "keyring" => KeyringBody::parse(bytes).map(|body| (keyring(&body), body.encode().unwrap().expose().to_vec())),
        "detail" => AccessDetail::parse(bytes).map(|found| (detail(&found), found.encode().unwrap())),
        "leaf" => Leaf::parse(bytes).map(|leaf| (leaves::fields(&leaf), leaf.encode())),
        other => panic!("no layout {other}"),
    }
}

fn detail(detail: &AccessDetail<'_>) -> Value {
    let all = json!({
        "at": detail.at.as_millis(), "request": hex(detail.request.as_bytes()), "role": detail.role.number(),
        "organisation": detail.organisation, "recipient": detail.recipient, "compartment": detail.compartment,
        "record": detail.record, "version": detail.version, "fields": detail.fields, "masked": detail.masked,
    });
    let part = |part: &PartDetail<'_>| {
        json!({
            "compartment": part.compartment, "record": part.record, "fields": part.fields, "masked": part.masked,
        })
    };
    let mut all = without_nothing(all);
    if !detail.records.is_empty() {
        all["records"] = detail.records.iter().map(|found| without_nothing(part(found))).collect();
    }
    all
}

/// What is absent, left out.
fn without_nothing(mut object: Value) -> Value {
    let nothing = |name: &String, value: &Value| value.is_null() || name == "masked" && *value == json!([]);
    object.as_object_mut().unwrap().retain(|name, value| !nothing(name, value));
    object
}

fn vault_meta(meta: &VaultMeta) -> Value {
    let [one, two, three] = meta.buckets;
    json!({
        "vault": hex(meta.vault.as_bytes()), "suite": meta.suite, "depth": meta.depth, "buckets_1": one,
        "buckets_2": two, "buckets_3": three, "created": meta.created.as_millis(),
    })
}

fn erasure(row: &ErasureRow) -> Value {
    json!({
        "member": hex(row.member.as_bytes()), "compartment": row.compartment.unwrap_or(0xffff),
        "requested": row.requested.as_millis(), "fenced": row.fenced.as_millis(), "stage": row.stage as u8,
        "tag": hex(row.tag), "leaf": row.leaf, "seal_leaf": row.seal_leaf, "epoch": row.epoch,
        "sealed": row.sealed.as_millis(), "purged": row.purged.as_millis(),
    })
}

fn residue(row: &ResidueRow) -> Value {
    let places = row.places.iter().map(|(keyspace, first)| json!([keyspace, hex(first)])).collect::<Vec<_>>();
    let (pieces, ends) = (row.pieces.iter().map(hex).collect::<Vec<_>>(), row.ends.iter().map(hex).collect::<Vec<_>>());
    json!({ "places": places, "pieces": pieces, "ends": ends })
}

fn rotation(row: &RotationRow) -> Value {
    let leaves = row.leaves.iter().map(|(subtree, leaf)| json!([subtree.0, leaf])).collect::<Vec<_>>();
    json!({
        "old_root": hex(row.old_root), "new_root": hex(row.new_root), "at": row.at.as_millis(), "leaf": row.leaf,
        "leaves": leaves,
    })
}

fn node_fields(node: &NodeBody) -> Value {
    let keys = (0..node.count()).map(|at| node.child::<Secret<[u8; 32]>>(at).unwrap());
    json!({ "keys": keys.map(|key| hex(key.expose())).collect::<Vec<_>>() })
}

fn member(body: &MemberBody) -> Value {
    let compartment = |keys: &CompartmentKeys| {
        let deks: Vec<_> =
            keys.deks.iter().map(|(version, dek)| json!([version, hex(dek.expose_key_bytes())])).collect();
        json!({ "number": keys.number, "name": keys.name, "deks": deks })
    };
    json!({
        "created": body.created, "mk": hex(body.mk.expose_key_bytes()), "next_compartment": body.next_compartment,
        "compartments": body.compartments.iter().map(compartment).collect::<Vec<_>>(),
        "standing": standing(&body.standing),
    })
}

fn standing(standing: &Standing) -> Value {
    let purpose = |one: &PurposeStanding| {
        let given = one.consent.map_or(0, |consent| 1 | u8::from(consent.explicit) << 1);
        let until = one.consent.and_then(|consent| consent.until).unwrap_or(0);
        let ends = one.consent.is_some_and(|consent| consent.until.is_some());
        let rest = u8::from(one.objected) << 2 | u8::from(ends) << 3 | u8::from(one.imported) << 4;
        json!([one.purpose, given | rest, until])
    };
    json!({
        "restricted": standing.restricted, "refuses_automation": standing.refuses_automation, "canary": standing.canary,
        "import": standing.import_number(),
        "purposes": standing.purposes().iter().map(purpose).collect::<Vec<_>>(),
    })
}

fn page_fields(page: &Page) -> Value {
    let entries = page.entries().map(|(token, member)| json!([hex(token), hex(member.as_bytes())]));
    json!({ "continues": page.continues(), "entries": entries.collect::<Vec<_>>() })
}

fn record(body: &RecordBody) -> Value {
    json!({
        "created": body.created.as_millis(), "updated": body.updated.as_millis(), "compartment": body.compartment,
        "name": body.name, "meta": body.meta, "content": String::from_utf8_lossy(body.expose_json()),
    })
}

fn encode_again(body: &RecordBody) -> Vec<u8> {
    let RecordBody { created, updated, compartment, name, meta, .. } = body;
    let (created, updated) = (*created, *updated);
    let parts = RecordParts { created, updated, compartment, name, meta, json: body.expose_json() };
    parts.encode().unwrap().expose().to_vec()
}

fn keyring(body: &KeyringBody) -> Value {
    json!({
        "epoch": body.epoch, "root": hex(body.root.expose_key_bytes()),
        "next": body.next.as_ref().map(|(epoch, root)| json!([epoch, hex(root.expose_key_bytes())])),
        "vault_secret": hex(body.vault_secret.expose_key_bytes()), "ledger_size": body.ledger_size,
        "ledger_root": hex(body.ledger_root), "holders": body.holders.iter().map(holder).collect::<Vec<_>>(),
    })
}

fn holder(holder: &Holder) -> Value {
    json!([holder.name, holder.directory])
}

pub fn make() -> Layouts {
    let mut made = Layouts { valid: Vec::new(), invalid: Vec::new() };
    for (layout, bytes) in samples() {
        let (fields, again) = read(layout, &bytes).unwrap();
        assert_eq!(again, bytes, "{layout}");
        made.invalid.extend(changes(layout, &bytes));
        made.valid.push(Valid { layout: layout.to_owned(), bytes: Hex(bytes), fields });
    }
    made
}

/// What can be done to any layout, and to this one.
fn changes(layout: &str, bytes: &[u8]) -> Vec<Invalid> {
    let with = |at: usize, value: u8| {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        changed
    };
    let mut all = vec![
        ("empty", Vec::new()),
        ("one byte less", bytes[..bytes.len() - 1].to_vec()),
        ("one byte more", [bytes, &[0]].concat()),
        ("another version", with(0, 2)),
    ];
    match layout {
        "rotation" => all.push(("leaves that descend", with(91, 9))),
        "residue" => all.push(("more pieces than there may be", with(8, 4))),
        "erasure" => all.push(("stage 4", with(35, 4))),
        "node" => all.push(("another number of keys", with(2, bytes[2].wrapping_add(1)))),
        "page" => {
            all.extend([("65 entries", with(3, 65)), ("a used free slot", with(2051, 1)), ("continues 2", with(1, 2))])
        }
        "payload" => all.extend([
            ("compression 2", with(1, 2)),
            ("another raw length", with(5, bytes[5] ^ 1)),
            ("a raw length above the limit", with(2, 1)),
        ]),
        "keyring" => all.extend([("has next 2", with(41, 2)), ("padding that is not zero", with(511, 1))]),
        "member" => all.extend([
            ("next compartment 0", with(37, 0)),
            ("padding that is not zero", with(bytes.len() - 1, 1)),
            ("a block of padding more", [bytes, &[0; 64]].concat()),
        ]),
        "record" => all.push(("a name of capitals", with(18, b'A'))),
        "detail" => all.extend([
            ("role 9", with(26, 9)),
            ("bytes that are no UTF-8", with(28, 0xff)),
            ("masked fields of which there are none", with(1, bytes[1] | 64)),
            ("records of which there are none", with(1, bytes[1] | 128)),
            ("padding that is not zero", with(bytes.len() - 1, 1)),
            ("a block of padding more", [bytes, &[0; 128]].concat()),
        ]),
        "leaf" => {
            all.extend([("kind 31", with(1, 31)), ("kind 0", with(1, 0))]);
            if let [front @ .., 0, 0] = bytes {
                all.push(("details of zeroes", [front, &[0, 32], &[0; 32]].concat()));
            }
        }
        _ => {}
    }
    let refused = all.into_iter().filter_map(|(change, bytes)| {
        let refusal = refusal(read(layout, &bytes).err()?).to_owned();
        Some(Invalid { layout: layout.to_owned(), change: change.to_owned(), refusal, bytes: Hex(bytes) })
    });
    refused.collect()
}

pub fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let entropy = &SeededEntropy::new(3);
    let id = |byte| [byte; 16];
    let meta = VaultMeta {
        vault: VaultId::from_bytes(id(1)),
        suite: 1,
        depth: 2,
        buckets: [64, 228, u32::MAX],
        created: Timestamp::from_millis(1_795_294_180_121),
    };
    let erasure = |compartment, stage| ErasureRow {
        requested: Timestamp::from_millis(1),
        stage,
        leaf: 1 << 40,
        seal_leaf: if stage == ErasureStage::Fenced { 0 } else { 1 << 41 },
        ..ErasureRow::fenced(MemberId::from_bytes(id(2)), compartment, Timestamp::from_millis(2), [3; 32])
    };
    let rotation = RotationRow {
        old_root: [1; 32],
        new_root: [2; 32],
        at: Timestamp::from_millis(3),
        leaf: 4,
        leaves: vec![(Subtree(0), 0x0102), (Subtree(3), 0)],
    };
    let residue = ResidueRow {
        places: vec![(0, *b"M\x07"), (2, [7, 8])],
        pieces: vec![[0x5a; 16], [0; 16], [0xff; 16]],
        ends: vec![[0x0f; 12]],
    };
    let node = |count| NodeBody::generate(count, |keys| entropy.fill(keys)).unwrap().expose().to_vec();
    let mut samples = vec![
        ("vault-meta", meta.encode()),
        ("epoch", encode_epoch(7)),
        ("head", HeadRow { size: 8, root: [9; 32] }.encode()),
        ("fence", encode_fence(&ErasureId::from_bytes(id(4)))),
        ("erasure", erasure(None, ErasureStage::Fenced).encode()),
        ("erasure", erasure(Some(5), ErasureStage::Purged).encode()),
        ("rotation", rotation.encode().unwrap()),
        ("residue", residue.encode()),
        ("node", node(16)),
        ("node", node(256)),
        ("keyring", keyring_sample(entropy, false)),
        ("keyring", keyring_sample(entropy, true)),
    ];
    samples.extend([0, 1, 3].map(|compartments| ("member", member_sample(entropy, compartments))));
    samples.extend([0, 1, 64].map(|entries| ("page", page_sample(entries))));
    samples.extend(record_samples().map(|record| ("record", record)));
    samples.extend(payload_samples().map(|payload| ("payload", payload)));
    samples.extend(detail_samples().map(|detail| ("detail", detail)));
    samples.extend(leaves::samples().map(|leaf| ("leaf", leaf)));
    samples
}

/// A plain read; one of some fields for a recipient; an export of two records; one with a long name of a field.
fn detail_samples() -> [Vec<u8>; 4] {
    let long = "é".repeat(150);
    let plain = AccessDetail {
        at: Timestamp::from_millis(1_795_294_180_121),
        request: RequestId::from_bytes([7; 16]),
        role: Role::Crm,
        organisation: None,
        recipient: None,
        compartment: Some("core"),
        record: Some("profile"),
        version: Some(RecordVersion(3)),
        fields: None,
        masked: Vec::new(),
        records: Vec::new(),
    };
    let some = AccessDetail {
        organisation: Some("Müller & Co"),
        recipient: Some("printer"),
        fields: Some(vec!["name", "city"]),
        masked: vec!["email"],
        ..plain.clone()
    };
    let part = |record, fields, masked| PartDetail { compartment: "core", record, fields, masked };
    let several = AccessDetail {
        compartment: None,
        record: None,
        version: None,
        records: vec![part("profile", Some(Vec::new()), vec!["email", "phone"]), part("notes", None, Vec::new())],
        ..plain.clone()
    };
    let longest = AccessDetail { fields: Some(vec![&long, "*"]), ..plain.clone() };
    [plain, some, several, longest].map(|detail| detail.encode().unwrap())
}

fn keyring_sample(entropy: &dyn Entropy, sealing: bool) -> Vec<u8> {
    let next = sealing.then(|| (8, Key::generate(entropy).unwrap()));
    let body = KeyringBody {
        epoch: 7,
        root: Key::generate(entropy).unwrap(),
        next,
        vault_secret: Key::generate(entropy).unwrap(),
        ledger_size: 1000,
        ledger_root: [6; 32],
        holders: if sealing { vec![holder_at("one", "/mnt/one"), holder_at("two", "/mnt/zwölf")] } else { Vec::new() },
    };
    body.encode().unwrap().expose().to_vec()
}

fn holder_at(name: &str, directory: &str) -> Holder {
    Holder { name: name.parse().unwrap(), directory: directory.into() }
}

fn member_sample(entropy: &dyn Entropy, count: u16) -> Vec<u8> {
    let mk = Key::generate(entropy).unwrap();
    let compartment = |number: u16| {
        let deks = (1..=u32::from(number) + 1).map(|version| (version, Key::generate(entropy).unwrap())).collect();
        CompartmentKeys { number, name: format!("compartment-{number}").parse().unwrap(), deks }
    };
    let mut compartments: Vec<_> = (0..count).map(compartment).collect();
    // Of several, one was erased.
    compartments.get_mut(1).into_iter().for_each(|erased| erased.deks.clear());
    // The last of several came with an import, and withdrew one of its consents.
    let brought = ["purpose-0", "purpose-3"].map(|name| name.parse().unwrap());
    let mut standing = if count > 2 { Standing::imported(7, &brought).unwrap() } else { Standing::default() };
    assert!(count <= 2 || standing.set_consent(&brought[1], None));
    (standing.restricted, standing.refuses_automation) = (count > 1, count > 2);
    for at in 0..count {
        let purpose = format!("purpose-{at}").parse().unwrap();
        let consent = (at != 1).then_some(Consent { explicit: at == 2, until: (at == 2).then_some(30_000_000) });
        assert!(standing.set_consent(&purpose, consent) && standing.set_objection(&purpose, at == 1));
    }
    let body = MemberBody { created: 29_921_569, mk, next_compartment: count, compartments, standing };
    body.encode().unwrap().expose().to_vec()
}

fn page_sample(entries: u8) -> Vec<u8> {
    let mut page = Page::empty();
    for entry in 0..entries {
        assert!(page.insert(&[entry; 16], &MemberId::from_random([entry; 16])));
    }
    page.set_continues(entries == 64);
    page.expose().to_vec()
}

fn record_samples() -> [Vec<u8>; 2] {
    let full = RecordMeta {
        purposes: vec!["support".parse().unwrap(), "marketing".parse().unwrap()],
        source: Some("web form".to_owned()),
        category: Some("contact".to_owned()),
        shared_with: vec!["Müller & Söhne".to_owned()],
        objections: vec!["profiling".parse().unwrap()],
        automated_decision: true,
        expires_at: Timestamp::parse("2030-01-01T00:00:00Z"),
    };
    let encode = |compartment: Compartment, name: RecordName, meta: &RecordMeta, json: &str| {
        let (created, updated) = (Timestamp::from_millis(1_795_294_180_121), Timestamp::from_millis(1_795_294_180_122));
        let (compartment, name, json) = (&compartment, &name, json.as_bytes());
        RecordParts { created, updated, compartment, name, meta, json }.encode().unwrap().expose().to_vec()
    };
    [
        encode(Compartment::core(), RecordName::profile(), &RecordMeta::default(), r#"{"email":"ada@example.org"}"#),
        encode("orders".parse().unwrap(), "2026.7".parse().unwrap(), &full, "{ \"name\" : \"小林 七夏\", \"n\": 1.0 }"),
    ]
}

/// 2000 bytes of one line over and over, as a zstd frame. Given, not made: another release of zstd makes other bytes of
/// them, and both are right.
const FRAME: &str = "28b52ffd60d006ad0100c4027b22656d61696c223a22616461406578616d706c652e6f7267222c2263697479223a224c6f6e\
                     646f6e227d2c01000cfdfdaa0c";

/// A profile of 329 bytes, as an LZ4 block with the dictionary before it, by lz4's own encoder at level 9.
const PRIMED: &str = "0fd501011737d4013f616461d70107a731353132333435363738e201ce41646120426569737069656cee015238352d3132\
                     370205f60104a9060bc401037d010f5a0107043800085a010f3e01060f94040c0f350429506c73657d7d";

fn payload_samples() -> [Vec<u8>; 5] {
    let stored = |raw: &[u8]| payload::pack(raw).unwrap().expose().to_vec();
    let mut noise = vec![0; 300];
    SeededEntropy::new(4).fill(&mut noise).unwrap();
    let compressed = |compression: u8, raw_len: u32, frame: &str| {
        let frame = HEXLOWER.decode(frame.as_bytes()).unwrap();
        let len = (frame.len() as u32).to_be_bytes();
        let mut payload = [&[1, compression], raw_len.to_be_bytes().as_slice(), &len, &frame].concat();
        payload.resize(256, 0);
        payload
    };
    [stored(b""), stored(&[b'a'; 246]), stored(&noise), compressed(1, 2000, FRAME), compressed(3, 329, PRIMED)]
}
