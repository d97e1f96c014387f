package kong_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

const sample = `_format_version: "3.1"
services:
- name: order
  url: https://order.example/api
  retires: 2
  read_timeout: 0
  routes:
  - {name: v1, paths: [/v1, "~/v\\d+"], methods: [GET]}
  plugins: [{name: rate-limiting, config: {second: 5, limit_by: service}}]
routes:
- {name: v2, service: {name: order}, plugins: [{name: rate-limiting, enabled: false}]}
upstreams:
- {name: pool, targets: [{target: "a:80"}]}
targets: [{target: b, upstream: pool, weight: 50}]
plugin: []
consumers: [{username: x, keyauth_credentials: [{key: abc}]}]
custom_entities: []
`

func TestRead(t *testing.T) {
	t.Parallel()
	c := kong.Read(doc.Read("kong.yaml", []byte(sample), nil).Docs[0])
	var got []string
	for _, f := range c.Faults {
		got = append(got, f.Error())
	}
	want := []string{
		`kong.yaml:5:3: unknown field "services.0.retires"; did you mean "retries"?`,
		`kong.yaml:15:1: unknown field "plugin"; did you mean "plugins"?`,
		`kong.yaml:1:18: _format_version: "3.1" is none of 1.1, 2.1, 3.0`,
		`kong.yaml:6:17: services.0.read_timeout: want 1 to 2147483646`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults:\n%s", strings.Join(got, "\n"))
	}
	s := &c.Services[0]
	if h, p := s.Place(); h != "order.example" || p != "443" {
		t.Errorf("%s:%s", h, p)
	}
	rs := c.RoutesOf(s)
	if len(rs) != 2 || rs[1].Name != "v2" || c.PluginOf(s, rs[1], "rate-limiting").Config.Str("second") != "5" {
		t.Fatalf("%+v", rs)
	}
	if ts := c.TargetsOf("pool"); len(ts) != 2 || *ts[1].Weight != 50 {
		t.Errorf("%+v", ts)
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, x := range [][3]string{{"1.1", "/v1", "/v1*"}, {"2.1", `/v\d`, `~/v\d`}, {"3.0", `~/v\d`, `~/v\d`}, {"3.0", "/v+", "/v+*"}} {
		if got := (&kong.Config{Version: x[0]}).Pattern(x[1]); got != x[2] {
			t.Errorf("%s %s: %s, want %s", x[0], x[1], got, x[2])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if !kong.Is(d.Root) {
				continue
			}
			c := kong.Read(d)
			for i := range c.Services {
				h, _ := c.Services[i].Place()
				_ = c.TargetsOf(h)
				for _, r := range c.RoutesOf(&c.Services[i]) {
					_ = c.PluginOf(&c.Services[i], r, "rate-limiting")
				}
			}
		}
	})
}
