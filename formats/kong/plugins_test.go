package kong_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

const resources = `apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: limit, namespace: shop}
plugin: rate-limiting
config: {minute: 10, hour: 600, day: 1000, policy: cluster, redis_host: cache, redis: {port: 1}}
confgi: {}
---
apiVersion: configuration.konghq.com/v1
kind: KongIngress
metadata: {name: slow}
proxy: {retries: 0, read_timeout: 3000, conect_timeout: 5}
---
apiVersion: configuration.konghq.com/v1
kind: KongClusterPlugin
metadata: {name: all, labels: {global: "true"}}
disabled: true
`

func TestResources(t *testing.T) {
	t.Parallel()
	var rs []*kong.Resource
	var faults []string
	for _, d := range doc.Read("k.yaml", []byte(resources), nil).Docs {
		for _, r := range kong.Resources(d) {
			rs = append(rs, r)
			for _, f := range r.Faults {
				faults = append(faults, f.Error())
			}
		}
	}
	want := []string{
		`k.yaml:6:1: unknown field "confgi"; did you mean "config"?`,
		`k.yaml:11:41: unknown field "proxy.conect_timeout"; did you mean "connect_timeout"?`,
		"k.yaml:13:1: a KongClusterPlugin needs `plugin`, the name of what it configures",
	}
	if len(rs) != 3 || strings.Join(faults, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%d resources, faults:\n%s", len(rs), strings.Join(faults, "\n"))
	}
	p := rs[0].Plugin
	if rs[0].String() != "KongPlugin shop/limit" || len(p.Limits()) != 3 || len(p.Olds()) != 1 || p.Olds()[0].Instead != "redis.host" {
		t.Errorf("%+v", p)
	}
	ls := p.Limits()
	if by, most, ok := ls[1].Idle(ls); !ok || by.Unit != "minute" || most != 600 {
		t.Errorf("hour: %v %v %v", by, most, ok)
	}
	if _, _, ok := ls[2].Idle(ls); ok {
		t.Error("a day's 1,000 of an hour's 600 binds")
	}
	if *rs[1].Override.Proxy.Retries != 0 || *rs[1].Override.Proxy.Read != 3000 || !rs[2].Global || *rs[2].Plugin.Enabled {
		t.Errorf("%+v %+v", rs[1].Override, rs[2])
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"x-id:$(uuid)":                                 "uuid empty",
		"x-id:$(uuid())":                               "uuid fails",
		"x:$(headers['x-a'] or 'none')":                "",
		"x:$(uri_captures.name)-$(headers.x .. now)":   "now fails",
		"x:$((function() local a = 1 return a end)())": "",
		"x:$(string.upper(query_params.q))":            "",
		"x:$(shared.a == 'uuid' and 0x1F or 1e5)":      "",
		"x:$(env.HOME)":                                "env fails", "x:$(name or '')": "name empty",
		"plain $5 (uuid)":                                 "",
		"x:$(random(":                                     "",
		"x:$(kong.request.get_header('a'))":               "",
		"x:$(math.random() .. request_id .. 'x' .. a(b))": "request_id fails, a fails, b empty",
	} {
		p := &kong.Plugin{Config: &doc.Node{Kind: doc.Map, Entries: []doc.Entry{{Key: doc.Text("add"), Value: doc.Text(text)}}}}
		p.Name = "request-transformer"
		var got []string
		for _, u := range p.Unknown() {
			if u.Fails {
				got = append(got, u.Name+" fails")
			} else {
				got = append(got, u.Name+" empty")
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

func TestLooksRegex(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		`/v\d+`: true, `/a/(?<id>\w+)`: true, "/x/.*": true, "/x/[a-z]+": true, "/x$": true, "/a|/b": true, "/(a)": true,
		"/v1.0": false, "/a-b_c~d/": false, "~/v.*": false, "/~/v.*": false, "/a%20b": false, "/": false, "/c++": false, "/a+b": false, "/@me": false,
	} {
		if got := kong.LooksRegex(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	read := func(src []byte) *kong.Config {
		c := kong.Read(doc.Read("kong.yaml", src, nil).Docs[0])
		return c
	}
	c := read([]byte(strings.Replace(strings.Replace(sample, "3.1", "3.0", 1), "read_timeout: 0", "read_timeout: 10", 1)))
	b, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	d := read(b)
	if len(d.Faults) > 0 {
		t.Errorf("%v\n%s", d.Faults, b)
	}
	if len(c.Services) != len(d.Services) || !reflect.DeepEqual(c.Services[0].Read, d.Services[0].Read) || !reflect.DeepEqual(c.Services[0].Routes[0].Paths, d.Services[0].Routes[0].Paths) || d.Services[0].Plugins[0].Config.Str("limit_by") != "service" || *d.Targets[0].Weight != 50 {
		t.Errorf("came back as\n%s", b)
	}
	again, err := d.YAML()
	if err != nil || string(again) != string(b) {
		t.Errorf("%v\n%s\nwritten again:\n%s", err, b, again)
	}
}

func FuzzResources(f *testing.F) {
	f.Add([]byte(resources))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, r := range kong.Resources(d) {
				if r.Plugin != nil {
					_, _, _ = r.Plugin.Limits(), r.Plugin.Olds(), r.Plugin.Unknown()
				}
			}
		}
	})
}

func FuzzTemplates(f *testing.F) {
	f.Add("x:$(uuid())")
	f.Fuzz(func(_ *testing.T, s string) {
		p := &kong.Plugin{Config: doc.Text(s)}
		p.Name = "request-transformer"
		_, _ = p.Unknown(), kong.LooksRegex(s)
	})
}
