package decide_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

func TestReadPrices(t *testing.T) {
	t.Parallel()
	p, err := decide.ReadPrices("ours.yaml", []byte("day: 900\nkafka: {value: 5, why: our provider runs it}\n"))
	if err != nil || p["day"].Value != 900 || p["day"].From != "ours.yaml:1" || p["kafka"].Value != 5 || p["kafka"].Why != "our provider runs it" || p["nats"].From != "built in" {
		t.Fatal(p["day"], p["kafka"], err)
	}
	_, err = decide.ReadPrices("ours.yaml", []byte("dya: 900\nkafka: much\nyears: 0\nnats: -3\n"))
	if err == nil {
		t.Fatal("no faults")
	}
	for _, s := range []string{"ours.yaml:1:6: dya: there is no such price; did you mean day?", "ours.yaml:2:8: kafka: want a number", "years: must be above 0", "-3 is no price"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("no %q in %v", s, err)
		}
	}
}

func FuzzReadPrices(f *testing.F) {
	f.Add([]byte("day: 900\n"))
	f.Add([]byte("kafka: {value: 5}\n- a"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := decide.ReadPrices("f", src)
		if err == nil && !(p["day"].Value > 0) {
			t.Errorf("a day for %v", p["day"])
		}
	})
}
