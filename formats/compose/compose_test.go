package compose_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/compose"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const sample = `x-env: &env
  DB_URL: postgres://${DB_HOST:-db}:5432/shop
services:
  order:
    build: {context: ./order}
    environment:
      <<: *env
      PAYMENT_ADDR: payment:${PORT}
    depends_on: {payment: {condition: service_started}}
    deploy: {replicas: 2}
    helthcheck: {}
  payment:
    image: payment:1
    environment: [BANK=https://bank.example, "HOME"]
    networks: {back: {aliases: [pay]}}
    env_file: .env
`

func TestRead(t *testing.T) {
	t.Parallel()
	d := doc.Read("compose.yaml", []byte(sample), nil).Docs[0]
	f := compose.Read(d, map[string]string{"PORT": "50051", "HOME": "/root"})
	if len(f.Services) != 2 || len(f.Faults) != 1 || !strings.Contains(f.Faults[0].Error(), `compose.yaml:11:5: unknown field "services.order.helthcheck"; did you mean "healthcheck"?`) {
		t.Fatalf("%+v %v", f.Services, f.Faults)
	}
	o, p := f.Services[0], f.Services[1]
	env := map[string]string{}
	for _, v := range append(o.Environment, p.Environment...) {
		env[v.Name] = v.Value
	}
	if env["DB_URL"] != "postgres://db:5432/shop" || env["PAYMENT_ADDR"] != "payment:50051" || env["BANK"] != "https://bank.example" || env["HOME"] != "/root" {
		t.Errorf("environment: %v", env)
	}
	if o.Replicas != 2 || o.DependsOn[0] != "payment" || o.Build != "./order" || p.Aliases[0] != "pay" || p.EnvFiles[0] != ".env" {
		t.Errorf("%+v\n%+v", o, p)
	}
}

func TestInterpolate(t *testing.T) {
	t.Parallel()
	env := map[string]string{"A": "1", "E": ""}
	for in, want := range map[string]string{"$A": "1", "${A}x": "1x", "${B:-2}": "2", "${E:-3}": "3", "${E-3}": "", "$$A": "$A", "${B:-${A}}": "1", "${A:+y}": "y", "a$": "a$"} {
		if got := compose.Interpolate(in, env); got != want {
			t.Errorf("%q -> %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if compose.Is(d.Root) {
				_ = compose.Read(d, compose.ReadEnv(src))
			}
		}
	})
}
