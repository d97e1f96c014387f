package advise_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// bare is system with nothing but its calls known.
func bare() arch.System {
	s := system(usual())
	s.Deployments = nil
	a := s.Services["a"].Operations["Do"]
	a.Calls = map[string]arch.Call{toB: {To: opB, Access: arch.AccessCall}, toC: {To: opC, Access: arch.AccessCall}}
	s.Services["a"].Operations["Do"] = a
	s.Services["b"].Operations["Do"] = arch.Operation{}
	j := s.Journeys["j"]
	j.Rate, j.Peak = arch.Opt[float64]{}, arch.Opt[float64]{}
	s.Journeys["j"] = j
	return s
}

// Every question is answered by its own example, through the file and back,
// until nothing is unknown; each answer silences the question it was for.
func TestAnswersSilenceTheirQuestions(t *testing.T) {
	t.Parallel()
	s := bare()
	file, err := archfile.Write(nil, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for range 30 {
		now, err := archfile.Read(archfile.Name, file)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		as, err := advise.Resilience(now, "a.Do", "b.Do", nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(as[0].Questions) == 0 {
			for _, key := range []string{"latency", "errors", "rate", "replicas", "idempotent", "optional", "peak"} {
				if asked[key] == 0 {
					t.Errorf("%s was not asked for", key)
				}
			}
			if _, ok := as[0].Number(advise.Bulkhead); !ok {
				t.Errorf("all is known, and there is no bulkhead: %+v", as[0])
			}
			return
		}
		q := as[0].Questions[0]
		asked[q.Key]++
		if asked[q.Text]++; asked[q.Text] > 2 {
			t.Fatalf("asked again and again: %s\n%s", q, file)
		}
		patch, err := q.Answer(now, q.Example)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if file, err = archfile.Write(file, patch, nil); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	t.Fatal("there is no end of questions")
}

func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	as, err := advise.Resilience(bare(), "a.Do", "b.Do", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range as[0].Questions {
		for _, bad := range []string{"", "perhaps}", "1\n    owner: x", "{a: b}", "-1", strings.Repeat("[", 1000)} {
			if got, err := q.Answer(bare(), bad); !errors.Is(err, advise.ErrAnswer) {
				t.Errorf("%s: %q gave %+v, %v", q, bad, got, err)
			}
		}
	}
}

// What is applied is read back as the advice says it, and nothing else changes.
func TestApplyKeepsTheRest(t *testing.T) {
	t.Parallel()
	k := usual()
	k.callee = "lognormal(p50=2ms, p99=20ms)"
	s := system(k)
	as, err := advise.Resilience(s, "a", "b.Do", nil)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := advise.Apply(s, as)
	if err != nil {
		t.Fatal(err)
	}
	old, err := archfile.Write(nil, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	old = append([]byte("# by hand\n"), old...)
	file, err := archfile.Write(old, patch, nil)
	if err != nil {
		t.Fatal(err)
	}
	now, err := archfile.Read(archfile.Name, file)
	if err != nil {
		t.Fatal(err)
	}
	layers := now.Services["a"].Operations["Do"].Calls[toB].Layers
	if len(layers) != 1 || layers[0].Layer != arch.LayerCode {
		t.Fatalf("%+v", layers)
	}
	p := layers[0]
	want := value(t, as[0], advise.Timeout)
	if got := p.Timeout.V.Seconds(); got > want || got < 0.99*want {
		t.Errorf("timeout %v, advice %v", got, want)
	}
	if float64(p.Retry.Attempts.V) != value(t, as[0], advise.Tries) || float64(p.Bulkhead.Concurrent.V) != value(t, as[0], advise.Bulkhead) || p.Breaker.Failures.V == 0 || p.Breaker.Window.V == 0 || !p.Hedge.Known {
		t.Errorf("%+v", p)
	}
	if !strings.HasPrefix(string(file), "# by hand\n") {
		t.Error("the comment is gone")
	}
	// Taking the limits out again leaves the file as it was.
	o := now.Services["a"].Operations["Do"]
	c := o.Calls[toB]
	c.Layers = nil
	o.Calls[toB] = c
	if undone, err := archfile.Write(old, now, nil); err != nil || string(undone) != string(old) {
		t.Errorf("%v\n%s", err, undone)
	}
	if _, err := advise.Apply(s, nil); !errors.Is(err, advise.ErrNothing) {
		t.Error(err)
	}
}
