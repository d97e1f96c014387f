// Package keep holds what reading a file gave, between runs: entries by a digest of
// everything that they depend on, in a folder of the user's own. It holds no source
// text, but names and constants of it, so the folder is the user's alone.
//
// Entries are written beside and renamed, so that a run which is killed, or several
// at once, leave whole entries or none; each bears a checksum, and one that is torn
// all the same is read as missing. A folder that cannot be written costs time and
// nothing else.
package keep

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Max is what a folder may take by default, in bytes: 1 GiB.
const Max = 1 << 30

// Store keeps entries in a folder. A nil *Store keeps nothing. Safe for concurrent
// use, also by several processes.
type Store struct {
	dir string
	max int64
}

// Open keeps in dir, at most max bytes (0: [Max]), which [Store.Trim] brings about.
func Open(dir string, max int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Store{dir, cmp.Or(max, Max)}, nil
}

// Key is the digest of what an entry depends on: the name and version of who makes
// it first, then whatever it is made of.
func Key(parts ...[]byte) string {
	h := sha256.New()
	var size [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(p)))
		_, _ = h.Write(size[:])
		_, _ = h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

func (s *Store) file(key string) string { return filepath.Join(s.dir, key[:2], key[2:]) }

// fresh is how long an entry counts as just used: its time is not written anew.
const fresh = 24 * time.Hour

// Get returns what is kept by a key, or nil.
func (s *Store) Get(key string) []byte {
	if s == nil || len(key) < 3 {
		return nil
	}
	name := s.file(key)
	b, used, err := read(name)
	if err != nil || len(b) < 4 {
		return nil
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		_ = os.Remove(name)
		return nil
	}
	if time.Since(used) > fresh { // in use: the oldest go first
		now := time.Now()
		_ = os.Chtimes(name, now, now)
	}
	return body
}

// read gives a file and when it was last written, with as few calls of the system as
// can be: a run reads tens of thousands.
func read(name string) ([]byte, time.Time, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	fi, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	b := make([]byte, fi.Size())
	_, err = io.ReadFull(f, b)
	return b, fi.ModTime(), err
}

// Put keeps b by a key.
func (s *Store) Put(key string, b []byte) {
	if s == nil || len(key) < 3 {
		return
	}
	name := s.file(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), newPrefix)
	if err != nil {
		return
	}
	_, err = tmp.Write(binary.LittleEndian.AppendUint32(slices.Clip(b), crc32.ChecksumIEEE(b)))
	if err2 := tmp.Close(); err != nil || err2 != nil || os.Rename(tmp.Name(), name) != nil {
		_ = os.Remove(tmp.Name())
	}
}

// newPrefix begins the names of entries that are being written.
const newPrefix = ".new"

// Trim removes the entries that were used longest ago until the folder is within
// its bound, and what a run that was killed left half written.
func (s *Store) Trim() {
	if s == nil {
		return
	}
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var all []entry
	total := int64(0)
	_ = filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what cannot be listed is not counted
		}
		fi, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // another run has just removed it
		}
		if strings.HasPrefix(d.Name(), newPrefix) && time.Since(fi.ModTime()) > time.Hour {
			_ = os.Remove(p)
			return nil
		}
		all = append(all, entry{p, fi.Size(), fi.ModTime()})
		total += fi.Size()
		return nil
	})
	if total <= s.max {
		return
	}
	slices.SortFunc(all, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range all {
		if total <= s.max*9/10 {
			return
		}
		if os.Remove(e.name) == nil {
			total -= e.size
		}
	}
}
