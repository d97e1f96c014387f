package archfile_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

func ExampleRead() {
	src, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := archfile.Read("ashlar.yaml", src)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range s.Edges() {
		fmt.Println(e.From.Short(), e.Call.Access, e.Call.To.Short(), "at", s.Ledger.Where(e.At()))
	}
	// Output:
	// inventory.Check read stock.item at ashlar.yaml:22:72
	// inventory.Release write stock.item at ashlar.yaml:24:83
	// inventory.Reserve write stock.item at ashlar.yaml:23:83
	// order.Place call inventory.Check at ashlar.yaml:15:15
	// order.Place call fulfil at ashlar.yaml:18:13
	// order.Place read orders.customer at ashlar.yaml:15:38
	// order.Place write orders.order at ashlar.yaml:16:15
	// order.Place publish order-events at ashlar.yaml:17:15
	// payment.Charge call bank at ashlar.yaml:31:17
}

func ExampleParse_faults() {
	_, err := archfile.Parse("ashlar.yaml", []byte(`ashlar: 1
services:
  order: { replica: 2, operations: { Place: { do: [ call: inventory.Chek ] } } }
  inventory: { operations: { Check: {} } }
`))
	var e *archfile.Error
	if errors.As(err, &e) {
		fmt.Println(e.Frames())
	}
	// Output:
	// ashlar.yaml:3:12: unknown field "replica"; did you mean "replicas"?
	//   3 |   order: { replica: 2, operations: { Place: { do: [ call: inventory.Chek ] } } }
	//     |            ^
	//
	// ashlar.yaml:3:59: there is no op inventory.Chek; did you mean inventory.Check?
	//   3 |   order: { replica: 2, operations: { Place: { do: [ call: inventory.Chek ] } } }
	//     |                                                           ^
}

func ExampleWrite() {
	old := []byte(`ashlar: 1
services:
  # takes orders
  order: { replicas: 2 }   # enough
`)
	found := arch.System{
		Services:    map[string]arch.Service{"order": {Lang: "go"}, "cart": {}},
		Deployments: map[string]arch.Deployment{"/order": {Of: "service/order", Replicas: arch.Some(5)}},
	}
	found.Attest(arch.Source{Origin: arch.Config, File: "deploy/all.yaml", Line: 7})
	out, err := archfile.Write(old, found, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out))
	// Output:
	// ashlar: 1
	// services:
	//   # takes orders
	//   order: { replicas: 2, lang: go }   # enough
	//   cart: {} # from deploy/all.yaml:7
}
