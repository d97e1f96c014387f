package export_test

import (
	"bytes"
	"testing"

	"oss.terrastruct.com/d2/d2parser"
)

func readD2(t *testing.T, text []byte) {
	t.Helper()
	if _, err := d2parser.Parse("in.d2", bytes.NewReader(text), nil); err != nil {
		t.Errorf("d2: %v\n%s", err, text)
	}
}
