package gosource

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
)

// cacheVersion changes with whatever a summary depends on.
const cacheVersion = "1"

// cache keeps summaries by what they were made of.
type cache struct{ dir string }

func newCache(dir string) *cache { return &cache{dir} }

// key is a digest of the package's files, of what it can see of others, and of the
// module's requirements; "" without a cache.
func (c *cache) key(w *world, p *pkg) string {
	if c.dir == "" {
		return ""
	}
	h := sha256.New()
	h.Write([]byte(cacheVersion + "\x00" + p.path + "\x00" + p.dir + "\x00"))
	for _, f := range p.files {
		h.Write([]byte(f.path))
		h.Write(f.sum[:])
	}
	seen := map[string]bool{}
	var visit func(q *pkg)
	visit = func(q *pkg) {
		w.scan(q)
		for _, i := range q.imports {
			if !seen[i] {
				seen[i] = true
				a := c.api(w.pkgs[i])
				h.Write([]byte(i))
				h.Write(a[:])
				visit(w.pkgs[i])
			}
		}
	}
	visit(p)
	if p.mod != nil {
		for _, m := range sortedKeys(p.mod.requires) {
			h.Write([]byte(m + p.mod.requires[m] + p.mod.replaces[m]))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// api is a digest of a package without the bodies of its functions. It is kept by
// the digest of the files.
func (c *cache) api(p *pkg) [32]byte {
	if p.api != ([32]byte{}) {
		return p.api
	}
	in := sha256.New()
	in.Write([]byte(cacheVersion))
	for _, f := range p.files {
		in.Write(f.sum[:])
	}
	name := filepath.Join(c.dir, "api-"+hex.EncodeToString(in.Sum(nil)))
	if b, err := os.ReadFile(name); err == nil && len(b) == 32 {
		copy(p.api[:], b)
		return p.api
	}
	h := sha256.New()
	for _, f := range p.files {
		fset := token.NewFileSet()
		a, _ := parser.ParseFile(fset, f.path, f.src, parser.SkipObjectResolution)
		if a == nil {
			continue
		}
		for _, d := range a.Decls {
			if fd, ok := d.(*ast.FuncDecl); ok {
				fd.Body = nil
			}
		}
		var b bytes.Buffer
		if printer.Fprint(&b, fset, a) == nil {
			h.Write(b.Bytes())
		}
	}
	copy(p.api[:], h.Sum(nil))
	c.write(name, p.api[:])
	return p.api
}

func (c *cache) load(key string) (*summary, bool) {
	if key == "" {
		return nil, false
	}
	b, err := os.ReadFile(filepath.Join(c.dir, key))
	if err != nil {
		return nil, false
	}
	s := &summary{}
	if gob.NewDecoder(bytes.NewReader(b)).Decode(s) != nil {
		return nil, false // written by another version, or cut off
	}
	return s, true
}

func (c *cache) save(key string, s *summary) {
	if key == "" {
		return
	}
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(s) == nil {
		c.write(filepath.Join(c.dir, key), b.Bytes())
	}
}

// write puts a whole file in place or none: two runs may share a cache. A cache
// that cannot be written costs time and nothing else.
func (c *cache) write(name string, b []byte) {
	if os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	t, err := os.CreateTemp(c.dir, "new-")
	if err != nil {
		return
	}
	_, err = t.Write(b)
	if cerr := t.Close(); err == nil && cerr == nil && os.Rename(t.Name(), name) == nil {
		return
	}
	_ = os.Remove(t.Name())
}
