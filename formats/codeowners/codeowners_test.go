package codeowners_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/codeowners"
)

const sample = `
# comment
*            @acme/all
/src/        @acme/core
src/order/   @acme/sales @bob # trailing
*.md         docs@example.com
/deploy/*    @acme/ops
apps/**/api  @acme/api
/src/free/
with\ space/ @acme/space
^[Docs][2] @acme/writers
docs/
/src/order/README.md @acme/readme
`

func TestOwners(t *testing.T) {
	t.Parallel()
	f := codeowners.Parse(".github/CODEOWNERS", []byte(sample))
	for path, want := range map[string]string{
		"main.go": "@acme/all", "src/x.go": "@acme/core", "src/order/main.go": "@acme/sales @bob", "a/src/order/x": "@acme/all", "a/b.md": "docs@example.com",
		"deploy/x.yaml": "@acme/ops", "deploy/a/x.yaml": "@acme/all", "apps/a/b/api/x": "@acme/api", "apps/api": "@acme/api", "src/free/x": "", "with space/x": "@acme/space",
		"docs/x": "@acme/all @acme/writers", "src/order/README.md": "docs@example.com @acme/readme",
	} {
		who, _, ok := f.Owners(path)
		if got := strings.Join(who, " "); got != want || !ok {
			t.Errorf("%s: %q %v, want %q", path, got, ok, want)
		}
	}
	if f.Root() != "." || !f.Sections[1].Optional || codeowners.Team("@acme/x") != "x" || codeowners.Team("@bob") != "" {
		t.Errorf("%+v", f.Sections)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample), "src/order/x")
	f.Fuzz(func(_ *testing.T, src []byte, path string) { codeowners.Parse("CODEOWNERS", src).Owners(path) })
}
