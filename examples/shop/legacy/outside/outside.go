// Package outside calls other companies.
package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/kernel"
)

// Bank charges cards. Its client has a limit.
type Bank struct {
	url    string
	client *http.Client
}

// NewBank takes the bank's address.
func NewBank(url string) *Bank {
	return &Bank{url: url, client: &http.Client{Timeout: 10 * time.Second}}
}

// Charge takes money; it returns the bank's reference.
func (b *Bank) Charge(ctx context.Context, card string, amount kernel.Money) (string, error) {
	var out struct{ Reference string }
	err := post(ctx, b.client, b.url+"/charges", map[string]any{"card": card, "amount": amount}, &out)
	return out.Reference, err
}

// Refund gives money back.
func (b *Bank) Refund(ctx context.Context, reference string) error {
	return post(ctx, b.client, b.url+"/refunds", map[string]any{"reference": reference}, nil)
}

// Carrier ships parcels. Nothing limits how long it may take, and what fails is
// tried again, although a parcel must not be sent twice.
type Carrier struct{ url string }

// NewCarrier takes the carrier's address.
func NewCarrier(url string) *Carrier { return &Carrier{url: url} }

// Ship hands a parcel over; it returns the number for tracking.
func (c *Carrier) Ship(ctx context.Context, address string, weight int) (string, error) {
	var out struct{ Tracking string }
	var err error
	for try := 0; try < 3; try++ {
		err = post(ctx, http.DefaultClient, c.url+"/parcels", map[string]any{"address": address, "weight": weight}, &out)
		if err == nil {
			return out.Tracking, nil
		}
	}
	return "", err
}

// supplier is where it has always been.
const supplier = "http://edi.timber-and-sons.example:8080"

// Supplier knows today's prices.
type Supplier struct {
	client *http.Client
	base   string
}

// NewSupplier takes a client, and another address for tests; "" is the real one.
func NewSupplier(c *http.Client, base string) *Supplier {
	s := &Supplier{client: c, base: supplier}
	if base != "" {
		s.base = base
	}
	return s
}

// Price asks for one product.
func (s *Supplier) Price(ctx context.Context, sku string) (kernel.Money, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/prices/"+sku, nil)
	if err != nil {
		return 0, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	var out struct{ Price kernel.Money }
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the supplier answers %s for %s", res.Status, sku)
	}
	return out.Price, json.NewDecoder(res.Body).Decode(&out)
}

func post(ctx context.Context, c *http.Client, url string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
