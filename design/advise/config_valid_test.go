package advise_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
	"github.com/ashlar-dev/ashlar/formats/istio"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

// What is printed for Istio, Kong and Linkerd reads by the strict types of their
// formats without a fault.
func TestConfigIsStrictlyValid(t *testing.T) {
	t.Parallel()
	k := usual()
	answers := []advise.Answer{ask(t, k)}
	for _, target := range []string{"istio", "kong", "linkerd"} {
		var b bytes.Buffer
		if err := advise.Config(&b, target, answers); err != nil {
			t.Fatal(err)
		}
		f := doc.Read(target+".yaml", b.Bytes(), nil)
		for _, fault := range f.Faults {
			t.Errorf("%s: %v", target, fault)
		}
		seen := 0
		for _, d := range f.Docs {
			switch target {
			case "kong":
				c := kong.Read(d)
				for _, fault := range c.Faults {
					t.Errorf("kong: %v\n%s", fault, b.String())
				}
				for i := range c.Services {
					seen++
					if ts := c.TargetsOf(c.Services[i].Host); len(ts) == 0 {
						t.Errorf("kong: the upstream %q has no target: Kong would answer 503\n%s", c.Services[i].Host, b.String())
					}
				}
			case "istio":
				for _, o := range istio.Specs(d) {
					seen++
					for _, fault := range o.Faults {
						t.Errorf("istio: %v\n%s", fault, b.String())
					}
				}
			case "linkerd":
				for _, o := range gatewayapi.Objects(d) {
					seen++
					for _, fault := range o.Faults {
						t.Errorf("linkerd: %v\n%s", fault, b.String())
					}
				}
				if strings.Contains(b.String(), "kind: Service") {
					seen++
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: nothing was read back:\n%s", target, b.String())
		}
	}
}
