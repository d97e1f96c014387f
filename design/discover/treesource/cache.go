package treesource

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Cache keeps what source files say, by their content, in a folder. It holds no
// source text, but names and constants of it, so the folder is the user's alone.
// A nil *Cache keeps nothing. Safe for concurrent use, also by several processes:
// entries are written beside and renamed, and one that is torn is read as missing.
type Cache struct {
	dir string
	max int64
}

// cacheMax is what a cache may take by default, in bytes.
const cacheMax = 1 << 30

// NewCache keeps in dir, at most max bytes (0: 1 GiB), which [Cache.Trim] brings
// about.
func NewCache(dir string, max int64) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Cache{dir, cmp.Or(max, cacheMax)}, nil
}

// key of a content: the language and the version of extraction count too.
func (c *Cache) key(lang string, src []byte) string {
	if c == nil {
		return ""
	}
	h := sha256.New()
	_, _ = h.Write([]byte{unit.Version})
	_, _ = h.Write([]byte(lang + "\n"))
	_, _ = h.Write(src)
	return hex.EncodeToString(h.Sum(nil)[:20])
}

func (c *Cache) file(key string) string { return filepath.Join(c.dir, key[:2], key[2:]) }

// get returns what is kept, or nil.
func (c *Cache) get(key string) *unit.File {
	if c == nil {
		return nil
	}
	name := c.file(key)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	f, err := unit.Decode(b)
	if err != nil {
		return nil
	}
	if fi, err := os.Stat(name); err == nil && time.Since(fi.ModTime()) > 24*time.Hour { // in use: the oldest go first
		now := time.Now()
		_ = os.Chtimes(name, now, now)
	}
	return f
}

// put keeps f; a cache that cannot be written costs only time.
func (c *Cache) put(key string, f *unit.File) {
	if c == nil {
		return
	}
	name := c.file(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new")
	if err != nil {
		return
	}
	_, err = tmp.Write(f.Append(nil))
	if err2 := tmp.Close(); err != nil || err2 != nil {
		_ = os.Remove(tmp.Name())
		return
	}
	if os.Rename(tmp.Name(), name) != nil {
		_ = os.Remove(tmp.Name())
	}
}

// Trim removes the entries that were used longest ago until the cache is within
// its bound.
func (c *Cache) Trim() {
	if c == nil {
		return
	}
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var all []entry
	total := int64(0)
	_ = filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what cannot be listed is not counted
		}
		if fi, err := d.Info(); err == nil {
			all = append(all, entry{p, fi.Size(), fi.ModTime()})
			total += fi.Size()
		}
		return nil
	})
	if total <= c.max {
		return
	}
	slices.SortFunc(all, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range all {
		if total <= c.max*9/10 {
			return
		}
		if os.Remove(e.name) == nil {
			total -= e.size
		}
	}
}
