// Package githistory reads what changed together, and who works where. It starts
// no git: it reads the output of
//
//	git log --name-only > git.log
//
// which lies in the root of the repository, or beside it as NAME.gitlog for the
// folder NAME; standard input holds for the working folder. Several logs are
// several repositories, whose commits are joined by the ticket that their messages
// name (SHOP-12).
//
// Commits by bots say nothing about people and are left out, and so are merges and
// commits of many files: who renames a package everywhere changes nothing together.
package githistory

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/gitlog"
)

// Name of the source, as it stands in the ledger.
const Name = "githistory"

// Options of [New]; nil is the default.
type Options struct {
	// Bulk is the number of files from which a commit is too large to say what
	// belongs together; default 30.
	Bulk int
}

// Source reads histories.
type Source struct{ bulk int }

// New returns the source.
func New(o *Options) *Source {
	s := &Source{bulk: 30}
	if o != nil {
		s.bulk = cmp.Or(o.Bulk, 30)
	}
	return s
}

// Name implements discover.Source.
func (*Source) Name() string { return Name }

// Origin implements discover.Source.
func (*Source) Origin() arch.Origin { return arch.History }

// Match takes logs, by their content.
func (*Source) Match(h discover.Head) bool {
	return (h.Ext == ".log" || h.Ext == ".gitlog" || h.Ext == ".txt" || h.Path == "-") && gitlog.Is(h.First)
}

// history is a log with the folder that its names stand in.
type history struct {
	root    string
	commits []gitlog.Commit
}

// Read reads one log.
func (s *Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	r, err := in.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	cs, err := gitlog.Parse(r)
	if err != nil {
		return err
	}
	h := &history{root: path.Dir(in.Path)}
	if in.Ext == ".gitlog" && in.Base != ".gitlog" {
		h.root = path.Join(h.root, strings.TrimSuffix(in.Base, path.Ext(in.Base)))
	}
	bots, bulk := 0, 0
	for _, c := range cs {
		switch {
		case c.Merge || len(c.Files) == 0:
		case Bot(c.Author, c.Email):
			bots++
		case len(c.Files) > s.bulk:
			bulk++
		default:
			h.commits = append(h.commits, c)
		}
	}
	if bots+bulk > 0 {
		out.Skip(in.Path, fmt.Sprintf("%s: of %d commits, %d by bots and %d of more than %d files are left out", Name, len(cs), bots, bulk, s.bulk))
	}
	out.Document(discover.Document{Kind: "git history", Name: in.Path, Value: h})
	return nil
}

var botName = regexp.MustCompile(`(?i)\[bot\]|\bbot\b|dependabot|renovate|greenkeeper|snyk|github-actions|jenkins|travis|gitlab-ci|semantic-release|k8s-ci-robot|weblate|^ci$`)

// Bot reports whether an author is no person.
func Bot(name, email string) bool { return botName.MatchString(name) || botName.MatchString(email) }

var ticket = regexp.MustCompile(`\b[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,6}\b`)

// notTickets look like tickets and are standards.
var notTickets = regexp.MustCompile(`^(UTF|SHA|ISO|RFC|CVE|HTTP|TLS|AES|RSA|MD|UTC|GMT|ECMA|PEP|JSR)-`)

// Ticket is the ticket that a message names first, or "".
func Ticket(c gitlog.Commit) string {
	for _, t := range ticket.FindAllString(c.Subject+"\n"+c.Body, -1) {
		if !notTickets.MatchString(t) {
			return t
		}
	}
	return ""
}

// Relate makes changes of commits, and tells who changed which type.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	logs := discover.Of[*history](ev.Documents)
	if len(logs) == 0 {
		return nil
	}
	types := map[string][]code.TypeID{}
	if ev.Code != nil {
		for _, id := range arch.Sorted(ev.Code.Types) {
			f := path.Clean(ev.Code.Types[id].Pos.File)
			types[f] = append(types[f], id)
		}
	}
	g := code.Graph{Authors: map[string]map[code.TypeID]int{}}
	joined := map[string]int{}
	for _, l := range logs {
		for _, c := range l.V.commits {
			var files []string
			for _, f := range c.Files {
				f = path.Join(l.V.root, f)
				files = append(files, f)
				for _, t := range types[f] {
					if g.Authors[c.Author] == nil {
						g.Authors[c.Author] = map[code.TypeID]int{}
					}
					g.Authors[c.Author][t]++
				}
			}
			id := cmp.Or(Ticket(c), c.ID)
			if i, ok := joined[id]; ok {
				x := &g.Changes[i]
				x.Files = append(x.Files, files...)
				slices.Sort(x.Files)
				x.Files = slices.Compact(x.Files)
				continue
			}
			joined[id] = len(g.Changes)
			slices.Sort(files)
			g.Changes = append(g.Changes, code.Change{ID: id, Author: c.Author, Files: slices.Compact(files)})
		}
	}
	out.Code(g)
	out.Cover(arch.Coverage{Origin: arch.History})
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
