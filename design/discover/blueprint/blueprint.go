// Package blueprint makes a System of a model of boxes and arrows, as people draw
// it by hand: CALM's nodes and relationships, the elements of C4. Sources say what
// each box is and where it stands; what the model has no noun for is counted and
// left out.
//
// # Names
//
// An element is called as its box is, in small letters and with hyphens. Where two
// boxes of one kind share a name, each gets that of the box around it in front
// ("shop-database"). A service also answers to the name that the box shows, so
// that manifests and traces which use that one meet it.
package blueprint

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch"
)

// Kind is what a box stands for.
type Kind int

const (
	// Other is what the model has no noun for: data, a person, a machine.
	Other Kind = iota
	Service
	Store
	Topic
	External
	// Area is a box around others: a bounded context, or the system itself.
	Area
)

var kinds = map[Kind]arch.Kind{Service: arch.KindService, Store: arch.KindStore, Topic: arch.KindTopic, External: arch.KindExternal}

// Box is an element that is drawn.
type Box struct {
	ID     string // that arrows name
	Kind   Kind
	Name   string   // to be called by
	Shown  string   // another name that people read
	Ref    arch.Ref // says what the box is, where the document knows; else ""
	Named  bool     // and nothing more: the document names it and describes it nowhere
	Inside string   // ID of the box around it
	Words  []string // type, tags and technology, which tell role, kind of store and language

	// "" where Words and Inside have to tell. An Area with a Context is always one;
	// areas without are contexts when there are several.
	Role, Lang, Owner, Context string
	Product                    string // kind of a store or gateway, broker of a topic
	Image, Host                string
	Hosts                      []string // that a gateway listens for
	Ports                      map[string]int
	Operations                 map[string]arch.Source // by trigger

	At arch.Source
}

// Arrow leads from one box to another.
type Arrow struct {
	ID       string
	From, To string
	// Way is how the target is touched, one of arch.Access…; "" where Text has to
	// tell, unless Stated: then nothing is known. Reversed says that the arrow follows the data and the caller is at its
	// end.
	Way      string
	Stated   bool
	Reversed bool
	Async    bool
	Protocol string
	Text     string // what people read on it
	At       arch.Source
}

// Plan is a model.
type Plan struct {
	Boxes  []Box
	Arrows []Arrow
}

// Result of [Plan.System].
type Result struct {
	System arch.System
	Refs   map[string]arch.Ref // by the ID of the box
	Of     []arch.Ref          // services and stores, sorted
	Left   []string            // what was left out, for people
}

// System turns the model into facts, each with its place.
func (p *Plan) System() *Result {
	b := &builder{boxes: map[string]*Box{}, places: map[arch.Fact]arch.Source{}, left: map[string]int{}}
	b.Refs = map[string]arch.Ref{}
	b.System = arch.System{Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}, Gateways: map[string]arch.Gateway{},
		Externals: map[string]arch.External{}, Contexts: map[string]arch.Context{}, Teams: map[string]arch.Team{}}
	for i := range p.Boxes {
		if _, taken := b.boxes[p.Boxes[i].ID]; !taken {
			b.boxes[p.Boxes[i].ID] = &p.Boxes[i]
		}
	}
	b.name(p.Boxes)
	b.contexts(p.Boxes)
	for i := range p.Boxes {
		if x := &p.Boxes[i]; b.boxes[x.ID] == x {
			b.box(x)
		}
	}
	for _, a := range p.Arrows {
		b.arrow(a)
	}
	b.System.Locate(b.places)
	b.System.Attest(arch.Source{Origin: arch.Config})
	for _, r := range b.Refs {
		if k := r.Kind(); k == arch.KindService || k == arch.KindStore {
			b.Of = append(b.Of, r)
		}
	}
	slices.Sort(b.Of)
	b.Of = slices.Compact(b.Of)
	for _, what := range arch.Sorted(b.left) {
		n := b.left[what]
		if n == 1 {
			what = strings.Replace(what, "arrows", "arrow", 1)
		}
		b.Left = append(b.Left, strconv.Itoa(n)+" "+what)
	}
	return &b.Result
}

type builder struct {
	Result
	boxes  map[string]*Box
	areas  map[string]bool // that are contexts
	places map[arch.Fact]arch.Source
	left   map[string]int
}

// at says where a fact stands.
func (b *builder) at(src arch.Source, of arch.Ref, fields ...arch.Field) {
	for _, f := range fields {
		if fact := (arch.Fact{Of: of, At: f}); b.places[fact] == (arch.Source{}) {
			b.places[fact] = src
		}
	}
}

// name gives every box that the model has a noun for its Ref.
func (b *builder) name(boxes []Box) {
	count := map[string]int{}
	for i := range boxes {
		if x := &boxes[i]; b.boxes[x.ID] == x && x.Ref == "" {
			count[key(x, Slug(x.Name))]++
		}
	}
	taken := map[arch.Ref]bool{}
	for i := range boxes {
		x := &boxes[i]
		kind, ok := kinds[x.Kind]
		if x.Ref != "" {
			b.Refs[x.ID] = x.Ref
			taken[x.Ref] = true
			continue
		}
		if !ok || b.boxes[x.ID] != x {
			continue
		}
		name := Slug(x.Name)
		if around := b.boxes[x.Inside]; count[key(x, name)] > 1 && around != nil {
			name = Slug(around.Name) + "-" + name
		}
		if name == "" {
			name = Slug(x.ID)
		}
		if name == "" {
			continue
		}
		ref := arch.NewRef(kind, name)
		for n := 2; taken[ref]; n++ {
			ref = arch.NewRef(kind, name+"-"+strconv.Itoa(n))
		}
		taken[ref] = true
		b.Refs[x.ID] = ref
	}
}

func key(x *Box, name string) string { return strconv.Itoa(int(x.Kind)) + " " + name }

// contexts: an area with services in it is a bounded context, unless it is the
// only one and does not say that it is: then it is the system.
func (b *builder) contexts(boxes []Box) {
	b.areas = map[string]bool{}
	for i := range boxes {
		x := &boxes[i]
		if around := b.boxes[x.Inside]; around != nil && around.Kind == Area && x.Ref == "" && (x.Kind == Service || x.Kind == Store || x.Kind == Topic) {
			b.areas[x.Inside] = true
		}
	}
	if len(b.areas) == 1 {
		for id := range b.areas {
			if b.boxes[id].Context == "" {
				delete(b.areas, id)
			}
		}
	}
}

// Slug is a name as elements bear it: small letters, digits and hyphens.
func Slug(s string) string {
	var out []rune
	var last rune
	for _, r := range s {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				out = append(out, '-')
			}
			out = append(out, unicode.ToLower(r))
		case len(out) > 0 && out[len(out)-1] != '-':
			out = append(out, '-')
		}
		last = r
	}
	return strings.TrimSuffix(string(out), "-")
}
