package archfile_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// targets says what each reference may name; the rest of a random System is
// whatever the types allow.
var targets = map[string][]arch.Kind{
	"Capability.Context": {arch.KindContext}, "Capability.Parent": {arch.KindCapability},
	"Aggregate.Tables": {arch.KindTable, arch.KindStore}, "Event.Topic": {arch.KindTopic},
	"Store.Owner": {arch.KindService}, "Table.Owner": {arch.KindService}, "Table.ForeignKeys": {arch.KindTable},
	"Gateway.Service": {arch.KindService}, "Route.To": {arch.KindService, arch.KindOp, arch.KindExternal},
	"Saga.Owner": {arch.KindService}, "SagaStep.Action": {arch.KindOp}, "SagaStep.Compensation": {arch.KindOp}, "SagaStep.Emits": {arch.KindTopic},
	"Journey.Entry": {arch.KindOp}, "Contract.Provider": {arch.KindService}, "Contract.Consumers": {arch.KindService, arch.KindExternal},
	"Constraint.Of": {arch.KindService, arch.KindOp, arch.KindStore, arch.KindTable, arch.KindTopic, arch.KindTeam, arch.KindJourney},
	"Call.To:":      {arch.KindService, arch.KindOp, arch.KindStore, arch.KindTable, arch.KindTopic, arch.KindExternal, arch.KindSaga},
	"Call.To:call":  {arch.KindService, arch.KindOp, arch.KindExternal, arch.KindSaga}, "Call.To:read": {arch.KindTable, arch.KindStore}, "Call.To:write": {arch.KindTable, arch.KindStore},
	"Call.To:publish": {arch.KindTopic}, "Call.To:subscribe": {arch.KindTopic},
}

type gen struct {
	*rand.Rand
	s arch.System
}

// keys are a map's, sorted: the same seed makes the same System.
func keys(m reflect.Value) []reflect.Value {
	ks := m.MapKeys()
	slices.SortFunc(ks, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return ks
}

// sayable makes a System of everything that the grammar can say.
func sayable(seed uint64) arch.System {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 7))}
	g.s = arch.System{Format: arch.Format, Name: g.word(), Complexity: g.word()}
	v := reflect.ValueOf(&g.s).Elem()
	for i := range v.NumField() { // names first: references lead to them
		f := v.Field(i)
		tag := v.Type().Field(i).Tag.Get("arch")
		if f.Kind() != reflect.Map || tag == "-" || tag == "ext" || tag == string(arch.KindDeployment) {
			continue
		}
		f.Set(reflect.MakeMap(f.Type()))
		for range 1 + g.IntN(3) {
			e := reflect.New(f.Type().Elem()).Elem()
			switch x := e.Addr().Interface().(type) {
			case *arch.Service:
				x.Operations = map[string]arch.Operation{g.name(): {}, "Op": {}}
			case *arch.Store:
				x.Tables = map[string]arch.Table{g.name(): {}, "t": {}}
			}
			f.SetMapIndex(reflect.ValueOf(g.name()), e)
		}
	}
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Map || f.Type().Elem().Kind() != reflect.Struct || v.Type().Field(i).Tag.Get("arch") == "-" {
			continue
		}
		for _, k := range keys(f) {
			e := reflect.New(f.Type().Elem()).Elem()
			e.Set(f.MapIndex(k))
			g.fill(e, "")
			f.SetMapIndex(k, e)
		}
	}
	g.fix()
	return g.s
}

// fix makes good what the types alone don't know.
func (g *gen) fix() {
	g.s.Deployments = map[string]arch.Deployment{}
	for _, name := range arch.Sorted(g.s.Services) {
		svc := g.s.Services[name]
		svc.Context, svc.Owner = g.of(arch.KindContext).Name(), g.of(arch.KindTeam).Name()
		svc.Uses = g.calls()
		for _, opName := range arch.Sorted(svc.Operations) {
			op := svc.Operations[opName]
			op.Calls = g.calls()
			op.Body = g.body(arch.Sorted(op.Calls))
			svc.Operations[opName] = op
		}
		g.s.Services[name] = svc
		for _, env := range []string{"", "prod", "eu/1 a"} {
			if g.IntN(2) == 0 {
				d := arch.Deployment{}
				g.fill(reflect.ValueOf(&d).Elem(), "")
				d.Of, d.Replicas = arch.NewRef(arch.KindService, name), arch.Some(g.IntN(3))
				g.s.Deployments[arch.DeploymentKey(env, name)] = d
			}
		}
	}
	for _, name := range arch.Sorted(g.s.Contexts) {
		c := g.s.Contexts[name]
		c.Relations = map[string]string{g.of(arch.KindContext).Name(): g.word()}
		g.s.Contexts[name] = c
	}
	for _, name := range arch.Sorted(g.s.Journeys) {
		j := g.s.Journeys[name]
		j.Entry = g.of(arch.KindOp)
		if j.Peak.V < j.Rate.V {
			j.Rate, j.Peak = j.Peak, j.Rate
		}
		if !j.Rate.Known || !j.Peak.Known {
			j.Peak = arch.Opt[float64]{}
		}
		g.s.Journeys[name] = j
	}
	for _, name := range arch.Sorted(g.s.Sagas) {
		sg := g.s.Sagas[name]
		pivots := 0
		for i := range sg.Steps {
			if sg.Steps[i].Pivot {
				pivots++
			}
			sg.Steps[i].Pivot = sg.Steps[i].Pivot && pivots == 1
			sg.Steps[i].Action = g.of(arch.KindOp)
		}
		g.s.Sagas[name] = sg
	}
}

func (g *gen) calls() map[string]arch.Call {
	m := map[string]arch.Call{}
	for range g.IntN(5) {
		c := arch.Call{}
		g.fill(reflect.ValueOf(&c).Elem(), "")
		c.Access = []string{"", arch.AccessCall, arch.AccessRead, arch.AccessWrite, arch.AccessPublish, arch.AccessSubscribe}[g.IntN(6)]
		c.To = g.of(targets["Call.To:"+c.Access]...)
		id := arch.CallID(c.To, 1+g.IntN(3))
		if g.IntN(8) == 0 {
			id = g.word() + "!"
		}
		m[id] = c
	}
	return m
}

func (g *gen) body(ids []string) arch.Step {
	g.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if len(ids) > 0 && g.IntN(3) == 0 {
		ids = ids[1:] // known to happen, but not when
	}
	root := []arch.StepKind{arch.Seq, arch.Seq, arch.Seq, arch.Par, arch.Choice, arch.Loop}[g.IntN(6)]
	s := arch.Step{Kind: root}
	if root == arch.Loop {
		s.Times = g.law()
	}
	for i, id := range ids {
		it := arch.Step{Kind: arch.Do, Call: id}
		switch g.IntN(6) {
		case 0:
			it = arch.Step{Kind: arch.Par, Steps: []arch.Step{it, {Kind: arch.Work, Own: g.law()}}}
		case 1:
			it = arch.Step{Kind: arch.Loop, Times: g.law(), Steps: []arch.Step{it}}
		case 2:
			it = arch.Step{Kind: arch.Seq, Steps: []arch.Step{it}}
		case 3:
			it.Prob = arch.Some(.5)
			it = arch.Step{Kind: arch.Choice, Steps: []arch.Step{it, {Kind: arch.Par, Prob: arch.Some(.25)}}}
		}
		if root == arch.Choice && i < 2 {
			it.Prob = arch.Some(.375)
		}
		s.Steps = append(s.Steps, it)
	}
	if g.IntN(2) == 0 {
		s.Steps = append([]arch.Step{{Kind: arch.Work, Own: g.law()}}, s.Steps...)
	}
	return s
}

func (g *gen) law() arch.Dist {
	return arch.Dist{Law: []string{"4ms", "3", "1.5", "lognormal(p50=4ms, p99=20ms)", "exp(mean=2)"}[g.IntN(5)]}
}

func (g *gen) of(kinds ...arch.Kind) arch.Ref {
	var rs []arch.Ref
	for _, k := range kinds {
		rs = append(rs, g.s.Refs(k)...)
	}
	return rs[g.IntN(len(rs))]
}

func (g *gen) word() string {
	return []string{"x", "a b", `quote " and \`, "ü/.~#%", "1.2", "yes", "0o17", "1_000", ".inf", "2024-01-01", "- a: b", "# no", "null", "~", "a: b", "12", "{x", "*a", "!t", "a\nb", " lead", "x:", "service/x", "on"}[g.IntN(24)]
}

func (g *gen) name() string {
	return []string{"order", "b.c", "b", "d/e", "f#1", "1", "no", "service/x", "op/x.y", "a b", "c.t"}[g.IntN(11)]
}

func (g *gen) fill(v reflect.Value, field string) {
	if g.IntN(3) == 0 && field != "" {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *arch.Dist:
		*x = g.law()
		return
	case *arch.Ref:
		if ks := targets[field]; ks != nil {
			*x = g.of(ks...)
		}
		return
	case *arch.Step, *map[string]arch.Operation:
		if m, ok := x.(*map[string]arch.Operation); ok {
			g.fillMap(reflect.ValueOf(m).Elem())
		}
		return
	case *map[string]arch.Table:
		g.fillMap(v)
		return
	case *map[string]arch.Call:
		return
	case *time.Duration:
		*x = []time.Duration{0, time.Nanosecond, 1500 * time.Microsecond, time.Minute, 30 * 24 * time.Hour, 90 * time.Minute, 7*24*time.Hour + time.Second}[g.IntN(7)]
		return
	case *[]arch.Policy:
		for _, key := range []string{"code", "sidecar", "gateway:kong", "server", "gateway"} {
			if g.IntN(3) == 0 {
				p := arch.Policy{Layer: key, Env: []string{"", "", "prod"}[g.IntN(3)]}
				g.fill(reflect.ValueOf(&p).Elem(), "")
				p.Layer = key
				if p.Env != "prod" {
					p.Env = ""
				}
				if p.Retry != nil && p.Retry.Attempts == arch.Some(0) {
					p.Retry.Attempts.V = 1
				}
				*x = append(*x, p)
			}
		}
		return
	case *[]arch.Objective:
		*x = []arch.Objective{{Availability: arch.Some(.999)}, {Percentile: 99.9, Latency: arch.Some(time.Second)}, {Percentile: 50, Latency: arch.Some(time.Millisecond), Availability: arch.Some(.5)}}
		for i := range *x {
			if g.IntN(2) == 0 {
				(*x)[i].Window = arch.Some(24 * time.Hour)
			}
		}
		return
	case *[]arch.Route:
		for i := range 1 + g.IntN(4) {
			r := arch.Route{}
			g.fill(reflect.ValueOf(&r).Elem(), "")
			r.ID = fmt.Sprint([]string{"vs/b#", "", "a~/"}[g.IntN(3)], i)
			*x = append(*x, r)
		}
		return
	case *[]arch.SagaStep:
		for i := range 1 + g.IntN(4) {
			s := arch.SagaStep{}
			g.fill(reflect.ValueOf(&s).Elem(), "")
			s.Name = fmt.Sprint("s", i)
			if s.Retry != nil && s.Retry.Attempts == arch.Some(0) {
				s.Retry = nil
			}
			*x = append(*x, s)
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(g.word())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(g.IntN(9)))
	case reflect.Float64:
		v.SetFloat([]float64{0, .125, .999, 1, .0001, 1e-9, .3, .9995, 1.0 / 3}[g.IntN(9)])
	case reflect.Struct:
		if v.NumField() == 2 && v.Type().Field(1).Name == "Known" {
			v.Field(1).SetBool(true)
			g.fill(v.Field(0), field)
			return
		}
		for i := range v.NumField() {
			g.fill(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+g.IntN(2), 3))
		for i := range v.Len() {
			for v.Index(i).IsZero() && !strings.HasSuffix(field, "On") && v.Type().Elem().Kind() == reflect.String {
				g.fill(v.Index(i), field)
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + g.IntN(2) {
			e := reflect.New(v.Type().Elem()).Elem()
			for e.Kind() == reflect.String && e.IsZero() {
				g.fill(e, field)
			}
			g.fill(e, field)
			v.SetMapIndex(reflect.ValueOf(g.name()), e)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		g.fill(v.Elem(), "")
	}
}

func (g *gen) fillMap(v reflect.Value) {
	for _, k := range keys(v) {
		e := reflect.New(v.Type().Elem()).Elem()
		e.Set(v.MapIndex(k))
		g.fill(e, "")
		v.SetMapIndex(k, e)
	}
}
