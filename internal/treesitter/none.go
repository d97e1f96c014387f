//go:build !cgo

package treesitter

import (
	"errors"

	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// Languages is empty: this build was made without cgo.
func Languages() []string { return nil }

func parse(string, []byte) (*syntax.Tree, error) {
	return nil, errors.New("this build was made without cgo and has no grammars")
}
