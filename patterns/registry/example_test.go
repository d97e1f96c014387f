package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/filereg"
)

// A process enters its service, another finds it, and it leaves.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "registry")
	defer os.RemoveAll(dir)
	folder, err := filereg.Open(dir, &filereg.Options{Poll: 10 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	reg, err := registry.New(folder, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, err := reg.Register(ctx, registry.Service{
		Name: "payments", Address: "127.0.0.1", Port: 8080, Tags: []string{"v2"},
		Checks:          []registry.Check{{TTL: 10 * time.Second}}, // beaten as long as the process lives
		DeregisterAfter: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	w, err := reg.Watch(registry.Query{Service: "payments", Tags: []string{"v2"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := w.Next(ctx)
	fmt.Println(found[0].Address, found[0].Port, err)

	_ = entry.Deregister(ctx)
	found, err = w.Next(ctx)
	fmt.Println(len(found), err)
	_ = reg.Close(ctx) // takes out what is still in
	// Output:
	// 127.0.0.1 8080 <nil>
	// 0 <nil>
}

// An HTTP client that calls services by name.
func ExampleNewTransport() {
	folder, err := filereg.Open(os.TempDir()+"/example-registry", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	reg, err := registry.New(folder, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = reg.Close(context.Background()) }()
	t := registry.NewTransport(reg, nil)
	defer t.Close()

	req, _ := http.NewRequest(http.MethodGet, "http://payments/v1/charges", nil)
	_, err = t.RoundTrip(req)
	fmt.Println(err)
	// Output: registry: no instance of payments passes its checks; see its registration, or loosen the filter
}
