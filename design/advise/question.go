package advise

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

// Question is something that would have to be known for a number. Its answer is
// one key of ashlar.yaml, see [Question.Answer].
type Question struct {
	Text string   `json:"text"`
	Of   arch.Ref `json:"of,omitempty"`   // the element that the answer is said of; "": it cannot be answered by one key
	Call string   `json:"call,omitempty"` // and the call within it
	Key  string   `json:"key,omitempty"`
	// Example is an answer in the form that the key takes.
	Example string `json:"example,omitempty"`

	to     arch.Ref // of the call
	access string
}

// String is the question with the key that answers it.
func (q Question) String() string {
	if q.Key == "" {
		return q.Text
	}
	return fmt.Sprintf("%s (%s: %s)", q.Text, q.Key, q.Example)
}

func question(of arch.Ref, key, example, format string, args ...any) Question {
	q := Question{Text: fmt.Sprintf(format, args...), Of: of, Key: key, Example: example}
	switch of.Kind() {
	case arch.KindOp, arch.KindJourney:
		return q
	case arch.KindService:
		if key != "idempotent" { // which is said of operations
			return q
		}
	}
	q.Of, q.Key, q.Example = "", "", "" // nothing that the file says of a store or an external answers it
	return q
}

// about asks for a key of the call.
func (j *job) about(key, example, format string, args ...any) Question {
	q := question(j.e.From, key, example, format, args...)
	return q.of(j.e.ID, j.e.Call)
}

func (q Question) of(id string, c arch.Call) Question {
	if q.Of != "" {
		q.Call, q.to, q.access = id, c.To, c.Access
	}
	return q
}

// OfCall asks for a key of a call.
func OfCall(e arch.Edge, key, example, text string) Question {
	return question(e.From, key, example, "%s", text).of(e.ID, e.Call)
}

// OfOperation asks for a key of an operation.
func OfOperation(op arch.Ref, key, example, text string) Question {
	return question(op, key, example, "%s", text)
}

func howLong(from arch.Ref, id string, c arch.Call) Question {
	return question(from, "latency", "lognormal(p50=20ms, p99=80ms)", "how long does the call of %s to %s take?", from.Short(), c.To.Short()).of(id, c)
}

func (q Question) site() arch.Call { return arch.Call{To: q.to, Access: q.access} }

// ErrAnswer is in the error of an answer that does not fit its question.
var ErrAnswer = errors.New("not understood")

// Answer reads an answer as ashlar.yaml would after the key, and returns the
// system that says it and nothing else, for archfile.Write. The entry of a
// journey is taken from s.
func (q Question) Answer(s arch.System, answer string) (arch.System, error) {
	answer = strings.TrimSpace(answer)
	if q.Key == "" || answer == "" || strings.ContainsAny(answer, "\n\r") {
		return arch.System{}, fmt.Errorf("%q: %w", answer, ErrAnswer)
	}
	if q.Of == "" { // of the whole system
		read, err := archfile.Read("answer", []byte("ashlar: 1\n"+q.Key+": "+answer+"\n"))
		if err != nil {
			return arch.System{}, answerError(answer, err)
		}
		return read, nil
	}
	// The value is read under names that need no quotes and is then put where it
	// belongs.
	said := map[string]string{"op": "          ", "call": "            ", "service": "    ", "journey": "    "}
	where := string(q.Of.Kind())
	switch {
	case q.Call != "" && q.Of.Kind() == arch.KindService:
		where, said["uses"] = "uses", "        "
	case q.Call != "":
		where = "call"
	}
	line := func(at string) string {
		if at != where {
			return ""
		}
		return said[at] + q.Key + ": " + answer + "\n"
	}
	src := "ashlar: 1\nservices:\n  a:\n" + line("service") +
		"    uses:\n      - to: b\n" + line("uses") +
		"    operations:\n      f:\n          trigger: f\n" + line("op") +
		"          calls:\n          - call: b.t\n" + line("call") +
		"  b: {operations: {t: {}}}\n" +
		"journeys:\n  j:\n    entry: a.f\n" + line("journey")
	read, err := archfile.Read("answer", []byte(src))
	if err != nil {
		return arch.System{}, answerError(answer, err)
	}
	t := arch.NewRef(arch.KindOp, "b", "t")
	a := read.Services["a"]
	p := newPatch()
	switch where {
	case "journey":
		j := read.Journeys["j"]
		j.Entry = s.Journeys[q.Of.Name()].Entry
		p.s.Journeys = map[string]arch.Journey{q.Of.Name(): j}
		p.there(j.Entry)
	case "service":
		a.Operations, a.Uses = nil, nil
		p.s.Services[q.Of.Name()] = a
		p.s.Deployments = read.Deployments
		if d, ok := read.Deployments[arch.DeploymentKey("", "a")]; ok {
			p.s.Deployments = map[string]arch.Deployment{arch.DeploymentKey("", q.Of.Name()): d}
		}
	case "uses":
		p.call(q.Of, q.Call, q.site(), a.Uses[arch.CallID(arch.NewRef(arch.KindService, "b"), 1)])
	case "op":
		o := a.Operations["f"]
		o.Calls, o.Trigger = nil, ""
		p.op(q.Of, o)
	case "call":
		p.call(q.Of, q.Call, q.site(), a.Operations["f"].Calls[arch.CallID(t, 1)])
	}
	return p.s, nil
}

func answerError(answer string, err error) error {
	var e *archfile.Error
	if errors.As(err, &e) && len(e.Faults) > 0 {
		f := e.Faults[0]
		text := f.What
		if f.Hint != "" {
			text += "; " + f.Hint
		}
		return fmt.Errorf("%q: %w: %s", answer, ErrAnswer, text)
	}
	return fmt.Errorf("%q: %w: %w", answer, ErrAnswer, err)
}
