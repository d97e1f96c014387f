package view_test

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/export"
)

func ExampleServices() {
	s := arch.System{
		Name: "shop",
		Services: map[string]arch.Service{
			"web":   {Role: arch.RoleUI, Uses: map[string]arch.Call{"service/order#1": {To: "service/order", Access: arch.AccessCall}}},
			"order": {Uses: map[string]arch.Call{"store/orders#1": {To: "store/orders", Access: arch.AccessWrite}}},
		},
		Stores: map[string]arch.Store{"orders": {Kind: "postgres"}},
	}
	g := view.Services(s, nil)
	fmt.Println(g.Title)
	fmt.Println(g.Subtitle)
	for _, e := range g.Edges {
		fmt.Println(e.From.Short(), e.Kind, e.To.Short())
	}
	fmt.Print(export.DOT(g)[:26])
	// Output:
	// shop: Services
	// 2 services, 1 store, 2 connections
	// order write orders
	// web sync order
	// digraph "shop: Services" {
}
