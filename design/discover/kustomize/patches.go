package kustomize

import (
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kustomize"
)

// patches says for places of a build's objects which patches gave what stands
// there.
type patches map[doc.Pos][]string

// maxBehind patched values of one place are named.
const maxBehind = 3

// patchedIn gathers them from a build; base leads to the paths that people see.
func patchedIn(base string, built []kustomize.Built) patches {
	out := patches{}
	for _, b := range built {
		for _, x := range b.Patched {
			at := doc.Pos{File: base + b.Path, Line: x.Line, Col: x.Col}
			by := doc.Pos{File: base + x.By.File, Line: x.By.Line}
			out[at] = append(out[at], strings.Join(x.Field, ".")+" at "+strings.TrimSuffix(by.String(), ":0"))
		}
	}
	return out
}

// Behind names the patches behind a place: "spec.replicas at prod/more.yaml:6".
func (p *patches) Behind(at doc.Pos) string {
	all := (*p)[at]
	return strings.Join(all[:min(len(all), maxBehind)], ", ")
}
