package archfile_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/arch/archfile"
)

func BenchmarkParse(b *testing.B) {
	src := load(b, "full.yaml")
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := archfile.Parse("ashlar.yaml", src); err != nil {
			b.Fatal(err)
		}
	}
}
