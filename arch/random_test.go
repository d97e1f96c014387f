package arch_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// random fills a System so that every field is said now and then.
func random(r *rand.Rand) arch.System {
	var s arch.System
	fill(r, reflect.ValueOf(&s).Elem(), 0)
	s.Name, s.Ext, s.Ledger, s.Coverage = "random", nil, nil, nil
	deployments := map[string]arch.Deployment{}
	for k, d := range s.Deployments {
		deployments[arch.DeploymentKey("prod", k)] = d
	}
	s.Deployments = deployments
	return s
}

func fill(r *rand.Rand, v reflect.Value, depth int) {
	if r.IntN(3) == 0 && depth > 0 {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *arch.Dist:
		x.Observe(r.Float64())
		return
	case *arch.Step:
		*x = arch.Step{Kind: arch.Seq, Steps: []arch.Step{{Kind: arch.Do, Call: "service/a#1"}, {Kind: arch.Work, Own: arch.Const(float64(r.IntN(5)))}}}
		return
	case *arch.Ref:
		*x = arch.NewRef(arch.KindService, fmt.Sprint("s", r.IntN(4)))
		return
	case *time.Duration:
		*x = time.Duration(r.IntN(1000)) * time.Millisecond
		return
	case *arch.Ledger, *map[string]arch.Coverage:
		return
	case *[]arch.Policy:
		*x = []arch.Policy{{Layer: "code", Timeout: arch.Some(time.Second)}, {Layer: "gateway:kong", Env: "prod", Retry: &arch.Retry{On: []string{"5xx"}}}}
		return
	case *[]arch.Objective:
		*x = []arch.Objective{{Availability: arch.Some(.999)}, {Percentile: 99.9, Latency: arch.Some(time.Second)}}
		return
	case *[]arch.Route:
		*x = []arch.Route{{ID: "vs/b#0", Path: "/b"}, {ID: "vs/a#0", Path: "/a~x"}}
		return
	case *[]arch.SagaStep:
		*x = []arch.SagaStep{{Name: "reserve", Pivot: true}, {Name: "charge", Action: "op/a.B"}}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"x", "a b", `quote " and \`, "ü/.~#%"}[r.IntN(4)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.IntN(9)))
	case reflect.Float64:
		v.SetFloat(float64(r.IntN(9)) / 8)
	case reflect.Struct:
		if v.NumField() == 2 && v.Type().Field(1).Name == "Known" {
			v.Field(1).SetBool(true)
			fill(r, v.Field(0), depth+1)
			return
		}
		for i := range v.NumField() {
			fill(r, v.Field(i), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(2), 3))
		for i := range v.Len() {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + r.IntN(2) {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(r, e, depth+1)
			v.SetMapIndex(reflect.ValueOf([]string{"a", "b.c", "d/e", "f#1"}[r.IntN(4)]), e)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), depth+1)
	}
}
