//! What the tests of guards share.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use membervault::code::{Code, Coded};
use membervault::codec::{Leaf, LeafKind, keys};
use membervault::store::{KeyRange, Keyspace};
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Ctx, FreezeScope, MemberId, RecordMeta, Role};
use membervault::vault::Error;
use membervault::vault::api::guard::NewFreeze;
use membervault::vault::api::{NewMember, NewToken, RecordAddress, RecordQuery};
use membervault::vault::guard::GuardSettings;
use serde_json::{Map, json};

/// A vault with one member, and a token of role `crm` and its context.
pub(crate) struct House {
    pub(crate) test: TestVault,
    pub(crate) member: MemberId,
    pub(crate) crm: Ctx,
}

impl House {
    pub(crate) fn open(seed: u64) -> Self {
        let test = TestVault::new(seed);
        let profile = Map::from_iter([("name".to_owned(), json!("Ada"))]);
        let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
        let member = test.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id;
        let crm = token(&test, Role::Crm, None);
        Self { test, member, crm }
    }

    pub(crate) fn read(&self, ctx: &Ctx) -> Result<(), Error> {
        let query = RecordQuery { address: RecordAddress::profile(self.member), fields: None };
        self.test.vault.read_record(ctx, &query).wait().map(|_| ())
    }

    pub(crate) fn freeze(&self, by: &Ctx, scope: FreezeScope) -> Result<(), Error> {
        let freeze = NewFreeze { scope, reason: "a drill".to_owned() };
        self.test.vault.set_freeze(by, &freeze).wait().map(|_| ())
    }

    pub(crate) fn release(&self, by: &Ctx, scope: FreezeScope) -> Result<(), Error> {
        self.test.vault.release_freeze(by, &scope).wait()
    }
}

/// The context of a new token.
pub(crate) fn token(test: &TestVault, role: Role, member: Option<MemberId>) -> Ctx {
    let new = NewToken { member, ..NewToken::new(role, "a test") };
    let issued = test.vault.create_token(&ctx(Role::Admin), &new).wait().unwrap();
    Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..ctx(role) }
}

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

impl House {
    /// Sets bounds: members per hour for support, in bulk per hour, denials per minute.
    pub(crate) fn bounds(&self, support: u32, bulk: u32, denials: u32) {
        self.test.vault.set_guards(GuardSettings {
            members_per_hour: BTreeMap::from([(Role::Support, support)]),
            members_per_day: BTreeMap::from([(Role::Support, 3 * support)]),
            bulk_members_per_hour: bulk,
            denials_per_minute: denials,
        });
    }

    /// The kinds of all leaves since the first `from`, in order.
    pub(crate) fn leaves(&self, from: u64) -> Vec<LeafKind> {
        let mut kinds = Vec::new();
        self.test
            .engine
            .scan(Keyspace::Ledger, &KeyRange::new(keys::leaf(from), keys::leaf(u64::MAX)), &mut |_, leaf| {
                kinds.push(Leaf::parse(leaf).unwrap().event.kind());
                ControlFlow::Continue(())
            })
            .unwrap();
        kinds
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size
    }

    /// One more member.
    pub(crate) fn another(&self, name: &str) -> MemberId {
        let profile = Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("email".to_owned(), json!(format!("{name}@example.org"))),
        ]);
        let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
        self.test.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
    }
}

/// The context of a new token of role `support` that states its purpose.
pub(crate) fn support(test: &TestVault, members_per_hour: Option<u32>) -> Ctx {
    let new = NewToken { members_per_hour, ..NewToken::new(Role::Support, "a clerk") };
    let issued = test.vault.create_token(&ctx(Role::Admin), &new).wait().unwrap();
    Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..ctx_for(Role::Support, "support") }
}
