// Package procfile discovers the processes of an application from its Procfile:
// web is the service that is called as its folder, every other process type one
// beside it. A release process runs before a deployment and is left out.
package procfile

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// Name of the source, as it stands in the ledger.
const Name = "procfile"

// maxBytes is far more than a Procfile needs.
const maxBytes = 64 << 10

// Source reads Procfiles.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes files called Procfile that lie in a folder, whose name is the
// application's.
func (*Source) Match(h discover.Head) bool {
	return h.Base == "Procfile" && h.Size < maxBytes
}

var process = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(\S.*)$`)

// Read puts out a service for each process type.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	b, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	app := path.Base(path.Dir(in.Path))
	if app == "." || app == "/" || app == ".." {
		return nil // there is no name to go by
	}
	for i, line := range bytes.Split(b, []byte("\n")) {
		m := process.FindStringSubmatch(strings.TrimRight(string(line), "\r "))
		if m == nil || m[1] == "release" {
			continue
		}
		name := app
		if m[1] != "web" {
			name += "-" + m[1]
		}
		s := arch.System{Services: map[string]arch.Service{name: {Run: arch.Run{Package: path.Dir(in.Path)}}}}
		s.Attest(arch.Source{Origin: arch.Config, By: Name, File: in.Path, Line: i + 1, Col: 1, Reason: "process type " + m[1] + " of the Procfile"})
		out.System(s)
	}
	return nil
}

var _ discover.Source = (*Source)(nil)
