package arch

import (
	"encoding/json"
	"reflect"
	"time"
)

// Renaming says that an element is known under another name, and why.
type Renaming struct {
	To     Ref
	Reason string // enters the ledger with the element's existence
}

// Rename returns the view with elements renamed: the facts about them, what
// lives inside them (operations of a service, tables of a store, deployments),
// and every reference to them. Two elements that get one name are merged.
// Renaming keys are services, stores, topics, externals and the like, not their
// members.
func Rename(s System, names map[Ref]Renaming) (System, error) {
	if len(names) == 0 {
		return s, nil
	}
	s.attestGuess()
	r := renamer(names)
	l := make(Ledger, len(s.Ledger))
	for f, cs := range s.Ledger {
		to := Fact{r.ref(f.Of), r.field(f)}
		for _, c := range cs {
			c.Value = r.value(f, c.Value)
			if why, ok := names[f.Of]; ok && f.At == "" {
				c.From = append([]Source(nil), c.From...)
				for i := range c.From {
					if c.From[i].Reason == "" {
						c.From[i].Reason = why.Reason
					}
				}
			}
			l.Add(to, c)
		}
	}
	cov := make(map[string]Coverage, len(s.Coverage))
	for name, c := range s.Coverage {
		of := make([]Ref, len(c.Of))
		for i, ref := range c.Of {
			of[i] = r.ref(ref)
		}
		c.Of = of
		cov[name] = Coverage{}.Plus(c)
	}
	return Resolve(l, cov)
}

type renamer map[Ref]Renaming

func (r renamer) ref(x Ref) Ref {
	if n, ok := r[x]; ok {
		return n.To
	}
	switch k := x.Kind(); k {
	case KindOp, KindTable:
		if n, ok := r[x.Parent()]; ok && n.To.Kind() == x.Parent().Kind() {
			return NewRef(k, n.To.Name(), x.Member())
		}
	case KindDeployment:
		for _, of := range []Kind{KindService, KindStore, KindGateway} {
			if n, ok := r[NewRef(of, x.Name())]; ok {
				return DeploymentRef(x.Env(), n.To.Name())
			}
		}
	}
	return x
}

func (r renamer) id(id string) string {
	to, n := SplitCallID(id)
	if n == 0 {
		return id
	}
	return CallID(r.ref(to), n)
}

func (r renamer) field(f Fact) Field {
	ss := f.At.Steps()
	if len(ss) >= 2 && (ss[0] == "calls" || ss[0] == "uses") {
		ss[1] = r.id(ss[1])
		return Field("").Join(ss...)
	}
	if len(ss) == 5 && ss[0] == "access" && f.Of.Kind() == KindDeployment { // /access/in/mesh/allow/service~1order
		ss[4] = string(r.ref(Ref(ss[4])))
		return Field("").Join(ss...)
	}
	return f.At
}

func (r renamer) value(f Fact, text string) string {
	switch leafType(f) {
	case refType:
		return string(r.ref(Ref(text)))
	case refsType:
		refs := refsIn(text)
		for i := range refs {
			refs[i] = r.ref(refs[i])
		}
		return jsonText(refs)
	case stepType:
		var s Step
		if json.Unmarshal([]byte(text), &s) != nil {
			return text
		}
		return jsonText(r.step(s))
	}
	return text
}

func (r renamer) step(s Step) Step {
	if s.Call != "" {
		s.Call = r.id(s.Call)
	}
	steps := make([]Step, len(s.Steps))
	for i := range s.Steps {
		steps[i] = r.step(s.Steps[i])
	}
	if len(steps) > 0 {
		s.Steps = steps
	}
	return s
}

// leafType is the type that a fact's text stands for; nil when it is none.
func leafType(f Fact) reflect.Type {
	spec, ok := kinds[f.Of.Kind()]
	if !ok {
		return nil
	}
	t := spec.typ
	for _, step := range f.At.Steps() {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Map, reflect.Slice:
			t = t.Elem()
		case reflect.Struct:
			var next reflect.Type
			for _, fd := range fieldsOf(t) {
				if fd.name == step {
					next = t.Field(fd.index).Type
				}
			}
			if next == nil {
				return nil
			}
			t = next
		default:
			return nil
		}
	}
	return t
}

var (
	refType  = reflect.TypeFor[Ref]()
	refsType = reflect.TypeFor[[]Ref]()
	stepType = reflect.TypeFor[Step]()
	distType = reflect.TypeFor[Dist]()
	optTime  = reflect.TypeFor[Opt[time.Duration]]()
)

func refsIn(text string) []Ref {
	var refs []Ref
	_ = json.Unmarshal([]byte(text), &refs) // facts of this type are canonical
	return refs
}
