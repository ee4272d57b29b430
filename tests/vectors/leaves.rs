//! Vectors of ledger leaves.

use membervault::codec::leaf::{HolderChange, NO_DETAIL, Rotation, SealEvent};
use membervault::codec::{Event, Leaf};
use membervault::types::slot::{HolderState, HolderStatement, SlotLevel};
use membervault::types::{BackupId, ErasureId, Role, TokenId};
use serde_json::{Value, json};

use super::layouts::hex;

pub(super) fn fields(leaf: &Leaf) -> Value {
    let mut fields = json!({
        "kind": leaf.event.kind().number(), "minute": leaf.minute, "actor": hex(leaf.actor.as_bytes()),
        "purpose": leaf.purpose.as_ref().map_or("", |purpose| purpose.as_str()), "reference": hex(leaf.reference),
    });
    let event = match &leaf.event {
        Event::VaultInit
        | Event::VaultOpen
        | Event::MemberList
        | Event::Import
        | Event::KeyringUpgrade
        | Event::MasterRotate
        | Event::TreeMark
        | Event::AudienceRead
        | Event::SegmentRead
        | Event::RecordQuery => json!({}),
        Event::LogCosign { size, witness } => json!({ "size": size, "witness": hex(witness) }),
        Event::Seal(seal) => json!({
            "epoch": seal.epoch, "old_root": hex(seal.old_root), "new_root": hex(seal.new_root),
            "level": seal.level.number(),
            "holders": seal.holders.iter().map(|said| json!([said.state.number(), said.name])).collect::<Vec<_>>(),
            "tags": seal.tags.iter().map(hex).collect::<Vec<_>>(),
        }),
        Event::Restore { backup, members, erased_again } => {
            json!({ "backup": hex(backup.as_bytes()), "members": members, "erased_again": erased_again })
        }
        Event::Backup { backup, manifest } => json!({ "backup": hex(backup.as_bytes()), "manifest": hex(manifest) }),
        Event::Holder { change, name } => json!({ "change": *change as u8, "name": name }),
        Event::TreeRotate(turn) => json!({
            "epoch": turn.epoch, "old_root": hex(turn.old_root), "new_root": hex(turn.new_root), "leaves": turn.leaves,
        }),
        Event::Purge(tags) => json!({ "tags": tags.iter().map(hex).collect::<Vec<_>>() }),
        Event::Denial { action, reason } => json!({ "action": action, "reason": reason }),
        Event::EraseIntent { erasure, compartment_only, tag } => {
            json!({ "erasure": hex(erasure.as_bytes()), "scope": u8::from(*compartment_only), "tag": hex(tag) })
        }
        Event::TokenCreate(token, role) | Event::TokenRevoke(token, role) => {
            json!({ "token": hex(token.as_bytes()), "role": role.number() })
        }
        Event::PolicyLoad(digest) => json!({ "policy": hex(digest) }),
        Event::MemberCreate(detail)
        | Event::RecordWrite(detail)
        | Event::RecordDelete(detail)
        | Event::RecordRead(detail)
        | Event::MemberLookup(detail)
        | Event::RecordList(detail)
        | Event::MemberExport(detail)
        | Event::HoldSet(detail)
        | Event::ConsentChange(detail)
        | Event::StandingChange(detail)
        | Event::ShareCreate(detail)
        | Event::ShareOpen(detail)
        | Event::ShareRevoke(detail)
        | Event::RequestStep(detail)
        | Event::Disclosure(detail)
        | Event::RecipientChange(detail)
        | Event::RetentionRun(detail)
        | Event::WindowOpen(detail)
        | Event::WindowClose(detail)
        | Event::CanaryTouch(detail)
        | Event::Freeze(detail)
        | Event::FreezeRelease(detail)
        | Event::BreachReport(detail)
        | Event::AuditReport(detail)
        | Event::SchemaLoad(detail)
        | Event::DekRotate(detail)
        | Event::HistoryRead(detail)
        | Event::CanaryWrite(detail)
        | Event::HoldRelease(detail) => json!({ "detail": hex(detail) }),
    };
    fields.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
    fields
}

pub(super) fn samples() -> [Vec<u8>; 16] {
    let erasure = ErasureId::from_bytes([4; 16]);
    let token = TokenId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7]);
    let events = [
        Event::VaultInit,
        Event::RecordRead([5; 32]),
        Event::MemberLookup(NO_DETAIL),
        Event::Denial { action: 6, reason: 2 },
        Event::EraseIntent { erasure, compartment_only: false, tag: [6; 32] },
        Event::TokenCreate(token, Role::Compliance),
        Event::PolicyLoad([7; 32]),
        Event::Import,
        Event::LogCosign { size: 1_000, witness: [1, 2, 3, 4] },
        Event::Seal(seal_sample()),
        Event::Restore { backup: BackupId::from_bytes([8; 16]), members: 4950, erased_again: 1 },
        Event::Backup { backup: BackupId::from_bytes([8; 16]), manifest: [9; 32] },
        Event::MasterRotate,
        Event::Holder { change: HolderChange::Revoked, name: "vault-2".parse().unwrap() },
        Event::TreeRotate(Rotation { epoch: 3, old_root: [4; 32], new_root: [5; 32], leaves: 6 }),
        Event::Purge(seal_sample().tags),
    ];
    let leaf = |event: Event| {
        let of_member = matches!(event, Event::RecordRead(_) | Event::EraseIntent { .. });
        let (purpose, reference) = (if of_member { "support".parse().ok() } else { None }, [u8::from(of_member); 16]);
        Leaf { minute: 29_921_569, actor: TokenId::LOCAL_OPERATOR, purpose, reference, event }.encode()
    };
    events.map(leaf)
}

fn seal_sample() -> SealEvent {
    let said = |name: &str, state| HolderStatement { name: name.parse().unwrap(), state };
    SealEvent {
        epoch: 3,
        old_root: [4; 32],
        new_root: [5; 32],
        level: SlotLevel::File,
        holders: vec![said("near", HolderState::Acknowledged), said("far", HolderState::Revoked)],
        tags: vec![[6; 32], [7; 32]],
    }
}
