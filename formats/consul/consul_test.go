package consul_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/consul"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const hcl = `# the agent's services
service {
  name = "order" // as others call it
  port = 8080
  tags = ["v1", "blue",]
  meta { version = "1.2" }
  check = { http = "http://localhost:8080/health", interval = "10s", deregister_critical_service_after = "30s" }
  connect {
    sidecar_service {
      proxy { upstreams = [{ destination_name = "stock" local_bind_port = 9191 }] }
    }
  }
}
service {
  Name = "stock"
  ID = "stock-8081"
  Checks = [{ TTL = "15s" DeregisterCriticalServiceAfter = "2m" }, { args = ["/bin/x"], intervall = "soon" }]
  port = "${PORT}"
}
/* more
   to say */
note = <<-END
    two
  lines
  END
`

const intentions = `Kind = "service-intentions"
Name = "order"
Sources = [
  { Name = "web", Action = "allow" },
  { Name = "*" Action = "deny" },
]
`

func read(t testing.TB, src string) *consul.Config {
	t.Helper()
	f := consul.ReadHCL("a.hcl", []byte(src))
	if f.Err() != nil || !consul.Is(f.Docs[0].Root) {
		t.Fatal(f.Err())
	}
	return consul.Read(f.Docs[0], f.Docs[0].Root)
}

func TestHCL(t *testing.T) {
	t.Parallel()
	c := read(t, hcl)
	var got []string
	for _, f := range c.Faults {
		got = append(got, f.Error())
	}
	if strings.Join(got, "\n") != `a.hcl:18:10: service.1.port: a port is a number up to 65535
a.hcl:17:89: unknown field "service.1.Checks.1.intervall"; did you mean "interval"?` {
		t.Errorf("faults:\n%s", strings.Join(got, "\n"))
	}
	o := c.Services[0]
	if len(c.Services) != 2 || o.ID != "order" || o.Port != 8080 || o.Meta["version"] != "1.2" || len(o.Tags) != 2 || !o.Connect || o.Upstreams[0].Name != "stock" || o.Upstreams[0].Port != 9191 {
		t.Fatalf("%+v", c.Services)
	}
	if x := o.Checks[0]; x.Kind != "http" || x.Interval != 10*time.Second || *x.Deregister != 30*time.Second {
		t.Errorf("%+v", x)
	}
	if p := c.Doc.At(consul.Place(o.Checks[0].Node, o.Checks[0].Way, "deregister_critical_service_after")...); p.Line != 7 || p.Col != 106 {
		t.Errorf("it stands at %v", p)
	}
	if s := c.Services[1]; s.ID != "stock-8081" || s.Checks[0].TTL != 15*time.Second || *s.Checks[0].Deregister != 2*time.Minute || s.Checks[1].Kind != "args" {
		t.Errorf("%+v", s)
	}
	if got := c.Node.Str("note"); got != "two\nlines\n" {
		t.Errorf("%q", got)
	}
}

func TestIntentions(t *testing.T) {
	t.Parallel()
	i := read(t, intentions).Intention
	if i.Destination != "order" || len(i.Sources) != 2 || i.Sources[1].Name != "*" || i.Sources[1].Action != "deny" {
		t.Errorf("%+v", i)
	}
	d := doc.Read("i.yaml", []byte("apiVersion: consul.hashicorp.com/v1alpha1\nkind: ServiceIntentions\nmetadata: {name: x}\nspec: {destination: {name: order}, sources: [{name: web, action: allow}]}\n"), nil).Docs[0]
	if i := consul.Read(d, d.Root).Intention; !consul.Is(d.Root) || i.Destination != "order" || i.Sources[0].Name != "web" {
		t.Errorf("%+v", i)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"a = ":                     "a.hcl:1:5: want a value",
		"a = b":                    `a.hcl:1:6: "b" is no value; a text needs its quotes`,
		"service {\n name = \"x\"": "a.hcl:2:12: a block without its closing brace",
		"a = [1, 2":                "a.hcl:1:10: a list without its closing bracket",
		"a = \"x":                  "a.hcl:1:7: a text without its closing quote",
		"a = <<E\nx\n":             "a.hcl:1:5: a here-document without its end E",
		"= 1":                      "a.hcl:1:1: want a key",
		"/* x":                     "a.hcl:1:1: a comment without an end",
		strings.Repeat("a {", 150): "a.hcl:1:304: nested more than 100 deep",
	} {
		f := consul.ReadHCL("a.hcl", []byte(src))
		if len(f.Faults) != 1 || f.Faults[0].Error() != want {
			t.Errorf("%.30q: %v, want %s", src, f.Faults, want)
		}
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{
		`{"service": {"name": "a", "port": 1}}`:                     true,
		`{"services": [{"Name": "a", "Check": {}}]}`:                true,
		`{"services": {"a": {"image": "x"}}}`:                       false,
		`{"service": {"name": "a"}}`:                                false,
		`{"Kind": "service-router", "Name": "a"}`:                   true,
		`{"Kind": "other", "Name": "a"}`:                            false,
		`{"apiVersion": "v1", "service": {"name": "a", "port": 1}}`: false,
	} {
		if got := consul.Is(doc.Read("x.json", []byte(src), nil).Docs[0].Root); got != want {
			t.Errorf("%s: %v", src, got)
		}
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := read(t, hcl)
	b, err := consul.JSON(c.Services)
	if err != nil {
		t.Fatal(err)
	}
	d := doc.Read("s.json", b, nil).Docs[0]
	back := consul.Read(d, d.Root)
	again, err := consul.JSON(back.Services)
	if err != nil || string(again) != string(b) || len(back.Faults) > 0 {
		t.Errorf("%v %v\n%s\ncame back as\n%s", err, back.Faults, b, again)
	}
	if s := back.Services[0]; s.Name != "order" || s.Upstreams[0].Name != "stock" || *s.Checks[0].Deregister != 30*time.Second || s.Meta["version"] != "1.2" {
		t.Errorf("%+v", s)
	}
}

func FuzzHCL(f *testing.F) {
	f.Add([]byte(hcl))
	f.Add([]byte(intentions))
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<16 {
			return
		}
		file := consul.ReadHCL("f.hcl", src)
		for _, d := range file.Docs {
			if !consul.Is(d.Root) {
				continue
			}
			if _, err := consul.JSON(consul.Read(d, d.Root).Services); err != nil {
				t.Fatal(err)
			}
		}
	})
}
