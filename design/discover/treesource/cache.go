package treesource

import (
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// key of a content: the language and the version of extraction count too.
func key(lang string, src []byte) string {
	return keep.Key([]byte(Name), []byte{unit.Version}, []byte(lang), src)
}

// kept is what is kept of a file, or nil.
func (s *Source) kept(key string) *unit.File {
	b := s.cache.Get(key)
	if b == nil {
		return nil
	}
	f, err := unit.Decode(b)
	if err != nil {
		return nil
	}
	return f
}
