package arch

import (
	"fmt"
	"strings"
)

// Ref names one element: kind/name, or kind/name.member for what lives inside
// another. A context is an attribute and never part of a name, since splitting
// moves services between contexts. In a name, "%", "/", "." and "#" are
// percent-encoded.
//
//	service/order   op/order.Place   table/orders.line   deployment/prod/order
type Ref string

// Kind is the first part of a Ref.
type Kind string

const (
	KindSystem     Kind = "system"
	KindCapability Kind = "capability"
	KindContext    Kind = "context"
	KindTeam       Kind = "team"
	KindService    Kind = "service"
	KindOp         Kind = "op"
	KindStore      Kind = "store"
	KindTable      Kind = "table"
	KindTopic      Kind = "topic"
	KindGateway    Kind = "gateway"
	KindExternal   Kind = "external"
	KindSaga       Kind = "saga"
	KindJourney    Kind = "journey"
	KindContract   Kind = "contract"
	KindDeployment Kind = "deployment"
	KindConstraint Kind = "constraint"
	KindLink       Kind = "link"
)

var (
	encoder = strings.NewReplacer("%", "%25", "/", "%2F", ".", "%2E", "#", "%23")
	decoder = strings.NewReplacer("%25", "%", "%2F", "/", "%2E", ".", "%23", "#")
)

// NewRef builds a Ref; the names are given as people write them. The second
// name, if any, is the member: NewRef(KindOp, "order", "Place").
func NewRef(k Kind, name string, member ...string) Ref {
	r := string(k) + "/" + encoder.Replace(name)
	if len(member) > 0 {
		r += "." + encoder.Replace(member[0])
	}
	return Ref(r)
}

// DeploymentRef names the deployment of an element in an environment; an empty
// env stands for all environments.
func DeploymentRef(env, name string) Ref {
	return Ref(string(KindDeployment) + "/" + DeploymentKey(env, name))
}

// DeploymentKey is the key of a deployment in [System.Deployments].
func DeploymentKey(env, name string) string {
	return encoder.Replace(env) + "/" + encoder.Replace(name)
}

// Kind returns the first part of r.
func (r Ref) Kind() Kind {
	k, _, _ := strings.Cut(string(r), "/")
	return Kind(k)
}

// Name returns the decoded name: "order" of op/order.Place. For a deployment it
// is the element's name without the environment.
func (r Ref) Name() string {
	_, rest, _ := strings.Cut(string(r), "/")
	if r.Kind() == KindDeployment {
		_, rest, _ = strings.Cut(rest, "/")
	}
	name, _, _ := strings.Cut(rest, ".")
	return decoder.Replace(name)
}

// Member returns the decoded member: "Place" of op/order.Place, or "".
func (r Ref) Member() string {
	_, m, _ := strings.Cut(string(r), ".")
	return decoder.Replace(m)
}

// Env returns the decoded environment of a deployment, else "".
func (r Ref) Env() string {
	if r.Kind() != KindDeployment {
		return ""
	}
	_, rest, _ := strings.Cut(string(r), "/")
	env, _, _ := strings.Cut(rest, "/")
	return decoder.Replace(env)
}

// Parent returns the element that a member lives in (service/order of
// op/order.Place, store/orders of table/orders.line), or r itself.
func (r Ref) Parent() Ref {
	switch r.Kind() {
	case KindOp:
		return NewRef(KindService, r.Name())
	case KindTable:
		return NewRef(KindStore, r.Name())
	}
	return r
}

// Short is how people write r: without the kind where the kind is plain from
// the place, decoded: "order.Place".
func (r Ref) Short() string {
	if m := r.Member(); m != "" {
		return r.Name() + "." + m
	}
	if e := r.Env(); e != "" {
		return e + "/" + r.Name()
	}
	return r.Name()
}

// ParseRef checks the form of a Ref.
func ParseRef(s string) (Ref, error) {
	r := Ref(s)
	spec, ok := kinds[r.Kind()]
	switch {
	case !strings.Contains(s, "/"):
		return "", fmt.Errorf("%q is no reference: want kind/name, such as service/order", s)
	case !ok:
		return "", fmt.Errorf("%q: unknown kind %q", s, r.Kind())
	case r.Name() == "" && r.Kind() != KindSystem:
		return "", fmt.Errorf("%q: no name after the kind", s)
	case spec.member && r.Member() == "":
		return "", fmt.Errorf("%q: a %s is named %s/owner.name", s, r.Kind(), r.Kind())
	case !spec.member && strings.Contains(s, "."):
		return "", fmt.Errorf("%q: a %s has no member; write %%2E for a dot inside a name", s, r.Kind())
	}
	return r, nil
}

// Field is a place inside an element: a JSON pointer (RFC 6901) over the names
// in the structs' tags, such as /calls/op~1payment%2ECharge#1/layers/sidecar/timeout.
// "" is the element's existence.
type Field string

var (
	pointerEscape   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescape = strings.NewReplacer("~1", "/", "~0", "~")
)

// Join appends steps to a field.
func (f Field) Join(steps ...string) Field {
	for _, s := range steps {
		f += "/" + Field(pointerEscape.Replace(s))
	}
	return f
}

// Steps splits a field.
func (f Field) Steps() []string {
	if f == "" {
		return nil
	}
	ss := strings.Split(string(f[1:]), "/")
	for i, s := range ss {
		ss[i] = pointerUnescape.Replace(s)
	}
	return ss
}
