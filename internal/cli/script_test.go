package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ashlar-dev/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

func TestMain(m *testing.M) {
	treesitter.Child()
	testscript.Main(m, map[string]func(){
		"ashlar":      func() { os.Exit(cli.Do(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"deadletters": deadLetters,
	})
}

// The scripts run the program as users do, on files of their own and on the
// shop under examples/.
func TestScripts(t *testing.T) {
	t.Parallel()
	shop, err := filepath.Abs("../../examples/shop")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"await": await},
		Condition: func(cond string) (bool, error) {
			if cond == "grammars" {
				return len(treesitter.Languages()) > 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHOP", shop)
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			return nil
		},
	})
}
