// Package codeowners discovers which team owns which service, from CODEOWNERS
// files: the owner of the folder that a service is built from, or of the one
// folder that is called like it. People are no teams and own nothing here.
package codeowners

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/codeowners"
)

// Name of the source, as it stands in the ledger.
const Name = "codeowners"

// Source reads CODEOWNERS files.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes the file where GitHub and GitLab look for it.
func (*Source) Match(h discover.Head) bool { return h.Base == "CODEOWNERS" }

// owned is a file with the folders below its root.
type owned struct {
	file    *codeowners.File
	folders map[string][]string // name in small letters without separators -> paths relative to the root
}

const (
	maxBytes   = 4 << 20
	maxFolders = 20_000
	maxDepth   = 5
)

// Read puts out the file with the folders beside it.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	f := codeowners.Parse(in.Path, src)
	out.Document(discover.Document{Kind: "codeowners", Name: in.Path, Value: &owned{f, folders(in)}})
	return nil
}

func folders(in *discover.Input) map[string][]string {
	m := map[string][]string{}
	if in.Root == nil {
		return m
	}
	root := (&codeowners.File{Path: in.Rel}).Root()
	n := 0
	_ = fs.WalkDir(in.Root, root, func(p string, d fs.DirEntry, err error) error { // what cannot be read has no owner
		if err != nil || !d.IsDir() || p == root {
			return nil
		}
		rel := p
		if root != "." {
			rel = strings.TrimPrefix(p, root+"/")
		}
		if n++; n > maxFolders || strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "vendor" || strings.Count(rel, "/") >= maxDepth {
			return fs.SkipDir
		}
		m[form(d.Name())] = append(m[form(d.Name())], rel)
		return nil
	})
	return m
}

func form(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

// Relate gives each service that has none the team of its folder.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*owned](ev.Documents)
	if len(docs) == 0 {
		return nil
	}
	s := arch.System{Services: map[string]arch.Service{}, Teams: map[string]arch.Team{}}
	places := map[arch.Fact]arch.Source{}
	var of []arch.Ref
	for _, name := range arch.Sorted(ev.System.Services) {
		for _, d := range docs {
			folder, ok := folderOf(name, ev.System.Services[name], d.V)
			if !ok {
				continue
			}
			who, rule, ok := d.V.file.Owners(folder + "/_") // a file right in it
			team := ""
			for _, w := range who {
				if team = codeowners.Team(w); team != "" {
					break
				}
			}
			if !ok || team == "" {
				continue
			}
			ref := arch.NewRef(arch.KindService, name)
			at := arch.Source{Origin: arch.Config, By: Name, File: d.Path, Line: rule.Line, Col: 1, Reason: "the owner of " + folder}
			s.Services[name] = arch.Service{Owner: team}
			s.Teams[team] = arch.Team{}
			places[arch.Fact{Of: ref, At: "/owner"}] = at
			exists := at
			exists.Origin = arch.Guess // that it is there, others know
			places[arch.Fact{Of: ref}] = exists
			if _, ok := places[arch.Fact{Of: arch.NewRef(arch.KindTeam, team)}]; !ok {
				places[arch.Fact{Of: arch.NewRef(arch.KindTeam, team)}] = at
			}
			of = append(of, ref)
			break
		}
	}
	if len(of) == 0 {
		return nil
	}
	s.Locate(places)
	s.Attest(arch.Source{Origin: arch.Config, By: Name})
	out.System(s)
	out.Cover(arch.Coverage{Origin: arch.Config, Of: of})
	return nil
}

// folderOf is the folder that a service is built from, or the only one that is
// called like it.
func folderOf(name string, svc arch.Service, d *owned) (string, bool) {
	if p := strings.Trim(path.Clean("/"+strings.ReplaceAll(svc.Run.Package, "\\", "/")), "/"); svc.Run.Package != "" && p != "" {
		for _, have := range d.folders[form(path.Base(p))] {
			if have == p || strings.HasSuffix(have, "/"+p) {
				return have, true
			}
		}
	}
	for _, n := range append([]string{name}, svc.Aliases...) {
		if l := d.folders[form(n)]; len(l) == 1 {
			return l[0], true
		}
	}
	return "", false
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
