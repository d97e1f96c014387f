package gosource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/gosource"
)

// What a reader counted by hand in benbjohnson/wtf@05bc90c (MIT), its tests left
// out: every entry, every call that leaves the process, every table that a
// statement reads or writes. Entries and clients that no one could expect a reader
// of calls to find stand here as well.
const (
	wtfEntries = `* /assets/
GET /debug/version
GET /debug/commit
GET /
GET /login
DELETE /logout
GET /oauth/github
GET /oauth/github/callback
GET /settings
GET /dials
POST /dials
GET /dials/new
POST /dials/new
GET /dials/{id}
GET /dials/{id}/edit
PATCH /dials/{id}/edit
DELETE /dials/{id}
PUT /dials/{id}/membership
GET /invite/{code}
POST /invite/{code}
PATCH /dial-memberships/{id}
DELETE /dial-memberships/{id}
* /events
* /metrics
redirect of everything on port 80
* /
* /dials-with-no-data
* /dials-with-data
* /dials-pagination`
	wtfClients = `http/dial.go:343 GET /dials/{}
http/dial.go:377 GET /dials
http/dial.go:409 POST /dials
http/dial.go:440 DELETE /dials/{}
http/dial.go:470 PUT /dials/{}/membership
http/auth.go token of GitHub
http/auth.go user of GitHub
cmd/wtfd/main.go report to Rollbar`
	wtfAccess = `sqlite/sqlite.go:157 read migrations
sqlite/sqlite.go:171 write migrations
sqlite/sqlite.go:234 read users
sqlite/sqlite.go:239 read dials
sqlite/sqlite.go:244 read dial_memberships
sqlite/user.go:153 read users
sqlite/user.go:230 write users
sqlite/user.go:294 write users
sqlite/user.go:323 write users
sqlite/dial.go:174 read dial_values
sqlite/dial.go:276 read dials
sqlite/dial.go:306 read dials
sqlite/dial.go:306 read dial_memberships
sqlite/dial.go:381 write dials
sqlite/dial.go:446 write dials
sqlite/dial.go:473 write dials
sqlite/dial.go:483 read dials
sqlite/dial.go:491 read dial_memberships
sqlite/dial.go:509 write dials
sqlite/dial.go:547 write dial_values
sqlite/dial.go:579 read dial_values
sqlite/dial.go:597 read dial_values
sqlite/dial.go:646 read dial_memberships
sqlite/auth.go:189 read auths
sqlite/auth.go:268 write auths
sqlite/auth.go:332 write auths
sqlite/auth.go:362 write auths
sqlite/dial_membership.go:175 read dial_memberships
sqlite/dial_membership.go:175 read dials
sqlite/dial_membership.go:175 read users
sqlite/dial_membership.go:250 write dial_memberships
sqlite/dial_membership.go:318 write dial_memberships
sqlite/dial_membership.go:374 write dial_memberships`
)

// TestEvalGo prints precision and recall on a repository that was counted by hand;
// ASHLAR_SYSTEMS names the folder that holds it as benbjohnson_wtf.
func TestEvalGo(t *testing.T) {
	dir := filepath.Join(os.Getenv("ASHLAR_SYSTEMS"), "benbjohnson_wtf")
	if os.Getenv("ASHLAR_EVAL") == "" {
		t.Skip("make eval runs this")
	}
	if _, err := os.Stat(dir); err != nil || os.Getenv("ASHLAR_SYSTEMS") == "" {
		t.Skip("its source tree is missing: ASHLAR_SYSTEMS/benbjohnson_wtf")
	}
	r, err := discover.Run(t.Context(), []discover.Source{gosource.New(nil)}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p code.Pos) string {
		return fmt.Sprintf("%s:%d", strings.TrimPrefix(p.File, filepath.ToSlash(dir)+"/"), p.Line)
	}
	var entries, clients, access []string
	for _, e := range r.Code.Entries {
		if e.Kind != "main" {
			entries = append(entries, e.Trigger)
		}
	}
	for _, c := range r.Code.Clients {
		clients = append(clients, at(c.Pos)+" "+c.Verb)
	}
	for _, a := range r.Code.Access {
		access = append(access, at(a.Pos)+" "+a.Mode+" "+a.Table.Member())
	}
	t.Logf("Go, benbjohnson/wtf@05bc90c, counted by hand")
	measure(t, "entries", entries, wtfEntries)
	measure(t, "clients", clients, wtfClients)
	measure(t, "table accesses", access, wtfAccess)
}

func measure(t *testing.T, what string, got []string, want string) {
	t.Helper()
	slices.Sort(got)
	got = slices.Compact(got)
	wants := strings.Split(want, "\n")
	hit := 0
	var missing, extra []string
	for _, w := range wants {
		if slices.Contains(got, w) {
			hit++
		} else {
			missing = append(missing, w)
		}
	}
	for _, g := range got {
		if !slices.Contains(wants, g) {
			extra = append(extra, g)
		}
	}
	t.Logf("%-16s %3d by hand, %3d found: precision %.2f, recall %.2f", what, len(wants), len(got), float64(hit)/float64(max(1, len(got))), float64(hit)/float64(len(wants)))
	t.Logf("    missing %q", missing)
	t.Logf("    extra %q", extra)
}
