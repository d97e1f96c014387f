package admin_test

import (
	"context"
	"fmt"
	"os"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// A program opens its door; whoever may read the user's runtime folder finds it.
func ExampleListen() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	srv, err := admin.Listen("shop", &admin.Options{Folder: dir}, sagas())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close(context.Background()) }()

	door, err := admin.Find(dir, "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	stuck, _, err := door.List(context.Background(), "sagas", admin.Query{Filter: map[string]string{"state": "stuck"}})
	fmt.Printf("%s %v\n", stuck, err)
	// Output: [{"id":"a","state":"stuck"}] <nil>
}
