package arch_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
)

func TestRefused(t *testing.T) {
	t.Parallel()
	const cart, web, pay = arch.Ref("service/cart"), arch.Ref("service/web"), arch.Ref("service/pay")
	for name, c := range map[string]struct {
		cart     arch.Access // of what is called
		web      arch.Access // of what calls
		from, to arch.Ref
		want     string // field; "" when it gets through
	}{
		"no gate":                       {arch.Access{}, arch.Access{}, web, cart, ""},
		"a shut gate":                   {arch.Access{In: map[string]arch.Gate{"network": {}}}, arch.Access{}, web, cart, "deployment//cart/access/in/network"},
		"others are allowed":            {arch.Access{In: map[string]arch.Gate{"mesh": {Allow: map[string]string{"service/pay": ""}}}}, arch.Access{}, web, cart, "deployment//cart/access/in/mesh"},
		"it is allowed in part":         {arch.Access{In: map[string]arch.Gate{"mesh": {Allow: map[string]string{"service/web": "GET /"}}}}, arch.Access{}, web, cart, ""},
		"anyone is":                     {arch.Access{In: map[string]arch.Gate{"network": {Allow: map[string]string{"*": "port 80"}}}}, arch.Access{}, web, cart, ""},
		"who knows":                     {arch.Access{In: map[string]arch.Gate{"network": {Allow: map[string]string{"?namespaces with team=a": ""}}}}, arch.Access{}, web, cart, ""},
		"somebody else":                 {arch.Access{In: map[string]arch.Gate{"network": {Allow: map[string]string{"net 10.0.0.0/8": ""}}}}, arch.Access{}, web, cart, "deployment//cart/access/in/network"},
		"it is denied":                  {arch.Access{In: map[string]arch.Gate{"mesh": {Allow: map[string]string{"*": ""}, Deny: map[string]string{"service/web": ""}}}}, arch.Access{}, web, cart, "deployment//cart/access/in/mesh/deny/service~1web"},
		"it is denied in part":          {arch.Access{In: map[string]arch.Gate{"mesh": {Allow: map[string]string{"*": ""}, Deny: map[string]string{"service/web": "GET /admin"}}}}, arch.Access{}, web, cart, ""},
		"it may not go there":           {arch.Access{}, arch.Access{Out: map[string]arch.Gate{"network": {Allow: map[string]string{"service/pay": ""}}}}, web, cart, "deployment//web/access/out/network"},
		"an operation calls another":    {arch.Access{In: map[string]arch.Gate{"network": {}}}, arch.Access{}, "op/web.Show", "op/cart.Get", "deployment//cart/access/in/network"},
		"who is not deployed here":      {arch.Access{In: map[string]arch.Gate{"network": {}}}, arch.Access{}, pay, cart, ""},
		"what is not deployed here":     {arch.Access{}, arch.Access{Out: map[string]arch.Gate{"network": {}}}, web, pay, ""},
		"what is another thing's label": {arch.Access{In: map[string]arch.Gate{"network": {}}}, arch.Access{}, web, "store/cart", ""},
	} {
		s := arch.System{Deployments: map[string]arch.Deployment{
			"/cart": {Of: cart, Kind: "Deployment", Access: &c.cart}, "/web": {Of: web, Kind: "Deployment", Access: &c.web}, "/pay": {Of: pay, Kind: "compose"},
		}}
		r, refused := s.Refused("prod", c.from, c.to)
		if got := r.Fact.String(); got != c.want || refused != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", name, got, refused, c.want)
		}
	}
}

func TestGatesFollowNames(t *testing.T) {
	t.Parallel()
	s := arch.System{Services: map[string]arch.Service{"cart": {}, "web": {}}, Deployments: map[string]arch.Deployment{
		"/cart": {Of: "service/cart", Access: &arch.Access{In: map[string]arch.Gate{"network": {Allow: map[string]string{"service/web": "", "*": "port 80"}}, "mesh": {}}}},
	}}
	got, err := arch.Rename(s, map[arch.Ref]arch.Renaming{"service/web": {To: "service/shop"}})
	if err != nil {
		t.Fatal(err)
	}
	in := got.Deployments["/cart"].Access.In
	if _, ok := in["network"].Allow["service/shop"]; !ok || len(in["network"].Allow) != 2 {
		t.Errorf("%+v", in)
	}
	if g, ok := in["mesh"]; !ok || g.Allow != nil {
		t.Errorf("a shut gate is lost: %+v", in)
	}
}
