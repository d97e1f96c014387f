package gosource

import (
	"bytes"
	"crypto/sha256"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"

	"github.com/ashlar-dev/ashlar/design/discover/keep"
)

// version changes with whatever a summary depends on.
const version = "4"

// cache keeps summaries by what they were made of.
type cache struct {
	*keep.Store

	deep map[*pkg][32]byte
}

func newCache(s *keep.Store) *cache { return &cache{s, map[*pkg][32]byte{}} }

// key is a digest of the package's files, of what it can see of others, and of the
// module's requirements; "" without a cache.
func (c *cache) key(w *world, p *pkg) string {
	if c.Store == nil {
		return ""
	}
	parts := [][]byte{[]byte(Name), []byte(version), []byte(p.path), []byte(p.dir)}
	for _, f := range p.files {
		parts = append(parts, []byte(f.path), f.sum[:])
	}
	w.scan(p)
	for _, i := range p.imports {
		d := c.below(w, w.pkgs[i])
		parts = append(parts, []byte(i), d[:])
	}
	if p.mod != nil {
		for _, m := range sortedKeys(p.mod.requires) {
			parts = append(parts, []byte(m+"@"+p.mod.requires[m]+"="+p.mod.replaces[m]))
		}
	}
	return keep.Key(parts...)
}

// below is a digest of what a package shows to others, and of what those show that
// it imports.
func (c *cache) below(w *world, p *pkg) [32]byte {
	if d, ok := c.deep[p]; ok {
		return d
	}
	c.deep[p] = p.api // an import loop ends here
	h := sha256.New()
	a := c.api(p)
	_, _ = h.Write(a[:])
	w.scan(p)
	for _, i := range p.imports {
		d := c.below(w, w.pkgs[i])
		_, _ = h.Write(append([]byte(i), d[:]...))
	}
	var d [32]byte
	copy(d[:], h.Sum(nil))
	c.deep[p] = d
	return d
}

// api is a digest of a package without the bodies of its functions. It is kept by
// the digest of the files.
func (c *cache) api(p *pkg) [32]byte {
	if p.api != ([32]byte{}) {
		return p.api
	}
	parts := [][]byte{[]byte(Name + " api"), []byte(version)}
	for _, f := range p.files {
		parts = append(parts, f.sum[:])
	}
	key := keep.Key(parts...)
	if b := c.Get(key); len(b) == len(p.api) {
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
			_, _ = h.Write(b.Bytes())
		}
	}
	copy(p.api[:], h.Sum(nil))
	c.Put(key, p.api[:])
	return p.api
}

func (c *cache) load(key string) (*summary, bool) {
	b := c.Get(key)
	if b == nil {
		return nil, false
	}
	s, err := summaries.Decode(b)
	return s, err == nil // else written by another version
}

func (c *cache) save(key string, s *summary) {
	if c.Store != nil {
		c.Put(key, summaries.Append(nil, s))
	}
}

var summaries = keep.NewCodec[summary]()
