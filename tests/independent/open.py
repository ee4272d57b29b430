#!/usr/bin/env python3
"""An independent reader of the vault's bytes, written from docs/FORMAT.md; shares no code with the vault.

    open.py KEYRING PASSPHRASE DUMP

DUMP has one JSON object a line: {"keyspace": "control", "key": hex, "row": hex}. Prints what it found,
as one JSON object. Needs the packages `cryptography` and `zstandard` (see scripts/python).
"""
import hashlib, hmac, json, pathlib, struct, sys, zlib
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
import zstandard

DICTIONARY = (pathlib.Path(__file__).parents[2] / "src/codec/payload.dict").read_bytes()
AEAD = {1: ChaCha20Poly1305, 2: AESGCM}


class Refused(Exception):
    """What is wrong with the bytes."""


def need(condition, why):
    if not condition:
        raise Refused(why)


# Envelopes and places (sections 1 and 2)


def derive_message_key(suite, key, place, salt):
    aad = bytes([suite]) + place
    info = b"membervault/aead/v1" + hashlib.sha256(aad).digest()
    okm = HKDF(SHA256(), 64, salt, info).derive(key)
    return AEAD[suite](okm[:32]), okm[32:], aad


def open_envelope(key, place, envelope):
    need(envelope[:3] == b"MV1" and len(envelope) >= 84, "not-an-envelope")
    suite, salt, com = envelope[3], envelope[4:36], envelope[36:68]
    need(suite in AEAD, "unknown-suite")
    aead, expected, aad = derive_message_key(suite, key, place, salt)
    need(hmac.compare_digest(com, expected), "wrong-key-or-place")
    try:
        return aead.decrypt(bytes(12), envelope[68:], aad)
    except Exception:
        raise Refused("damaged") from None


def expand(key, info):
    return HKDFExpand(SHA256(), 32, info).derive(key)


# Bodies (sections 4, 5 and 7)


class Reader:
    """Reads a layout from front to back."""

    def __init__(self, body, version=1):
        self.body, self.at = body, 0
        if version is not None:
            need(self.number(1) == version, "unknown")

    def take(self, length):
        need(self.at + length <= len(self.body), "truncated")
        self.at += length
        return self.body[self.at - length : self.at]

    def number(self, length):
        return int.from_bytes(self.take(length))

    def name(self):
        name = self.take(self.number(1)).decode()
        need(name == name.lower() and name.isascii(), "invalid")
        return name

    def end(self, block=1):
        padding = self.take(len(self.body) - self.at)
        need(not any(padding) and len(padding) < block and len(self.body) % block == 0, "leftover")


def read_keyring(file, passphrase):
    need(zlib.crc32(file[:-4]) == int.from_bytes(file[-4:]), "invalid")
    r = Reader(file, None)
    need(r.take(8) == b"MVKEYS1\n", "invalid")
    vault, method = r.take(16), r.number(1)
    memory, passes, lanes, salt = r.number(4), r.number(4), r.number(4), r.take(16)
    need(method == 1, "not sealed with a passphrase")
    kek = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(passphrase)
    return vault, read_keyring_body(open_envelope(kek, b"\x01" + vault + bytes([53]) + file[:53], file[53:-4]))


def read_keyring_body(body):
    r = Reader(body)
    keyring = {"epoch": r.number(8), "root": r.take(32)}
    has_next = r.number(1)
    need(has_next in (0, 1), "invalid")
    keyring["next"] = [r.number(8), r.take(32)] if has_next else None
    keyring |= {"vault_secret": r.take(32), "ledger_size": r.number(8), "ledger_root": r.take(32)}
    keyring["holders"] = [[r.name(), r.take(r.number(2)).decode()] for _ in range(r.number(1))]
    r.end(512)
    return keyring


def read_node(body):
    r = Reader(body)
    keys = [r.take(32) for _ in range(r.number(2))]
    r.end()
    return keys


def read_standing(r):
    flags = r.number(1)
    need(flags < 16, "invalid")
    standing = {"restricted": bool(flags & 1), "refuses_automation": bool(flags & 2), "canary": bool(flags & 4)}
    standing |= {"import": r.number(4) if flags & 8 else None, "purposes": []}
    for _ in range(r.number(1)):
        name, bits = r.name(), r.number(1)
        until = r.number(4) if bits & 8 else 0
        need(bits < 32 and bits & 21 and (bits & 1 or not bits & 10), "invalid")
        standing["purposes"].append([name, bits, until])
    names = [name for name, _, _ in standing["purposes"]]
    need(names == sorted(set(names)), "invalid")
    imported = [bool(bits & 16) for _, bits, _ in standing["purposes"]]
    need(any(imported) == (standing["import"] is not None) and sum(imported) <= 64, "invalid")
    need(sum(bool(bits & 5) for _, bits, _ in standing["purposes"]) <= 64, "invalid")
    return standing


def read_member(body):
    r = Reader(body, version=3)
    member = {"created": r.number(4), "mk": r.take(32), "next_compartment": r.number(1), "compartments": []}
    for _ in range(r.number(1)):
        compartment = {"number": r.number(1), "name": r.name()}
        compartment["deks"] = [[r.number(4), r.take(32)] for _ in range(r.number(1))]
        member["compartments"].append(compartment)
    member["standing"] = read_standing(r)
    r.end(64)
    numbers = [compartment["number"] for compartment in member["compartments"]]
    need(numbers == sorted(set(numbers)) and all(n < member["next_compartment"] for n in numbers), "invalid")
    return member


def read_page(body):
    r = Reader(body)
    continues, count = r.number(1), r.number(2)
    need(continues in (0, 1) and count <= 64, "invalid")
    page = {"continues": continues == 1}
    page["entries"] = [[r.take(16), r.take(16)] for _ in range(count)]
    need(len(body) == 2052 and not any(body[r.at :]), "leftover")
    return page


def padded_length(packed):
    length = max(10 + packed, 256)
    e = length.bit_length() - 1
    block = 1 << (e - e.bit_length())
    return -(-length // block) * block


def unpack(payload):
    r = Reader(payload)
    compression, raw_length, packed = r.number(1), r.number(4), r.take(r.number(4))
    need(compression in (0, 1, 3), "unknown")
    need(len(payload) == padded_length(len(packed)) and not any(payload[r.at :]), "leftover")
    need(raw_length <= (16384 if compression == 3 else 1114112), "invalid")
    try:
        raw = [bytes, zstandard.ZstdDecompressor().decompress, None, read_lz4][compression](packed)
    except zstandard.ZstdError:
        raise Refused("invalid") from None
    need(len(raw) == raw_length, "invalid")
    return raw


def read_lz4(block):
    """An LZ4 block with the dictionary before it."""
    r, window = Reader(block, None), bytearray(DICTIONARY)

    def length(nibble):
        last = 255 if nibble == 15 else 0
        while last == 255:
            last = r.number(1)
            nibble += last
        return nibble

    while True:
        token = r.number(1)
        window += r.take(length(token >> 4))
        if r.at == len(block):
            return bytes(window[len(DICTIONARY) :])
        offset = int.from_bytes(r.take(2), "little")
        need(0 < offset <= len(window), "invalid")
        for _ in range(length(token & 15) + 4):
            window.append(window[-offset])


def read_record(body):
    r = Reader(body)
    record = {"created": r.number(8), "updated": r.number(8), "compartment": r.name(), "name": r.name()}
    record["meta"] = json.loads(r.take(r.number(4)))
    record["content"] = r.take(len(body) - r.at).decode()
    return record


def read_detail(body):
    r = Reader(body)
    present = r.number(1)
    detail = {"at": r.number(8), "request": r.take(16), "role": r.number(1)}
    need(detail["role"] in range(1, 9), "unknown")

    def text():
        length = r.number(1)
        if length == 255:
            length = r.number(4)
            need(length >= 255, "invalid")
        try:
            return r.take(length).decode()
        except UnicodeDecodeError:
            raise Refused("invalid") from None

    def shown(present, into):
        for bit, name, least in (32, "fields", 0), (64, "masked", 1):
            if present & bit:
                into[name] = [text() for _ in range(r.number(1))]
                need(len(into[name]) >= least, "invalid")
        return into

    for bit, name in enumerate(("organisation", "recipient", "compartment", "record")):
        if present & 1 << bit:
            detail[name] = text()
    if present & 16:
        detail["version"] = r.number(8)
    shown(present, detail)
    if present & 128:
        detail["records"] = []
        for _ in range(r.number(4)):
            part, present = {"compartment": text(), "record": text()}, r.number(1)
            need(not present & ~96, "invalid")
            detail["records"].append(shown(present, part))
        need(detail["records"], "invalid")
    r.end(128)
    return detail


# The ledger (section 8)


LEAF_KINDS = {
    "detail": (3, 4, 5, 6, 7, 9, 10, 13, 14, 40, 41, *range(45, 63)),
    "denial": (11,),
    "erasure": (12,),
    "token": (15, 16),
    "policy": (17,),
    "empty": (1, 2, 8, 18, 19, 35, 39, 42, 43, 44),
    "cosignature": (20,),
    "seal": (32,),
    "restore": (33,),
    "backup": (34,),
    "holder": (36,),
    "rotation": (37,),
    "purge": (38,),
}
# Of the others of that shape, the body is a hash that is always there.
MAY_LACK_DETAILS = (3, 4, 5, 6, 7, 9, 10, 13, 14, 40, 41, *range(45, 50), 54, *range(60, 63))


def read_seal(body):
    fields = {"epoch": body.number(8), "old_root": body.take(32), "new_root": body.take(32), "level": body.number(1)}
    need(fields["level"] == 0, "invalid")
    fields["holders"] = [[body.number(1), body.name()] for _ in range(body.number(1))]
    need(all(state in (1, 2) for state, _ in fields["holders"]), "invalid")
    return fields | {"tags": read_tags(body)}


def read_tags(body):
    tags = [body.take(32) for _ in range(body.number(2))]
    need(tags == sorted(set(tags)) and len(tags) <= 1024, "invalid")
    return tags


def read_leaf(leaf):
    r = Reader(leaf)
    fields = {"kind": r.number(1)}
    shapes = [shape for shape, kinds in LEAF_KINDS.items() if fields["kind"] in kinds]
    need(shapes, "unknown")
    fields |= {"minute": r.number(4), "actor": r.take(8), "purpose": r.name(), "reference": r.take(16)}
    body = Reader(r.take(r.number(2)), None)
    match shapes[0]:
        case "detail":
            without = fields["kind"] in MAY_LACK_DETAILS and not body.body
            fields["detail"] = bytes(32) if without else body.take(32)
            need(without or any(fields["detail"]) or fields["kind"] not in MAY_LACK_DETAILS, "invalid")
        case "denial":
            fields |= {"action": body.number(1), "reason": body.number(1)}
        case "erasure":
            fields |= {"erasure": body.take(16), "scope": body.number(1), "tag": body.take(32)}
        case "token":
            fields |= {"token": body.take(8), "role": body.number(1)}
        case "policy":
            fields["policy"] = body.take(32)
        case "cosignature":
            fields |= {"size": body.number(8), "witness": body.take(4)}
        case "seal":
            fields |= read_seal(body)
        case "restore":
            fields |= {"backup": body.take(16), "members": body.number(8), "erased_again": body.number(4)}
        case "backup":
            fields |= {"backup": body.take(16), "manifest": body.take(32)}
        case "holder":
            fields |= {"change": body.number(1), "name": body.name()}
            need(fields["change"] in (1, 2, 3), "invalid")
        case "rotation":
            fields |= {"epoch": body.number(8), "old_root": body.take(32), "new_root": body.take(32)}
            fields["leaves"] = body.number(4)
        case "purge":
            fields["tags"] = read_tags(body)
    body.end(), r.end()
    return fields


def merkle_root(leaves):
    """RFC 9162, section 2.1.1."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


# A whole vault (sections 5 and 6)


class Vault:
    def __init__(self, vault, keyring, rows):
        self.vault, self.rows = vault, rows
        self.root, self.secret = keyring["root"], keyring["vault_secret"]
        meta = Reader(rows["control"][b"V"])
        need(meta.take(16) == vault, "rows of another vault")
        _, self.depth = meta.number(1), meta.number(1)
        self.buckets = {field: meta.number(4) for field in (1, 2, 3)}
        meta.number(8), meta.end()
        need(self.rows["control"][b"E"] == struct.pack(">BQ", 1, keyring["epoch"]), "another epoch")

    def envelope(self, keyspace, key):
        row = self.rows[keyspace][key]
        need(row[0] == 1, "unknown")
        return row[1:]

    def node(self, key, *at):
        envelope = self.envelope("control", b"N" + struct.pack(">BBI", *at))
        return read_node(open_envelope(key, b"\x02" + self.vault + struct.pack(">BBI", *at), envelope))

    def leaf_key(self, subtree, depth, leaf):
        key = self.node(self.root, 0xFF, 0, 0)[subtree]
        for level in range(depth):
            path = leaf >> (8 * (depth - 1 - level))
            key = self.node(key, subtree, level, path >> 8)[path & 0xFF]
        return key

    def member(self, member):
        shard = int.from_bytes(member[: self.depth])
        place = b"\x03" + self.vault + struct.pack(">I", shard) + member
        key = self.leaf_key(0, self.depth, shard)
        return read_member(open_envelope(key, place, self.envelope("control", b"M" + member)))

    def find(self, field, normalised):
        def token(what):
            key = expand(self.secret, b"membervault/vault/index-%s/v1" % what + bytes([field]))
            return hmac.digest(key, normalised, "sha256")

        buckets = self.buckets[field]
        bucket = int.from_bytes(token(b"bucket")[:8]) * buckets >> 64
        depth = next(d for d in range(1, 5) if 256**d >= buckets)
        key, number = self.leaf_key(field, depth, bucket), 0
        while (at := struct.pack(">BIB", field, bucket, number)) in self.rows["index"]:
            page = read_page(open_envelope(key, b"\x04" + self.vault + at, self.envelope("index", at)))
            for entry, member in page["entries"]:
                if entry == token(b"token")[:16]:
                    return member
            number += 1
        return None

    def records(self):
        for key, row in self.rows["records"].items():
            member, compartment, token = key[:16], int.from_bytes(key[16:18]), key[18:]
            r = Reader(row)
            dek_version, version = r.number(4), r.number(8)
            keys = self.member(member)
            [deks] = [c["deks"] for c in keys["compartments"] if c["number"] == compartment]
            place = b"\x05" + self.vault + key + struct.pack(">IQ", dek_version, version)
            record = read_record(unpack(open_envelope(dict(deks)[dek_version], place, row[r.at :])))
            name = f"{record['compartment']}\0{record['name']}".encode()
            need(token == expand(keys["mk"], b"membervault/member/record-token/v1" + name)[:16], "another name")
            yield {"member": member.hex(), "version": version} | record

    def members(self):
        return [key[1:] for key in self.rows["control"] if key[:1] == b"M"]

    def holds(self):
        for key in [key for key in self.rows["control"] if key[:1] == b"H"]:
            note = expand(self.member(key[1:])["mk"], b"membervault/member/note/v1")
            hold = open_envelope(note, b"\x07" + self.vault + key[1:], self.envelope("control", key))
            yield {"member": key[1:].hex()} | json.loads(hold)

    def tokens(self):
        control = expand(self.secret, b"membervault/vault/control/v1")
        for key in [key for key in self.rows["control"] if key[:1] == b"K"]:
            place = b"\x08" + self.vault + bytes([len(key)]) + key
            yield {"id": key[1:].hex()} | json.loads(open_envelope(control, place, self.envelope("control", key)))

    def leaves(self):
        """The ledger, which must have the root its head states."""
        size = sum(key[:1] == b"L" for key in self.rows["ledger"])
        leaves = [self.rows["ledger"][b"L" + struct.pack(">Q", index)] for index in range(size)]
        need(self.rows["ledger"][b"Z"] == struct.pack(">BQ", 1, size) + merkle_root(leaves), "another ledger")
        return [read_leaf(leaf) for leaf in leaves]

    def accesses(self, leaves):
        """What was done with each member's data; each must be attested by its leaf."""
        for member in self.members():
            mk = self.member(member)["mk"]
            note = expand(mk, b"membervault/member/note/v1")
            prefix = expand(mk, b"membervault/member/access-prefix/v1")[:16]
            for key in [key for key in self.rows["access"] if key[:16] == prefix]:
                envelope = self.envelope("access", key)
                detail = read_detail(open_envelope(note, b"\x06" + self.vault + member, envelope))
                leaf, commitment = leaves[int.from_bytes(key[16:])], hashlib.sha256(envelope).digest()
                need(leaf["detail"] == commitment, "another commitment")
                reference = expand(note, b"membervault/note/leaf-ref/v1" + commitment)[:16]
                need(leaf["reference"] == reference, "another reference")
                yield {"member": member.hex(), "kind": leaf["kind"]} | detail | {"request": detail["request"].hex()}


def main(keyring, passphrase, dump):
    rows = {name: {} for name in ("control", "index", "records", "ledger", "access")}
    with open(dump) as lines:
        for line in map(json.loads, lines):
            rows[line["keyspace"]][bytes.fromhex(line["key"])] = bytes.fromhex(line["row"])
    with open(keyring, "rb") as file:
        vault = Vault(*read_keyring(file.read(), passphrase.encode()), rows)
    records, leaves = list(vault.records()), vault.leaves()
    for record in records:
        # Whoever has an e-mail address must be found by it.
        email = json.loads(record["content"]).get("email")
        need(email is None or vault.find(1, email.encode()).hex() == record["member"], "not found by e-mail")
    out = {"records": records, "holds": list(vault.holds()), "tokens": list(vault.tokens())}
    out |= {"accesses": list(vault.accesses(leaves)), "kinds": [leaf["kind"] for leaf in leaves]}
    print(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
