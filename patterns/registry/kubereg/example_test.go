package kubereg_test

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/kubereg"
)

// A pod finds another service's ready pods. Its account needs the rights to
// list and watch endpointslices.
func Example() {
	cluster, err := kubereg.New(nil)
	if err != nil {
		fmt.Println(err) // outside of a cluster
		return
	}
	reg, err := registry.New(cluster, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = reg.Close(context.Background()) }()
	pods, err := reg.Instances(context.Background(), registry.Query{Service: "payments.shop:grpc"})
	fmt.Println(pods, err)
}
