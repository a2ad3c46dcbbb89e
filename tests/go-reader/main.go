// Reads a log directory in the layout of C2SP tlog-tiles with Go's own checksum database code, of which Hutong uses nothing:
// signed note, record and node hashes, tree hash. It shows that others can check our logs.
//
//	go-reader DIR VKEY
//
// prints `accepted <origin> <size>`, or names the file at fault on standard error and exits with 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go-reader DIR VKEY")
		os.Exit(2)
	}
	origin, size, err := readLog(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("accepted %s %d\n", origin, size)
}

// readLog checks everything that the checkpoint commits to.
func readLog(dir, vkey string) (string, int64, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", 0, fmt.Errorf("VKEY: %w", err)
	}
	origin, tree, err := readCheckpoint(dir, verifier)
	if err != nil {
		return "", 0, fmt.Errorf("checkpoint: %w", err)
	}
	hashes, err := readLeaves(dir, tree.N)
	if err != nil {
		return "", 0, err
	}
	if err := checkUpperTiles(dir, hashes); err != nil {
		return "", 0, err
	}
	if err := checkRoot(dir, hashes, tree); err != nil {
		return "", 0, fmt.Errorf("checkpoint: %w", err)
	}
	return origin, tree.N, nil
}

// readCheckpoint opens the note and reads tlog-checkpoint: origin, size, root, and no line more.
func readCheckpoint(dir string, verifier note.Verifier) (string, tlog.Tree, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tlog.Tree{}, fmt.Errorf("%d lines, not 3", len(lines)-1)
	}
	if lines[0] != verifier.Name() {
		return "", tlog.Tree{}, fmt.Errorf("origin %q under the key of %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return "", tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return "", tlog.Tree{}, fmt.Errorf("root %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return lines[0], tree, nil
}

// readLeaves holds every entry of every bundle against the hash of its leaf in the tiles of level 0.
func readLeaves(dir string, size int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for first := int64(0); first < size; first += tileWidth {
		width := widthOf(size - first)
		tilePath := pathOf("0", first/tileWidth, width)
		tile, err := readTile(dir, tilePath, width)
		if err != nil {
			return nil, err
		}
		bundlePath := pathOf("entries", first/tileWidth, width)
		entries, err := readBundle(dir, bundlePath, width)
		if err != nil {
			return nil, err
		}
		for at, entry := range entries {
			if tlog.RecordHash(entry) != tile[at] {
				return nil, fmt.Errorf("%s: entry %d is not the one that %s names", bundlePath, at, tilePath)
			}
		}
		hashes = append(hashes, tile...)
	}
	return hashes, nil
}

// checkUpperTiles holds every tile above level 0 against the full tiles below it.
func checkUpperTiles(dir string, below []tlog.Hash) error {
	for level := 1; len(below) >= tileWidth; level++ {
		var roots []tlog.Hash
		for full := below; len(full) >= tileWidth; full = full[tileWidth:] {
			roots = append(roots, rootOfFullTile(full[:tileWidth]))
		}
		for first := 0; first < len(roots); first += tileWidth {
			width := widthOf(int64(len(roots) - first))
			path := pathOf(strconv.Itoa(level), int64(first/tileWidth), width)
			tile, err := readTile(dir, path, width)
			if err != nil {
				return err
			}
			for at, hash := range tile {
				if hash != roots[first+at] {
					return fmt.Errorf("%s: hash %d is not the root of the tile below", path, at)
				}
			}
		}
		below = roots
	}
	return nil
}

// checkRoot computes the root twice: from the leaf hashes, and as Go's client does, from as few tiles as it can.
func checkRoot(dir string, hashes []tlog.Hash, tree tlog.Tree) error {
	var stored storedHashes
	for index, hash := range hashes {
		added, err := tlog.StoredHashesForRecordHash(int64(index), hash, stored)
		if err != nil {
			return err
		}
		stored = append(stored, added...)
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("root %s, and the leaves come to %s", tree.Hash, root)
	}
	if tree.N == 0 {
		return nil
	}
	if _, err := tlog.TreeHash(tree.N, tlog.TileHashReader(tree, tileDirectory(dir))); err != nil {
		return err
	}
	return nil
}

// storedHashes is Go's own dense numbering of all nodes.
type storedHashes []tlog.Hash

func (stored storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index >= int64(len(stored)) {
			return nil, fmt.Errorf("no node %d", index)
		}
		found[at] = stored[index]
	}
	return found, nil
}

// tileDirectory gives Go's client our tiles. Its paths begin `tile/8/<level>`, those of tlog-tiles `tile/<level>`.
type tileDirectory string

func (dir tileDirectory) Height() int { return tileHeight }

func (dir tileDirectory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	contents := make([][]byte, len(tiles))
	for at, tile := range tiles {
		path := pathOf(strconv.Itoa(tile.L), tile.N, tile.W)
		if want := "tile/8/" + strings.TrimPrefix(path, "tile/"); tile.Path() != want {
			return nil, fmt.Errorf("%s: Go calls this tile %s", path, tile.Path())
		}
		content, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		contents[at] = content
	}
	return contents, nil
}

func (dir tileDirectory) SaveTiles([]tlog.Tile, [][]byte) {}

func readTile(dir, path string, width int) ([]tlog.Hash, error) {
	content, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		return nil, err
	}
	if len(content) != width*tlog.HashSize {
		return nil, fmt.Errorf("%s: %d bytes, not %d hashes", path, len(content), width)
	}
	hashes := make([]tlog.Hash, width)
	for at := range hashes {
		copy(hashes[at][:], content[at*tlog.HashSize:])
	}
	return hashes, nil
}

func readBundle(dir, path string, width int) ([][]byte, error) {
	content, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		return nil, err
	}
	entries := make([][]byte, 0, width)
	for len(content) > 0 {
		if len(content) < 2 || len(content)-2 < int(binary.BigEndian.Uint16(content)) {
			return nil, fmt.Errorf("%s: entry %d is cut off", path, len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		entries = append(entries, content[2:end])
		content = content[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s: %d entries, not %d", path, len(entries), width)
	}
	return entries, nil
}

func rootOfFullTile(hashes []tlog.Hash) tlog.Hash {
	for len(hashes) > 1 {
		parents := make([]tlog.Hash, len(hashes)/2)
		for at := range parents {
			parents[at] = tlog.NodeHash(hashes[2*at], hashes[2*at+1])
		}
		hashes = parents
	}
	return hashes[0]
}

// widthOf is the width of a tile when so many hashes are left from its first one on.
func widthOf(left int64) int {
	if left < tileWidth {
		return int(left)
	}
	return tileWidth
}

// pathOf is the path of a tile or bundle in tlog-tiles: 1234067 is x001/x234/067, a partial one ends in .p/<width>.
func pathOf(level string, index int64, width int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for rest := index / 1000; rest > 0; rest /= 1000 {
		path = fmt.Sprintf("x%03d/%s", rest%1000, path)
	}
	path = "tile/" + level + "/" + path
	if width < tileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}
