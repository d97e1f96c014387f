package legacy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/catalog"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/dao"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/entities"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/manager"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/outside"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/web"
)

// shop is a whole shop with the world around it.
type shop struct {
	t     *testing.T
	url   string
	mu    sync.Mutex
	calls []string // of other companies
	fail  map[string]int
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, fail: map[string]int{}}
	world := httptest.NewServer(http.HandlerFunc(s.world))
	t.Cleanup(world.Close)
	d, err := dao.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.DB.Close() })
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	m := manager.New(d, outside.NewBank(world.URL), outside.NewCarrier(world.URL), outside.NewSupplier(world.Client(), world.URL), now)
	srv := httptest.NewServer(web.New(m, catalog.New(d.DB)))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// world is the bank, the carrier and the supplier.
func (s *shop) world(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if s.fail[r.URL.Path] > 0 {
		s.fail[r.URL.Path]--
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	switch {
	case r.URL.Path == "/charges":
		fmt.Fprint(w, `{"Reference": "ref-1"}`)
	case r.URL.Path == "/parcels":
		fmt.Fprint(w, `{"Tracking": "track-1"}`)
	case strings.HasPrefix(r.URL.Path, "/prices/"):
		fmt.Fprint(w, `{"Price": 2000}`)
	}
}

// do asks the shop and expects a status; the answer is decoded into out.
func (s *shop) do(method, path string, in any, status int, out any) {
	s.t.Helper()
	b, _ := json.Marshal(in)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body bytes.Buffer
	_, _ = body.ReadFrom(res.Body)
	if res.StatusCode != status {
		s.t.Fatalf("%s %s: %s, want %d: %s", method, path, res.Status, status, body.String())
	}
	if out != nil {
		if err := json.Unmarshal(body.Bytes(), out); err != nil {
			s.t.Fatalf("%s: %v", body.String(), err)
		}
	}
}

// stocked registers a customer and puts chairs on the shelf.
func (s *shop) stocked() entities.Customer {
	var c entities.Customer
	s.do("POST", "/customers", entities.Customer{Name: "Ann", Email: "ann@example.com", Card: "4000123412341234", Address: "1 Hill St"}, 201, &c)
	s.do("POST", "/products", entities.Product{SKU: "chair", Name: "Red Chair", Price: 4500, Weight: 3000, Supplier: "timber"}, 201, nil)
	s.do("POST", "/products/chair/deliveries", map[string]int{"Quantity": 5}, 200, nil)
	return c
}

func (s *shop) order(c entities.Customer, n, status int) (o entities.Order) {
	s.do("POST", "/orders", map[string]any{"Customer": c.ID, "Lines": []entities.OrderLine{{SKU: "chair", Quantity: n}}}, status, &o)
	return o
}

func TestAnOrderFromCartToDoor(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.stocked()
	o := s.order(c, 2, 201)
	if o.State != entities.OrderPaid || o.Total != 9000 {
		t.Fatalf("%+v", o)
	}
	var v entities.Invoice
	s.do("GET", "/orders/"+o.ID+"/invoice", nil, 200, &v)
	if v.Number != 1 || v.Amount != 9000 || v.Tax != 1710 {
		t.Fatalf("%+v", v)
	}
	var x entities.Shipment
	s.do("POST", "/orders/"+o.ID+"/ship", nil, 200, &x)
	if x.Weight != 6000 || x.Tracking != "track-1" || x.Address != "1 Hill St" {
		t.Fatalf("%+v", x)
	}
	s.do("POST", "/orders/"+o.ID+"/ship", nil, 409, nil)
	var got entities.Customer
	s.do("GET", "/customers/"+c.ID, nil, 200, &got)
	if got.Points != 90 || got.Card != "************1234" {
		t.Fatalf("%+v", got)
	}
	var sales map[string]int
	s.do("GET", "/reports/sales", nil, 200, &sales)
	if sales["Red Chair"] != 9000 {
		t.Fatalf("%v", sales)
	}
}

func TestWhatFailsLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.stocked()
	s.order(c, 6, 409) // only five are there
	s.fail["/charges"] = 1
	s.order(c, 5, 500)
	o := s.order(c, 5, 201) // all five are still there
	s.do("POST", "/orders", map[string]any{"Customer": "nobody", "Lines": []entities.OrderLine{{SKU: "chair", Quantity: 1}}}, 404, nil)
	s.do("POST", "/orders", map[string]any{"Customer": c.ID}, 400, nil)
	s.do("GET", "/orders/none", nil, 404, nil)
	var got entities.Order
	s.do("GET", "/orders/"+o.ID, nil, 200, &got)
	if len(got.Lines) != 1 || got.Lines[0].Quantity != 5 || got.At.IsZero() {
		t.Fatalf("%+v", got)
	}
}

func TestCancelGivesStockAndMoneyBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.stocked()
	o := s.order(c, 5, 201)
	s.order(c, 1, 409)
	s.do("POST", "/orders/"+o.ID+"/cancel", nil, 200, nil)
	s.do("POST", "/orders/"+o.ID+"/cancel", nil, 409, nil)
	s.order(c, 5, 201)
	if got := strings.Join(s.calls, ", "); got != "POST /charges, POST /refunds, POST /charges" {
		t.Fatal(got)
	}
}

func TestTheCarrierIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.order(s.stocked(), 1, 201)
	s.fail["/parcels"] = 2
	s.do("POST", "/orders/"+o.ID+"/ship", nil, 200, nil)
	if n := strings.Count(strings.Join(s.calls, " "), "/parcels"); n != 3 {
		t.Fatal(n)
	}
}

func TestCatalogueAndPrices(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.stocked()
	s.do("POST", "/products/chair/reviews", map[string]any{"Customer": c.ID, "Stars": 4, "Text": "good"}, 201, nil)
	s.do("POST", "/products/chair/reviews", map[string]any{"Customer": c.ID, "Stars": 9}, 500, nil)
	var stars float64
	s.do("GET", "/products/chair/stars", nil, 200, &stars)
	s.order(c, 5, 201) // now it runs low
	var n int
	s.do("POST", "/prices/refresh", nil, 200, &n)
	var ps []entities.Product
	s.do("GET", "/products", nil, 200, &ps)
	if stars != 4 || n != 1 || len(ps) != 1 || ps[0].Price != 2600 || ps[0].Slug != "red-chair" {
		t.Fatalf("%v %v %+v", stars, n, ps)
	}
}
