#!/usr/bin/env python3
"""Checks every vector in tests/vectors with the independent reader: what is right opens to what it says, seals to the
same bytes, and what is wrong is refused for the reason it states. Prints how many there were."""
import hashlib, hmac, json, re, struct, sys, zlib
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
import importlib

reader = importlib.import_module("open")
FOLDER = Path(__file__).resolve().parent.parent / "vectors"


def vectors(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def place_bytes(place):
    """Section 2, from the named fields."""
    unhex = lambda name, value: bytes.fromhex(value) if isinstance(value, str) and name != "kind" else value
    f = {name: unhex(name, value) for name, value in place.items()}
    var = lambda field: bytes([len(field)]) + field
    rest = {
        "keyring": lambda: var(f["header"]),
        "node": lambda: struct.pack(">BBI", f["subtree"], f["level"], f["index"]),
        "member-row": lambda: struct.pack(">I", f["shard"]) + f["member"],
        "page": lambda: struct.pack(">BIB", f["field"], f["bucket"], f["page"]),
        "record": lambda: f["member"] + struct.pack(">H", f["compartment"]) + f["record"]
        + struct.pack(">IQ", f["dek_version"], f["version"]),
        "access": lambda: f["member"],
        "hold": lambda: f["member"],
        "control": lambda: var(f["row_key"]),
        "request": lambda: f["member"] + f["request"],
    }
    number = 1 + list(rest).index(f["kind"])
    return bytes([number]) + f["vault"] + rest[f["kind"]]()


def hexed(value):
    """Bytes as the vectors write them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: hexed(item) for name, item in value.items()}
    return [hexed(item) for item in value] if isinstance(value, list) else value


def refusal(action):
    try:
        action()
    except reader.Refused as why:
        return str(why)
    return None


def check(condition, vector):
    if not condition:
        sys.exit(f"differs: {json.dumps(vector)[:2000]}")


def check_envelopes():
    found = vectors("envelope")
    for vector in found["valid"]:
        key, envelope, plaintext = (bytes.fromhex(vector[name]) for name in ("key", "envelope", "plaintext"))
        place = place_bytes(vector["place"])
        check(reader.open_envelope(key, place, envelope) == plaintext, vector)
        suite, salt = vector["suite"], bytes.fromhex(vector["salt"])
        aead, com, aad = reader.derive_message_key(suite, key, place, salt)
        sealed = b"MV1" + bytes([suite]) + salt + com + aead.encrypt(bytes(12), plaintext, aad)
        check(sealed == envelope, vector)
    for vector in found["invalid"]:
        opening = lambda: reader.open_envelope(
            bytes.fromhex(vector["key"]), place_bytes(vector["place"]), bytes.fromhex(vector["envelope"])
        )
        check(refusal(opening) == vector["refusal"], vector)
    return len(found["valid"]) + len(found["invalid"])


def check_places():
    found = vectors("places")
    for vector in found:
        check(bytes([vector["suite"]]) + place_bytes(vector["place"]) == bytes.fromhex(vector["aad"]), vector)
    check(len({vector["aad"] for vector in found}) == len(found), "two places with the same bytes")
    return len(found)


def derive(v):
    key = bytes.fromhex(v.get("key", ""))
    member = lambda what, context=b"": reader.expand(key, b"membervault/member/%s/v1" % what + context)
    vault = lambda what, context=b"": reader.expand(key, b"membervault/vault/%s/v1" % what + context)
    mac = lambda key, data: hmac.digest(key, data, "sha256")
    match v["what"]:
        case "note-key":
            return member(b"note")
        case "access-prefix":
            return member(b"access-prefix")[:16]
        case "record-token":
            return member(b"record-token", f"{v['compartment']}\0{v['name']}".encode())[:16]
        case "erasure-tag":
            return member(b"erasure-tag", struct.pack(">H", 0xFFFF if v["compartment"] is None else v["compartment"]))
        case "pseudonym":
            if v["recipient"] is None:
                return member(b"pseudonym", v["purpose"].encode())[:16]
            pair = f"{v['purpose']}\0{v['recipient']}".encode()
            return reader.expand(key, b"membervault/member/pseudonym/v2" + pair)[:16]
        case "leaf-ref":
            return reader.expand(key, b"membervault/note/leaf-ref/v1" + bytes.fromhex(v["detail"]))[:16]
        case "request-mac":
            return reader.expand(key, b"membervault/note/request/v1" + bytes.fromhex(v["content"]))[:16]
        case "control-key":
            return vault(b"control")
        case "events-prefix":
            return vault(b"events-prefix")[:16]
        case "log-key":
            seed = Ed25519PrivateKey.from_private_bytes(vault(b"log-key"))
            return seed.public_key().public_bytes_raw()
        case "index-place":
            field, value = bytes([v["field"]]), v["normalised"].encode()
            number = int.from_bytes(mac(vault(b"index-bucket", field), value)[:8]) * v["buckets"] >> 64
            return struct.pack(">I", number) + mac(vault(b"index-token", field), value)[:16]
        case "cursor-mac":
            return mac(vault(b"cursor"), bytes([v["listing"]]) + v["cursor"].encode())[:16]
        case "posting-token":
            return mac(vault(b"posting"), bytes([v["field"]]) + v["value"].encode())[:16]
        case "idempotency-token":
            return mac(vault(b"idempotency"), bytes.fromhex(v["actor"]) + v["text"].encode())[:16]
        case "commitment":
            return hashlib.sha256(b"membervault/key-commitment/v1" + v["kind"].encode() + key).digest()
        case "kek":
            salt = bytes.fromhex(v["salt"])
            cost = dict(iterations=v["t"], lanes=v["p"], memory_cost=v["m_kib"])
            return Argon2id(salt=salt, length=32, **cost).derive(v["passphrase"].encode())


def check_derived():
    found = vectors("derived")
    for vector in found:
        check(derive(vector).hex() == vector["out"], vector)
    return len(found)


def fixed(**fields):
    """A row of fixed fields: the name of each, and its length; a negative length makes a number of it."""

    def read(row):
        r = reader.Reader(row)
        out = {name: r.number(-length) if length < 0 else r.take(length) for name, length in fields.items()}
        r.end()
        return out

    return read


ERASURE = fixed(member=16, compartment=-2, requested=-8, fenced=-8, stage=-1, tag=32, leaf=-8, seal_leaf=-8, epoch=-8, sealed=-8, purged=-8)


def stage_checked(erasure):
    reader.need(erasure["stage"] in (1, 2, 3), "unknown")
    return erasure


def read_rotation(row):
    r = reader.Reader(row)
    rotation = {"old_root": r.take(32), "new_root": r.take(32), "at": r.number(8), "leaf": r.number(8)}
    leaves = [[r.number(1), r.number(4)] for _ in range(r.number(2))]
    r.end()
    reader.need(all(one < following for one, following in zip(leaves, leaves[1:])), "invalid")
    return rotation | {"leaves": leaves}


def read_residue(row):
    r = reader.Reader(row)
    residue = {"places": [[r.number(1), r.take(2)] for _ in range(r.number(1))]}
    for field, length, most in (("pieces", 16, 1024), ("ends", 12, 512)):
        count = r.number(2)
        reader.need(count <= most, "invalid")
        residue[field] = [bytes(byte ^ 0xFF for byte in r.take(length)) for _ in range(count)]
    r.end()
    return residue


LAYOUTS = {
    "vault-meta": fixed(vault=16, suite=-1, depth=-1, buckets_1=-4, buckets_2=-4, buckets_3=-4, created=-8),
    "epoch": fixed(epoch=-8),
    "head": fixed(size=-8, root=32),
    "fence": fixed(erasure=16),
    "erasure": lambda row: stage_checked(ERASURE(row)),
    "rotation": read_rotation,
    "residue": read_residue,
    "node": lambda body: {"keys": reader.read_node(body)},
    "member": reader.read_member,
    "page": reader.read_page,
    "record": reader.read_record,
    "payload": lambda payload: {"raw": reader.unpack(payload)},
    "keyring": reader.read_keyring_body,
    "detail": reader.read_detail,
    "leaf": reader.read_leaf,
}


def check_layouts():
    found = vectors("layouts")
    for vector in found["valid"]:
        check(hexed(LAYOUTS[vector["layout"]](bytes.fromhex(vector["bytes"]))) == vector["fields"], vector)
    # Where several things are wrong with the bytes, two readers may name different ones.
    for vector in found["invalid"]:
        check(refusal(lambda: LAYOUTS[vector["layout"]](bytes.fromhex(vector["bytes"]))) is not None, vector)
    return len(found["valid"]) + len(found["invalid"])


KEYSPACES = {0: "control", 1: "index", 3: "ledger"}


def frames(file, torn_allowed):
    """Section 11: the frames of a file, and whether it was torn."""
    reader.need(file[:8] == b"MVMIRR1\n", "magic")
    at, found = 8, []
    while at < len(file):
        frame = frame_at(file, at)
        if frame is None:
            later = any(whole for whole in (frame_at(file, near) for near in range(at + 1, len(file))) if whole)
            reader.need(torn_allowed and not later, "damage")
            return found, True
        found.append(frame[0])
        at = frame[1]
    return found, False


def frame_at(file, at):
    if len(file) < at + 17:
        return None
    length, sequence, kind = struct.unpack(">IQB", file[at : at + 13])
    end = at + 13 + length + 4
    whole = end <= len(file) and zlib.crc32(file[at : end - 4]) == struct.unpack(">I", file[end - 4 : end])[0]
    return ((sequence, kind, file[at + 13 : end - 4]), end) if whole else None


def operations(body):
    found = []
    while body:
        kind, keyspace, one, other = struct.unpack(">BBII", body[:10])
        key, value, body = body[10 : 10 + one], body[10 + one : 10 + one + other], body[10 + one + other :]
        name = {1: "put", 2: "delete", 3: "delete-range"}[kind]
        found.append({"op": name, "keyspace": KEYSPACES[keyspace], "key": key.hex(), "row_or_end": value.hex()})
    return found


def mirror(vector):
    number, found = vector["number"], []
    base, _ = frames(bytes.fromhex(vector["base"]), False)
    reader.need(base and base[-1][1] == 3, "no end")
    for sequence, kind, body in base[:-1]:
        reader.need((sequence, kind) == (number, 2), "frame of a base")
        found += operations(body)
    reader.need(struct.pack(">Q", len(found)) == base[-1][2], "rows of a base")
    log, torn = frames(bytes.fromhex(vector["log"]), True)
    last = on_disk = number
    for sequence, kind, body in log:
        reader.need((kind, sequence) == (1, last + 1) or (kind == 4 and sequence <= last), "sequence")
        if kind == 1:
            last = sequence
            found += operations(body)
        else:
            on_disk = max(on_disk, sequence)
    return {"sequence": last, "on_disk": on_disk, "torn": torn, "operations": found}


def manifest(text):
    """Section 10."""
    fields = json.loads(text)
    reader.need(fields["version"] == 1, "version")
    reader.need(set(fields) == {"version", "vault", "backup", "created_at", "ledger_size", "ledger_root", "epoch", "files"}, "fields")
    names = [file["name"] for file in fields["files"]]
    reader.need(all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) for name in names), "name")
    reader.need(names == sorted(set(names)), "order")
    reader.need(all(re.fullmatch(r"[0-9a-f]{64}", file["sha256"]) for file in fields["files"]), "hash")


def check_copies():
    found = vectors("copies")
    for vector in found["mirrors"]:
        told = None
        if refusal(lambda: mirror(vector)) is None:
            told = mirror(vector)
        check(told == vector["told"], vector)
    for vector in found["manifests"]:
        check((refusal(lambda: manifest(vector["text"])) is None) == vector["valid"], vector)
    return len(found["mirrors"]) + len(found["manifests"])


if __name__ == "__main__":
    counts = {"envelopes": check_envelopes(), "places": check_places(), "derived": check_derived()}
    print(json.dumps(counts | {"layouts": check_layouts(), "copies": check_copies()}))
