package archfile

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// verb is a key that makes an item a call.
type verb struct {
	key    string
	access string
	kinds  []arch.Kind // what it may reach, the likeliest first
	about  string
}

var verbs = []verb{
	{"call", arch.AccessCall, []arch.Kind{arch.KindOp, arch.KindService, arch.KindExternal, arch.KindGateway, arch.KindStore, arch.KindTopic, arch.KindTable}, "Operation, service or external/name that is called."},
	{"read", arch.AccessRead, []arch.Kind{arch.KindTable, arch.KindStore, arch.KindTopic, arch.KindExternal, arch.KindService, arch.KindOp}, "Table (orders.customer) or store that is read."},
	{"write", arch.AccessWrite, []arch.Kind{arch.KindTable, arch.KindStore, arch.KindTopic, arch.KindExternal, arch.KindService, arch.KindOp}, "Table or store that is written."},
	{"publish", arch.AccessPublish, []arch.Kind{arch.KindTopic, arch.KindExternal, arch.KindService, arch.KindStore}, "Topic that is published to."},
	{"subscribe", arch.AccessSubscribe, []arch.Kind{arch.KindTopic, arch.KindExternal, arch.KindService, arch.KindStore}, "Topic that is listened to."},
	{"saga", arch.AccessCall, []arch.Kind{arch.KindSaga}, "Saga that is started."},
	{"to", "", []arch.Kind{arch.KindService, arch.KindOp, arch.KindStore, arch.KindTopic, arch.KindExternal, arch.KindGateway, arch.KindTable, arch.KindSaga}, "What is reached, where it is not known how."},
}

var callObject = &object{name: "call", about: "One call site: what it reaches, and the limits on the way.", parts: []part{
	callHead{},
	field{key: "protocol", form: text{[]string{"http", "grpc", "kafka", "amqp", "nats", "sql", "redis"}}, about: "How it talks."},
	field{key: "tx", form: text{}, about: "Calls of one operation with the same tx share a transaction (a write and a publish: an outbox)."},
	field{key: "async", form: truth{}, about: "The operation does not wait for it."},
	field{key: "optional", form: truth{}, about: "The operation can answer without it."},
	field{key: "staleness", form: secondsQ, about: "How old an answer may be."},
	field{key: "why", form: text{}, about: "How it is known."},
	policies{arch.LayerCode},
	field{key: "latency", form: law{true}, about: "What the caller sees."},
	field{key: "network", form: law{true}, about: "The part of the latency that the network takes."},
	field{key: "bytes", form: law{}, about: "Size of the answer, in bytes."},
	field{key: "errors", form: shareQ, about: "Share of calls that fail."},
	field{key: "critical", form: shareQ, about: "Share of the operation's time that it waits for this call."},
	field{key: "retried", form: ratioQ, about: "Retries per call."},
	field{key: "per-call", form: law{}, about: "How often it happens in one run of the operation."},
	field{key: "rate", form: rateQ, about: "Calls per second."},
}}

// callHead is the verb of a call, and its number where that is not plain.
type callHead struct{}

func (callHead) keys() []key {
	var ks []key
	for _, v := range verbs {
		ks = append(ks, key{name: v.key, form: one{v.kinds}, about: v.about})
	}
	return append(ks, key{name: "id", form: callNumber{}, about: "Number of the call site among those to the same target, where it is not the place in the order; or a name."})
}

func (callHead) read(*reader, *doc.Node, reflect.Value, arch.Fact) {} // see reader.call

func (callHead) tree(w *encoder, v reflect.Value, at arch.Fact) []entry {
	c := v.Interface().(arch.Call)
	for _, x := range verbs {
		if x.access == c.Access && (x.key == "saga") == (c.To.Kind() == arch.KindSaga && c.Access != "") {
			if s, ok := w.ref(c.To, x.kinds, arch.Fact{Of: at.Of, At: at.At.Join("to")}); ok {
				t := w.scalar(arch.Fact{Of: at.Of, At: at.At.Join("to")}, s)
				return []entry{{x.key, t}}
			}
		}
	}
	return nil
}

// callNumber only describes; see reader.call.
type callNumber struct{}

func (callNumber) read(*reader, *doc.Node, reflect.Value, arch.Fact) {}
func (callNumber) tree(*encoder, reflect.Value, arch.Fact) *tree     { return nil }
func (callNumber) schema(*definitions) map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 1, "maximum": 1 << 30}, map[string]any{"type": "string", "minLength": 1}}}
}

// call reads the call that n is into calls and returns its ID. also is a key that
// the place allows besides.
func (r *reader) call(n *doc.Node, calls map[string]arch.Call, group string, of arch.Ref, also string) (string, bool) {
	at := arch.Fact{Of: of}
	r.unknown(n, func(s string) bool { return s == also || callObject.knows(s) }, callObject.known())
	var v verb
	var target *doc.Node
	for _, x := range verbs {
		if t := n.Get(x.key); t != nil {
			if target != nil {
				r.fault(n.KeyNode(x.key), doc.Value, at, "one call is either "+v.key+" or "+x.key, "make it two items")
				return "", false
			}
			v, target = x, t
		}
	}
	to, ok := r.ref(target, v.kinds, arch.Fact{Of: of, At: arch.Field("").Join(v.key)})
	if !ok {
		return "", false
	}
	r.count[to]++
	id := arch.CallID(to, r.count[to])
	if k := n.Get("id"); k != nil {
		number, err := strconv.Atoi(k.Text)
		switch {
		case k.Kind == doc.Int && err == nil && number > 0 && number <= 1<<30:
			id = arch.CallID(to, number)
		case k.Kind == doc.String && k.Text != "":
			id = k.Text
		default:
			r.fault(k, doc.Type, arch.Fact{At: "/id"}, "want a number from 1, or a name", "")
			return "", false
		}
	}
	at.At = arch.Field("").Join(group, id)
	if _, taken := calls[id]; taken {
		r.fault(n, doc.Duplicate, arch.Fact{}, "a second call "+id+" here", "give it an id: of its own")
		return "", false
	}
	c := arch.Call{To: to, Access: v.access}
	r.mark(at, n.KeyNode(v.key))
	r.mark(arch.Fact{Of: of, At: at.At.Join("access")}, n.KeyNode(v.key))
	r.mark(arch.Fact{Of: of, At: at.At.Join("to")}, target)
	for _, p := range callObject.parts {
		p.read(r, n, reflect.ValueOf(&c).Elem(), at)
	}
	calls[id] = c
	return id, true
}

func isCall(n *doc.Node) bool {
	return slices.ContainsFunc(verbs, func(v verb) bool { return n.Get(v.key) != nil })
}

// tree of a call; nil when it reaches what is not there.
func (w *encoder) call(id string, c arch.Call, at arch.Fact) *tree {
	t := callObject.tree(w, reflect.ValueOf(&c).Elem(), at)
	if len(t.entries) == 0 || !slices.ContainsFunc(verbs, func(v verb) bool { return v.key == t.entries[0].key }) {
		return nil
	}
	w.count[c.To]++
	if id != arch.CallID(c.To, w.count[c.To]) {
		name := quote(id)
		if target, n := arch.SplitCallID(id); target == c.To && n > 0 && n <= 1<<30 {
			name = strconv.Itoa(n)
		}
		t.entries = slices.Insert(t.entries, 1, entry{"id", &tree{text: name}})
	}
	return t
}

// calls is a list of calls in no order: of an operation, those that its body does
// not mention; of a service, those whose operation is not known.
type calls struct{ group string }

func (f calls) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if f.group == "uses" || r.count == nil {
		r.count = map[arch.Ref]int{}
	}
	m, _ := v.Interface().(map[string]arch.Call)
	if m == nil {
		m = map[string]arch.Call{}
	}
	for _, it := range r.list(n, at) {
		if !isCall(it) {
			r.fault(it, doc.Value, at, "want calls, such as {call: inventory.Check}", "")
			continue
		}
		r.call(it, m, f.group, at.Of, "")
	}
	v.Set(reflect.ValueOf(m))
}

func (f calls) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	m := v.Interface().(map[string]arch.Call)
	if f.group == "uses" {
		w.count, w.placed = map[arch.Ref]int{}, nil
	}
	fact := func(id string) arch.Fact { return arch.Fact{Of: at.Of, At: arch.Field("").Join(f.group, id)} }
	ids := arch.Sorted(m)
	slices.SortStableFunc(ids, func(a, b string) int { return w.compare(fact(a), fact(b)) })
	t := &tree{kind: listTree}
	for _, id := range ids {
		if w.placed[id] {
			continue
		}
		if it := w.call(id, m[id], fact(id)); it != nil {
			t.items = append(t.items, it)
		}
	}
	if len(t.items) == 0 {
		return nil
	}
	return t
}

func (f calls) schema(d *definitions) map[string]any { return listOf(callSchema(d, "call", false)) }
