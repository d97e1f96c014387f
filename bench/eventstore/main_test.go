package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every row runs. Figures are for `make bench`: here others use the machine too.
func TestRowsRun(t *testing.T) {
	if os.Getenv("ASHLAR_POSTGRES") == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("ASHLAR_POSTGRES is not set: run make servers")
		}
		t.Skip("needs PostgreSQL: run make servers and set ASHLAR_POSTGRES")
	}
	file := filepath.Join(t.TempDir(), "table.md")
	if _, err := measure(t.Context(), file, 1, 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{insert4, insert64, begin4, bare64, store64, "fsync=on", "PostgreSQL", "cpu-ns/op"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}
