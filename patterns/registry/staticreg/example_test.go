package staticreg_test

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

// A list that the program keeps itself: whoever watches hears of each change.
func Example() {
	ctx := context.Background()
	list := staticreg.New()
	if err := list.Set("payments", driver.Instance{Address: "10.0.0.7", Port: 8080}, driver.Instance{Address: "10.0.0.8", Port: 8080}); err != nil {
		fmt.Println(err)
		return
	}
	reg, err := registry.New(list, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = reg.Close(ctx) }()
	w, err := reg.Watch(registry.Query{Service: "payments"})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := w.Next(ctx)
	fmt.Println(len(found), err)
	_ = list.Set("payments", driver.Instance{Address: "10.0.0.8", Port: 8080})
	found, err = w.Next(ctx)
	fmt.Println(len(found), found[0].ID, err)
	// Output:
	// 2 <nil>
	// 1 10.0.0.8:8080 <nil>
}
