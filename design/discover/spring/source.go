// Package spring discovers Spring Boot applications from their settings: what
// they are called, which hosts, registries, brokers and stores their settings
// name, and the routes of their gateways. Settings that a config server holds for
// them count as theirs.
package spring

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/jvmbuild"
	"github.com/ashlar-dev/ashlar/formats/spring"
)

// Name of the source, as it stands in the ledger.
const Name = "spring"

// maxBytes is far more than settings need.
const maxBytes = 1 << 20

// Source reads settings.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// file is a settings file with whose it may be.
type file struct {
	module   string // folder of the module that it belongs to; "" when it is a config server's
	app      string // of a config server's file: the application it is for; "application" for all
	folder   string
	profile  string // by the file's name
	settings []spring.Settings
}

// Values are the settings of the file, one a profile, for rules of the review.
func (f *file) Values() []spring.Settings { return f.settings }

var named = regexp.MustCompile(`^([A-Za-z0-9._]+(?:-[A-Za-z0-9._]+)*)\.(ya?ml|properties)$`)

// Match takes application and bootstrap files, and what lies in a folder of
// configuration.
func (*Source) Match(h discover.Head) bool {
	switch h.Base {
	case "pom.xml", "build.gradle", "build.gradle.kts":
		return h.Size <= maxBytes
	}
	switch h.Ext {
	case ".yml", ".yaml", ".properties":
	default:
		return false
	}
	if h.Size > maxBytes || strings.Contains(h.Path, "/test/") || strings.HasPrefix(h.Base, "docker-compose") {
		return false
	}
	if strings.HasPrefix(h.Base, "application") || strings.HasPrefix(h.Base, "bootstrap") {
		return true
	}
	return strings.Contains(path.Dir(h.Path), "config") && named.MatchString(h.Base) && !h.Has("apiVersion:", "services:")
}

// Read puts out the settings of a file.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	if in.Base == "pom.xml" || strings.HasPrefix(in.Base, "build.gradle") {
		return build(in, out)
	}
	f := &file{folder: path.Dir(in.Path)}
	base := strings.TrimSuffix(in.Base, path.Ext(in.Base))
	if root, _, ok := strings.Cut(in.Path, "/src/main/resources/"); ok && (strings.HasPrefix(base, "application") || strings.HasPrefix(base, "bootstrap")) && path.Dir(in.Path) == root+"/src/main/resources" {
		f.module = root
		_, f.profile, _ = strings.Cut(base, "-")
	} else {
		f.app = base
	}
	if in.Ext == ".properties" {
		src, err := in.Bytes(maxBytes)
		if err != nil {
			return err
		}
		f.settings = []spring.Settings{spring.FromProperties(in.Path, src)}
	} else {
		d, err := in.Docs()
		if err != nil {
			return err
		}
		for _, x := range d.Docs {
			f.settings = append(f.settings, spring.FromDocument(x))
		}
	}
	if len(f.settings) > 0 {
		out.Document(discover.Document{Kind: "spring settings", Name: in.Path, Value: f})
	}
	return nil
}

// build puts out what a module is built with: libraries decide which of the
// settings mean anything.
func build(in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	var b *jvmbuild.Build
	if in.Base == "pom.xml" {
		if b, err = jvmbuild.Maven(src, path.Dir(in.Path)); err != nil {
			return err
		}
	} else {
		b = jvmbuild.Gradle(string(src), path.Dir(in.Path))
	}
	out.Document(discover.Document{Kind: "build", Name: in.Path, Value: b})
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
