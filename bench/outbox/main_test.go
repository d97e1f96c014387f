package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every row runs. Figures are for `make bench`: here others use the machine too.
func TestRowsRun(t *testing.T) {
	for _, name := range []string{"ASHLAR_POSTGRES", "ASHLAR_KAFKA"} {
		if os.Getenv(name) == "" {
			if os.Getenv("CI") == "true" {
				t.Fatal(name + " is not set: run make servers")
			}
			t.Skip(name + " is not set: run make servers")
		}
	}
	file := filepath.Join(t.TempDir(), "table.md")
	if _, err := measure(t.Context(), file, 1, 2500); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{raw, relayed, rawUnsynced, relayUnsynced, "fsync=on", "Kafka", "cpu-ns/op"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}
