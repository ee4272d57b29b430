// Verifies a copy of a membervault log with the packages that verify Go's own module log, and nothing of the vault's:
//
//	verify VKEY DIR
//
// DIR holds what was fetched over HTTP: the checkpoint, perhaps an earlier one, the tiles and bundles of entries below
// tile/, proofs as NAME.tlog-proof each with the entry as NAME.leaf, the vault's own proof that the log grew out of the
// earlier one as consistency, and certificates as NAME.certificate. Prints how much of each was verified.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

func main() {
	if len(os.Args) != 3 {
		fail("usage: verify VKEY DIR")
	}
	verifier, err := note.NewVerifier(os.Args[1])
	check(err, "key")
	log := &copied{dir: os.Args[2], verifier: verifier}
	tree := log.checkpoint("checkpoint")
	hashes := log.entries(tree)
	counts := map[string]int64{
		"entries":      tree.N,
		"proofs":       log.proofs(),
		"earlier":      log.consistency(tree, hashes),
		"certificates": log.certificates(),
	}
	check(json.NewEncoder(os.Stdout).Encode(counts), "output")
}

// A copy of the log in a directory.
type copied struct {
	dir      string
	verifier note.Verifier
}

func (c *copied) read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	check(err, "read")
	return data
}

func (c *copied) has(name string) bool {
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

func (c *copied) glob(suffix string) []string {
	names, err := filepath.Glob(filepath.Join(c.dir, "*"+suffix))
	check(err, "read")
	for i := range names {
		names[i] = strings.TrimSuffix(filepath.Base(names[i]), suffix)
	}
	return names
}

func (c *copied) checkpoint(name string) tlog.Tree { return c.signed(c.read(name)) }

// signed verifies a checkpoint's signature, and that it is of the log the key is named after.
func (c *copied) signed(data []byte) tlog.Tree {
	opened, err := note.Open(data, note.VerifierList(c.verifier))
	check(err, "checkpoint signature")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != c.verifier.Name() {
		fail("checkpoint: not three lines, or of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "checkpoint size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "checkpoint root")
	return tlog.Tree{N: size, Hash: root}
}

// entries computes the tree from the entries, and verifies the root and every byte of every tile against it.
//
// tlog.TileHashReader would authenticate tiles on the way, but some releases of it (0.7 among them) let tiles pass when
// two hashes of the right edge lie in one tile. All the entries are here, so nothing need be taken from a tile.
func (c *copied) entries(tree tlog.Tree) tlog.HashReader {
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("hash %d is not known", index)
			}
			found[i] = stored[index]
		}
		return found, nil
	})
	for _, tile := range tilesOf(tree.N, 0) {
		bundle := c.read(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
		for i := 0; i < tile.W; i++ {
			entry := tile.N<<tileHeight + int64(i)
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				fail("entries: the bundle of entry %d is too short", entry)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			more, err := tlog.StoredHashes(entry, bundle[2:end], hashes)
			check(err, "entries")
			stored, bundle = append(stored, more...), bundle[end:]
		}
		if len(bundle) != 0 {
			fail("entries: bytes behind the last entry of bundle %d", tile.N)
		}
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	check(err, "entries")
	if root != tree.Hash {
		fail("entries: they do not have the root of the checkpoint")
	}
	for level := 0; tree.N>>(tileHeight*level) > 0; level++ {
		for _, tile := range tilesOf(tree.N, level) {
			expected, err := tlog.ReadTileData(tile, hashes)
			check(err, "tiles")
			if !bytes.Equal(c.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1)), expected) {
				fail("tiles: %s is not of this tree", tile.Path())
			}
		}
	}
	return hashes
}

// tilesOf lists the tiles of a level in a tree of size n; the last may not be full. C2SP leaves the height out of paths.
func tilesOf(n int64, level int) []tlog.Tile {
	var tiles []tlog.Tile
	for hashes := n >> (tileHeight * level); hashes > 0; hashes -= 1 << tileHeight {
		tile := tlog.Tile{H: tileHeight, L: level, N: int64(len(tiles)), W: 1 << tileHeight}
		if hashes < 1<<tileHeight {
			tile.W = int(hashes)
		}
		tiles = append(tiles, tile)
	}
	return tiles
}

func (c *copied) proofs() int64 {
	names := c.glob(".tlog-proof")
	for _, name := range names {
		c.proof(c.read(name+".tlog-proof"), c.read(name+".leaf"))
	}
	return int64(len(names))
}

// proof verifies a tlog-proof file for an entry, and gives the entry's index.
func (c *copied) proof(data, leaf []byte) int64 {
	head, checkpoint, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("proof: not a tlog-proof file")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	check(err, "proof index")
	tree := c.signed([]byte(checkpoint))
	check(tlog.CheckRecord(parseHashes(lines[2:]), tree.N, tree.Hash, index, tlog.RecordHash(leaf)), "inclusion")
	return index
}

// consistency verifies that the log grew out of the earlier checkpoint: by a proof made here, and by the
// vault's own.
func (c *copied) consistency(tree tlog.Tree, hashes tlog.HashReader) int64 {
	if !c.has("earlier") {
		return 0
	}
	earlier := c.checkpoint("earlier")
	proof, err := tlog.ProveTree(tree.N, earlier.N, hashes)
	check(err, "consistency")
	check(tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash), "consistency")
	theirs := parseHashes(strings.Fields(string(c.read("consistency"))))
	check(tlog.CheckTree(tlog.TreeProof(theirs), tree.N, tree.Hash, earlier.N, earlier.Hash), "consistency proof")
	return 1
}

func parseHashes(lines []string) tlog.RecordProof {
	hashes := tlog.RecordProof{}
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(err, "proof hash")
		hashes = append(hashes, hash)
	}
	return hashes
}

func unbase64(text, what string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	check(err, what)
	return data
}

func check(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
