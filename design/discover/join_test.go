package discover_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

func view(by string, origin arch.Origin, s arch.System) arch.System {
	s.Attest(arch.Source{Origin: origin, By: by, File: by + ".yaml", Line: 1})
	return s
}

func service(aliases []string, image string) arch.Service {
	return arch.Service{Aliases: aliases, Run: arch.Run{Image: image}}
}

func joined(t *testing.T, aliases map[string]string, views ...arch.System) (arch.System, string) {
	t.Helper()
	s, err := arch.Merge(views...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = discover.Join(s, aliases); err != nil {
		t.Fatal(err)
	}
	return s, strings.Join(append(arch.Sorted(s.Services), arch.Sorted(s.Stores)...), " ")
}

func TestNamesThatAreMerelyAlikeStayApart(t *testing.T) {
	t.Parallel()
	names := []string{"user", "user-timeline", "order", "orders-db", "ts-travel", "ts-travel2", "user-service", "users"}
	deployed, composed, seen := arch.System{Services: map[string]arch.Service{}}, arch.System{Services: map[string]arch.Service{}}, arch.System{Services: map[string]arch.Service{}}
	for _, n := range names {
		deployed.Services[n] = service(nil, "acme/social-network:1")
		composed.Services[n] = service(nil, "acme/social-network:1")
		seen.Services[n] = arch.Service{}
	}
	_, got := joined(t, nil, view("kubernetes", arch.Config, deployed), view("compose", arch.Config, composed), view("jaeger", arch.Trace, seen))
	if want := "order orders-db ts-travel ts-travel2 user user-service user-timeline users"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestJoinsByReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		aliases map[string]string
		views   []arch.System
		want    string
		why     string // of the element that is left
	}{
		"stated": {map[string]string{"pay": "payment"}, []arch.System{
			view("kubernetes", arch.Config, arch.System{Services: map[string]arch.Service{"payment": {}}}),
			view("jaeger", arch.Trace, arch.System{Services: map[string]arch.Service{"pay": {}}}),
		}, "payment", "pay is stated to be payment"},
		"case and separators": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Services: map[string]arch.Service{"order-service": {}}}),
			view("jaeger", arch.Trace, arch.System{Services: map[string]arch.Service{"OrderService": {}}}),
		}, "OrderService", "order-service and OrderService differ only in case and separators"},
		"a store that answers to a name": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Stores: map[string]arch.Store{"db": {Kind: "mysql", Aliases: []string{"orders-db"}}}}),
			view("compose", arch.Config, arch.System{Stores: map[string]arch.Store{"orders-db": {Kind: "mysql"}}}),
		}, "db", "db answers to the name orders-db"},
		"a store of another kind does not": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Stores: map[string]arch.Store{"db": {Kind: "mysql", Aliases: []string{"orders-db"}}}}),
			view("compose", arch.Config, arch.System{Stores: map[string]arch.Store{"orders-db": {Kind: "mongodb"}}}),
		}, "db orders-db", ""},
		"one image": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Services: map[string]arch.Service{"shop-comment": service(nil, "acme/basic-comments:1")}}),
			view("compose", arch.Config, arch.System{Services: map[string]arch.Service{"comments": service(nil, "acme/basic-comments:2")}}),
			view("spring", arch.Config, arch.System{Services: map[string]arch.Service{"comments": {}}}),
		}, "comments", "shop-comment and comments run one image, acme/basic-comments"},
		"one image that serves two": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Services: map[string]arch.Service{"comments-web": service(nil, "acme/comments:1"), "comments-worker": service(nil, "acme/comments:1")}}),
			view("compose", arch.Config, arch.System{Services: map[string]arch.Service{"comments": service(nil, "acme/comments:2")}}),
		}, "comments comments-web comments-worker", ""},
		"one image that says nothing": {nil, []arch.System{
			view("kubernetes", arch.Config, arch.System{Services: map[string]arch.Service{"cart": service(nil, "node:20")}}),
			view("compose", arch.Config, arch.System{Services: map[string]arch.Service{"web": service(nil, "node:20")}}),
		}, "cart web", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, got := joined(t, c.aliases, c.views...)
			if got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
			var said []string
			for _, kind := range []arch.Kind{arch.KindService, arch.KindStore} {
				for _, cl := range s.Ledger[arch.Fact{Of: arch.NewRef(kind, got)}] {
					for _, src := range cl.From {
						said = append(said, src.Reason)
					}
				}
			}
			if c.why != "" && !strings.Contains(strings.Join(said, "\n"), c.why) {
				t.Errorf("the ledger gives no reason %q: %q", c.why, said)
			}
		})
	}
}
