package codeowners_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/codeowners"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
)

func TestTeamsOwnFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		".github/CODEOWNERS": "* @acme/all\n/src/stock/ @bob @acme/depot\n/src/mail/ @bob\n",
		"compose.yaml":       "services:\n  stock: {image: 's:1', build: ./src/stock}\n  mail: {image: 'm:1'}\n  web-front: {image: 'w:1'}\n  far: {image: 'f:1'}\n",
		"src/stock/x":        "", "src/mail/x": "", "web_front/x": "",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{compose.New(), codeowners.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"stock": "depot", "mail": "", "web-front": "all", "far": ""} {
		if got := r.System.Services[name].Owner; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
