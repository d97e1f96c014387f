package nginx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/nginx"
)

const conf = `# comment ; {
upstream orders { server order-1:80 weight=2; server order-2:80; }
server {
  server_name shop.example.com www.example.com;
  location /orders/ { proxy_pass "http://orders/"; }
  location ~ ^/pay(/|$) {
    if ($x) { set $y ${z}a; }
    grpc_pass grpc://payment:50051;
  }
  location / { proxy_pass http://$dynamic; }
}
`

func TestRead(t *testing.T) {
	t.Parallel()
	c := nginx.Read("n.conf", []byte(conf))
	var got []string
	for _, s := range c.Upstreams["orders"] {
		got = append(got, s.Address+" "+s.Pos.String())
	}
	for _, p := range c.Passes {
		got = append(got, fmt.Sprintf("%s %s %q %s %d %s", p.Protocol(), p.Location, p.Host(), p.Target, len(p.Names), p.Pos))
	}
	want := "order-1:80 n.conf:2:26\norder-2:80 n.conf:2:54\nhttp /orders/ \"orders\" http://orders/ 2 n.conf:5:34\n" +
		"grpc ~^/pay(/|$) \"payment:50051\" grpc://payment:50051 2 n.conf:8:15\nhttp / \"\" http://$dynamic 2 n.conf:10:27"
	if strings.Join(got, "\n") != want {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(conf))
	f.Add([]byte("a { b \"c\\"))
	f.Fuzz(func(_ *testing.T, src []byte) { nginx.Read("f", src) })
}
