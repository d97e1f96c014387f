package rules

import (
	slash "path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/review"
)

// serviceOf is the service that a method is part of, or the whole system where no
// service is known for its module.
func serviceOf(c *review.Case, m code.MethodID) arch.Ref {
	return serviceOfType(c, c.Code.Types[c.Code.Methods[m].Type])
}

// called is how people write a method: Type.Method.
func called(m code.MethodID) string {
	t, name, _ := strings.Cut(string(m), "#")
	name, _, _ = strings.Cut(name, "(")
	name, _, _ = strings.Cut(name, ".func@")
	t = slash.Base(t)
	if i := strings.LastIndexByte(t, '.'); i >= 0 {
		return t[i+1:] + "." + name
	}
	return t + "." + name
}

// place is a place in code as evidence.
func place(p code.Pos, note string) review.Evidence {
	return review.Evidence{Source: arch.Source{Origin: arch.Code, File: p.File, Line: p.Line, Col: p.Col}, Note: note}
}

// remote: a request over the network whose caller waits.
func remote(c code.Client) bool { return c.Kind == "http" || c.Kind == "grpc" }

// asks is how people write a request: "POST /charges of bank".
func asks(c code.Client) string {
	if c.Kind == "grpc" { // the method names its service better than an address does
		return c.Verb
	}
	if c.Target == "" || strings.HasPrefix(c.Target, "{}") {
		return c.Verb
	}
	return c.Verb + " of " + strings.Trim(c.Target, "${}")
}
