package spring_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/spring"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	f := doc.Read("application.yml", []byte("spring:\n  application: {name: order}\n  rabbitmq:\n    host: ${MQ_HOST:rabbit}\neureka.client.serviceUrl:\n  defaultZone: http://registry:8761/eureka/\nzuul: {routes: [{path: /a}]}\n---\nspring: {profiles: \"docker, prod\"}\n"), nil)
	a, b := spring.FromDocument(f.Docs[0]), spring.FromDocument(f.Docs[1])
	if x, ok := a.Get("eureka.client.service-url.default-zone"); !ok || x.Pos.Line != 6 {
		t.Errorf("%+v", x)
	}
	if x, _ := a.Get("zuul.routes[0].path"); x.Value != "/a" {
		t.Errorf("%+v", a)
	}
	if len(a.Profiles) != 0 || len(b.Profiles) != 2 || b.Profiles[1] != "prod" {
		t.Errorf("profiles %v %v", a.Profiles, b.Profiles)
	}
	host, _ := a.Get("spring.rabbitmq.host")
	if v := spring.Expand(host.Value, func(string) (string, bool) { return "", false }); v != "rabbit" {
		t.Errorf("expanded to %q", v)
	}
	if v := spring.Expand("${a}", func(string) (string, bool) { return "${a}", true }); v != "${a}" {
		t.Errorf("a loop expands to %q", v)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	s := spring.FromProperties("a.properties", []byte("# c\nspring.application.name=order\nserver.port: 80\nx = a\\\n  b\n\n!no\nbroken\n"))
	if len(s.List) != 3 || s.List[0].Value != "order" || s.List[1].Value != "80" || s.List[2].Value != "ab" || s.List[2].Pos.Line != 4 {
		t.Fatalf("%+v", s.List)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("a: {b: ${c:d}}\n---\nspring.profiles: x\n"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		s := spring.FromProperties("f", src)
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 14}).Docs {
			s.List = append(s.List, spring.FromDocument(d).List...)
		}
		for _, x := range s.List {
			_ = spring.Expand(x.Value, func(k string) (string, bool) { v, ok := s.Get(k); return v.Value, ok })
		}
	})
}
