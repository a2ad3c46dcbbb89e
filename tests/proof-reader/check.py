"""Reads a proof of a licence (docs/formats.md, F10) with Python's standard library alone, written from that page and from RFC 6962.

    python3 check.py PROOF CHARTER0

It checks everything that is a hash: charters, inclusion in the hub's log and in the zone's, commitments, subjects, and the chain of
previous events. Signatures are left to others. Prints one line for each event, or names what is wrong and exits with 1.
"""

import base64
import hashlib
import json
import sys


class Wrong(Exception):
    pass


def sha256(data):
    return hashlib.sha256(data).digest()


def want(truth, what):
    if not truth:
        raise Wrong(what)


def message(data):
    """The fields of a protobuf message, by number: integers and bytes, the last one of each."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            fields[tag >> 3] = varint()
        else:
            want(tag & 7 == 2, "a wire type that is not used")
            size = varint()
            fields[tag >> 3] = data[at : at + size]
            at += size
    return fields


def root_from(leaf, index, size, path):
    """RFC 6962, 2.1.1: the root that the audit path of a leaf leads to."""

    def up(start, end, path):
        if end - start == 1:
            want(path == [], "a path that is too long")
            return sha256(b"\0" + leaf)
        half = 1
        while half * 2 < end - start:
            half *= 2
        want(path != [], "a path that is too short")
        if index < start + half:
            return sha256(b"\1" + up(start, start + half, path[:-1]) + path[-1])
        return sha256(b"\1" + path[-1] + up(start + half, end, path[:-1]))

    want(0 <= index < size, "an index outside the tree")
    return up(0, size, path)


def tlog_proof(text):
    head, _, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    want(lines.pop(0) == "c2sp.org/tlog-proof@v1", "no tlog-proof")
    extra = base64.b64decode(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
    index = int(lines.pop(0).removeprefix("index "))
    origin, size, root = checkpoint.split("\n")[:3]
    return {
        "extra": extra,
        "index": index,
        "path": [base64.b64decode(line) for line in lines],
        "checkpoint": checkpoint.encode(),
        "origin": origin,
        "size": int(size),
        "root": base64.b64decode(root),
    }


def hub_leaf(text):
    proof = tlog_proof(text)
    want(root_from(proof["extra"], proof["index"], proof["size"], proof["path"]) == proof["root"], "not in H")
    leaf = message(proof["extra"])
    want(leaf.get(1, 0) == proof["index"], "a leaf of H in another place")
    return leaf


def check_charters(file, charter_zero):
    first = hub_leaf(file["firstCharter"])
    want(first.get(1, 0) == 0 and message(first[4])[2] == sha256(charter_zero), "another charter 0")
    before = charter_zero
    for number, entry in enumerate(file["charters"], 1):
        charter = base64.b64decode(entry["charter"])
        logged = message(hub_leaf(entry["proof"])[4])
        want(logged[1] == number and logged[2] == sha256(charter), "another charter")
        want(sha256(before) in charter, "a charter that does not name the one before")
        before = charter


def check_event(event, previous, subject):
    leaf_bytes, salt, payload = (base64.b64decode(event[name]) for name in ("leaf", "salt", "payload"))
    batch = message(hub_leaf(event["batchProof"])[3])
    proof = tlog_proof(event["eventProof"])
    want(proof["extra"] is None and proof["checkpoint"] == batch[5], "another zone checkpoint")
    want(batch.get(2, 0) <= proof["index"] < batch[3] == proof["size"] and batch[4] == proof["root"], "another batch")
    want(root_from(leaf_bytes, proof["index"], proof["size"], proof["path"]) == proof["root"], "not in the zone's log")
    leaf = message(leaf_bytes)
    want(leaf.get(2, 0) == proof["index"], "a leaf in another place")
    want(leaf.get(6, 0) == previous, "an event was left out")
    want(leaf[7] == sha256(b"hutong/payload/v1\0" + salt + payload), "another payload")
    told = message(payload)
    want(told[1].decode() == batch[1].decode() == proof["origin"], "another log")
    kind, content = next(iter(message(told[4]).items()))
    want(kind == leaf[3] + 16, "another kind")
    identifier = message(content)[1].decode()
    subject_string = identifier.rsplit(".", 2)[0].encode()
    want(leaf[5] == sha256(b"hutong/subject/v1\0" + told[2] + subject_string), "another subject")
    want(subject in (None, leaf[5]), "another licence")
    return leaf[5], proof["index"], leaf[3]


def main(proof_path, charter_path):
    with open(proof_path, "rb") as proof, open(charter_path, "rb") as charter:
        file = json.loads(proof.read().decode())
        check_charters(file, charter.read())
    previous, subject = 0, None
    for event in file["events"]:
        subject, index, kind = check_event(event, previous, subject)
        previous = index + 1
        print(f"{index} {kind}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Wrong as wrong:
        sys.exit(str(wrong))
