package discover_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

func viewOf(t *testing.T, src arch.Source, services map[string]arch.Service) arch.System {
	t.Helper()
	s := arch.System{Services: services}
	s.Attest(src)
	return s
}

func operation(trigger string, calls ...arch.Call) arch.Operation {
	op := arch.Operation{Trigger: trigger, Calls: map[string]arch.Call{}}
	n := map[arch.Ref]int{}
	for _, c := range calls {
		n[c.To]++
		op.Calls[arch.CallID(c.To, n[c.To])] = c
	}
	return op
}

// Code that knows a procedure by its short name, a contract that knows the whole
// name, and a client that knows only whose it is, speak of one operation.
func TestBind(t *testing.T) {
	t.Parallel()
	byCode := arch.Source{Origin: arch.Code, By: "code", File: "cart.cs", Line: 7}
	byContract := arch.Source{Origin: arch.FromContract, By: "contracts", File: "shop.proto", Line: 3}
	rpc := func(to arch.Ref, why string) arch.Call {
		return arch.Call{To: to, Protocol: "grpc", Why: why}
	}
	s, err := arch.Merge(
		viewOf(t, byCode, map[string]arch.Service{
			"cart": {Operations: map[string]arch.Operation{
				"grpc CartService/AddItem": operation("grpc CartService/AddItem", arch.Call{To: "store/redis", Protocol: "redis"}),
				"grpc Health/Check":        operation("grpc Health/Check"),
			}},
			"web": {Operations: map[string]arch.Operation{"buy": operation("POST /buy",
				rpc("service/cart", "shop.CartService/AddItem"), rpc("service/cart", "shop.CartService/AddItem"),
				rpc("service/cart", "CartService/Remove"), rpc(arch.NewRef(arch.KindOp, "cart", "grpc CartService/AddItem"), ""), rpc("service/cart", "Health/Check"))}},
		}),
		viewOf(t, byContract, map[string]arch.Service{"cart": {Operations: map[string]arch.Operation{
			"AddItem": operation("grpc shop.CartService/AddItem"),
			"v1":      operation("grpc a.v1.Health/Check"),
			"v2":      operation("grpc a.v2.Health/Check"),
		}}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = discover.Bind(s); err != nil {
		t.Fatal(err)
	}
	cart := s.Services["cart"]
	if got, want := arch.Sorted(cart.Operations), []string{"AddItem", "grpc Health/Check", "v1", "v2"}; !slices.Equal(got, want) {
		t.Errorf("operations %v, want %v", got, want)
	}
	if op := cart.Operations["AddItem"]; op.Trigger != "grpc shop.CartService/AddItem" || len(op.Calls) != 1 {
		t.Errorf("AddItem: %+v", op)
	}
	add, health := arch.NewRef(arch.KindOp, "cart", "AddItem"), arch.NewRef(arch.KindOp, "cart", "grpc Health/Check")
	got := arch.Sorted(s.Services["web"].Operations["buy"].Calls)
	want := []string{arch.CallID(add, 1), arch.CallID(add, 2), arch.CallID(add, 3), arch.CallID(health, 1), "service/cart#3"}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if src := s.Ledger.Where(arch.Fact{Of: add, At: "/trigger"}); src.File != "shop.proto" && src.Reason == "" {
		t.Errorf("trigger from %v", src)
	}
	reasons := false
	for _, c := range s.Ledger[arch.Fact{Of: add}] {
		for _, f := range c.From {
			reasons = reasons || strings.Contains(f.Reason, "shop.CartService/AddItem")
		}
	}
	if !reasons {
		t.Errorf("no reason in the ledger: %v", s.Ledger[arch.Fact{Of: add}])
	}
	if cs := s.Ledger.Conflicts(); len(cs) > 0 {
		t.Errorf("conflicts %v", cs)
	}
}

// Nothing to bind leaves the system as it was.
func TestBindNothing(t *testing.T) {
	t.Parallel()
	s := viewOf(t, arch.Source{Origin: arch.Code, By: "code"}, map[string]arch.Service{"a": {Operations: map[string]arch.Operation{"x": operation("GET /x")}}})
	got, err := discover.Bind(s)
	if err != nil || string(got.AppendText(nil, true)) != string(s.AppendText(nil, true)) {
		t.Errorf("changed: %v", err)
	}
}
