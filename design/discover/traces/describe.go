package traces

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// desc is what a span says apart from when it was and how it went: spans of one
// call site share one desc. What differs by request (IDs in paths, parameters of
// statements) is not in it.
type desc struct {
	service  string
	name     string // as an operation or a step is called
	long     string // of an operation whose name another in the service has too; may be ""
	trigger  string
	kind     Kind
	protocol string
	target   target // of an exit; zero when only structure tells
	hash     uint64 // the same in every process
	op       *op    // of the aggregate, once a run began with it
}

// target is what an exit reaches, as far as its own attributes tell.
type target struct {
	kind   arch.Kind // store, topic, service, external; "" when unknown
	name   string
	table  string
	system string // postgres, kafka, ...
	access string
	why    string
	weak   bool // a run below the exit knows better
}

func (t target) ref() arch.Ref {
	switch {
	case t.kind == "":
		return ""
	case t.kind == arch.KindStore && t.table != "":
		return arch.NewRef(arch.KindTable, t.name, t.table)
	}
	return arch.NewRef(t.kind, t.name)
}

// describer finds the desc of a span. The attributes as they came are looked up
// first; only new combinations are read.
type describer struct {
	raw     map[string]rawDesc
	recent  [1024]rawDesc // of raw, by a few bytes of each part
	parts   []Attr        // what the span at hand is looked up by
	norm    map[string]uint32
	descs   []*desc // index 0 is none
	scratch []byte
	slots   [numKeys]string
	filled  []Key // slots in use, in the order in which they came
	max     int
	lumped  int64 // spans whose name was given up because there are too many
}

func newDescriber(max int) *describer {
	return &describer{raw: map[string]rawDesc{}, norm: map[string]uint32{}, descs: []*desc{nil}, max: max}
}

// rawDesc is the desc of attributes as they came, written one behind the other.
type rawDesc struct {
	key  string
	desc uint32
}

// is reports whether the key is that of the span with these parts, without
// writing it.
func (r *rawDesc) is(s *Span, parts []Attr) bool {
	k := r.key
	if len(k) < 2+len(s.Service)+len(s.Name) || k[0] != byte(s.Kind) || k[1:1+len(s.Service)] != s.Service {
		return false
	}
	k = k[1+len(s.Service):]
	if k[0] != 0 || k[1:1+len(s.Name)] != s.Name {
		return false
	}
	k = k[1+len(s.Name):]
	for i := range parts {
		p := &parts[i]
		n := 2 + len(p.Value)
		if len(k) < n || k[0] != 0 || k[1] != byte(p.Key) || k[2:n] != p.Value {
			return false
		}
		k = k[n:]
	}
	return k == ""
}

// rawPerDesc: how many raw combinations are remembered for each desc that may be;
// when they are too many all are forgotten, which costs time and nothing else.
const rawPerDesc = 4

// describe fills the slots for the caller, too.
func (d *describer) describe(s *Span) uint32 {
	for _, k := range d.filled {
		d.slots[k] = ""
	}
	d.filled = d.filled[:0]
	for i := range s.Attrs {
		if k := s.Attrs[i].Key; k < numKeys && d.slots[k] == "" && s.Attrs[i].Value != "" {
			d.slots[k] = s.Attrs[i].Value
			d.filled = append(d.filled, k)
		}
	}
	parts := d.parts[:0]
	h := edge(uint32(s.Kind), s.Name)
	for _, k := range d.filled {
		v := d.slots[k]
		switch k {
		case HTTPURL:
			if d.slots[HTTPRoute] != "" && s.Kind != Client {
				continue
			}
			if s.Kind == Client {
				v, _ = hostOfURL(v)
			}
		case HTTPPath:
			if s.Kind == Client || d.slots[HTTPRoute] != "" {
				continue
			}
		case PeerAddress:
			if s.Kind == Server || d.slots[ServerAddress] != "" {
				continue
			}
		case DBStatement:
			if d.slots[DBOperation] != "" && d.slots[DBTable] != "" {
				continue
			}
		default:
			if k >= firstOfRun && k != SpanKind {
				continue
			}
		}
		parts = append(parts, Attr{k, v})
		h = edge(h, v)
	}
	d.parts = parts
	recent := &d.recent[h*2654435769>>22]
	if recent.is(s, parts) {
		return recent.desc
	}
	b := append(d.scratch[:0], byte(s.Kind))
	b = append(b, s.Service...)
	b = append(b, 0)
	b = append(b, s.Name...)
	for _, p := range parts {
		b = append(b, 0, byte(p.Key))
		b = append(b, p.Value...)
	}
	d.scratch = b
	if r, ok := d.raw[string(b)]; ok {
		*recent = r // only what came twice: values that never do must not push it out
		return r.desc
	}
	i := d.intern(s)
	if len(d.raw) >= d.max*rawPerDesc {
		clear(d.raw)
	}
	r := rawDesc{string(b), i}
	d.raw[r.key] = r
	return i
}

// edge mixes a string's length and a few of its bytes into h.
func edge(h uint32, s string) uint32 {
	n := len(s)
	h = h*31 + uint32(n)
	if n > 0 {
		h = h*31 + uint32(s[0]) ^ uint32(s[n/2])<<8 ^ uint32(s[n-1])<<16
	}
	return h
}

// intern reads the attributes and finds or makes the desc.
func (d *describer) intern(s *Span) uint32 {
	x := d.read(s)
	i, ok := d.norm[x.key()]
	if ok {
		return i
	}
	if len(d.descs) > d.max {
		// Too many names: what is left is one operation a service and kind.
		d.lumped++
		x = desc{service: x.service, name: "(other)", kind: x.kind, protocol: x.protocol, target: x.target}
		x.target.table = ""
		if i, ok := d.norm[x.key()]; ok {
			return i
		}
		if len(d.descs) > 2*d.max {
			x = desc{service: "(other)", name: "(other)"}
			if i, ok := d.norm[x.key()]; ok {
				return i
			}
		}
	}
	return d.put(x)
}

func (d *describer) put(x desc) uint32 {
	x = x.clone()
	key := x.key()
	x.hash = hashString(key)
	i := uint32(len(d.descs))
	d.descs = append(d.descs, &x)
	d.norm[key] = i
	return i
}

// clone copies the strings, which may lie in a buffer of the caller's.
func (x desc) clone() desc {
	for _, s := range []*string{&x.service, &x.name, &x.long, &x.trigger, &x.protocol, &x.target.name, &x.target.table, &x.target.system, &x.target.access, &x.target.why} {
		*s = strings.Clone(*s)
	}
	return x
}

func (x desc) key() string {
	return strings.Join([]string{x.service, x.name, x.long, x.trigger, string('0' + rune(x.kind)), x.protocol, string(x.target.ref()), x.target.access, x.target.system}, "\x00")
}

// FNV-1a.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func mix(a, b uint64) uint64 {
	h := (a ^ (b + 0x9e3779b97f4a7c15 + a<<6 + a>>2)) * 0xff51afd7ed558ccd
	return h ^ h>>33
}

// read makes a desc of the conventions' attributes.
func (d *describer) read(s *Span) desc {
	x := desc{service: s.Service, kind: s.Kind, name: s.Name}
	at := &d.slots
	if x.service == "" {
		x.service = "(no name)"
	}
	if x.kind == Unspecified {
		x.kind = ParseKind(at[SpanKind])
	}
	if x.kind == Unspecified {
		x.name, x.kind = kindOfName(s.Name)
	} else if n, k := kindOfName(s.Name); k == x.kind {
		x.name = n
	}
	switch {
	case at[MessagingSystem] != "" || at[MessagingTopic] != "":
		d.messaging(&x)
	case at[DBSystem] != "" || at[DBStatement] != "":
		d.database(&x)
	case at[RPCSystem] != "" || at[RPCService] != "":
		d.rpc(&x)
	case at[HTTPMethod] != "" || at[HTTPRoute] != "" || at[HTTPURL] != "":
		d.http(&x)
	default:
		x.name = template(x.name)
		d.byName(&x)
	}
	if x.target.kind == "" && (x.kind == Client || x.kind == Producer) {
		d.peer(&x)
	}
	if x.name == "" {
		x.name = "(no name)"
	}
	return x
}

// kindOfName: before kinds were tags, many named the two ends of a call so.
func kindOfName(name string) (string, Kind) {
	for _, e := range []struct {
		end  string
		kind Kind
	}{{"_server", Server}, {"_client", Client}, {"-server", Server}, {"-client", Client}} {
		if n, ok := strings.CutSuffix(name, e.end); ok && n != "" {
			return n, e.kind
		}
	}
	return name, Unspecified
}
