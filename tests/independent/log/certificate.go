package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"

	"golang.org/x/mod/sumdb/note"
)

// The parts of a certificate that the log bears out.
type certificate struct {
	Log     string
	Erasure struct{ Tag string }
	Keys    struct {
		Destroyed string `json:"destroyed_root"`
		Remaining string `json:"remaining_root"`
	}
	Evidence struct {
		Intent, Rotation, Seal entry
		Purge                  *entry
	}
}

type entry struct{ Leaf, Proof string }

// certificates verifies who signed each certificate, that its entries are in the log in their order, and that the tag
// and the roots it speaks of are in them.
func (c *copied) certificates() int64 {
	names := c.glob(".certificate")
	for _, name := range names {
		opened, err := note.Open(c.read(name+".certificate"), note.VerifierList(c.verifier))
		check(err, "certificate signature")
		var certificate certificate
		check(json.Unmarshal([]byte(opened.Text), &certificate), "certificate")
		if certificate.Log != c.verifier.Name() {
			fail("certificate: of another log")
		}
		tag, destroyed := unhex(certificate.Erasure.Tag), unhex(certificate.Keys.Destroyed)
		roots := append(destroyed, unhex(certificate.Keys.Remaining)...)
		intent := c.entry(certificate.Evidence.Intent, 12, tag)
		rotation := c.entry(certificate.Evidence.Rotation, 37, roots)
		seal := c.entry(certificate.Evidence.Seal, 32, roots, tag)
		if !(intent < rotation && rotation < seal) {
			fail("certificate: its entries are not in their order")
		}
		if purge := certificate.Evidence.Purge; purge != nil && c.entry(*purge, 38, tag) < seal {
			fail("certificate: its entries are not in their order")
		}
	}
	return int64(len(names))
}

// entry verifies that an entry of this kind is in the log and holds these bytes, and gives its index.
func (c *copied) entry(e entry, kind byte, holds ...[]byte) int64 {
	leaf := unbase64(e.Leaf, "certificate entry")
	if len(leaf) < 2 || leaf[0] != 1 || leaf[1] != kind {
		fail("certificate: an entry of another kind than %d", kind)
	}
	for _, part := range holds {
		if !bytes.Contains(leaf, part) {
			fail("certificate: the entry of kind %d does not say what the certificate says", kind)
		}
	}
	return c.proof([]byte(e.Proof), leaf)
}

func unhex(text string) []byte {
	data, err := hex.DecodeString(text)
	check(err, "certificate")
	if len(data) != 32 {
		fail("certificate: not 32 bytes")
	}
	return data
}
