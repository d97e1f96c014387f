// Package manager holds the class that does everything.
package manager

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/dao"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/entities"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/kernel"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/outside"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/util"
)

// ShopManager registers customers, places, pays, cancels and ships orders, writes
// invoices, keeps stock and prices, and makes reports.
type ShopManager struct {
	dao      *dao.ShopDAO
	bank     *outside.Bank
	carrier  *outside.Carrier
	supplier *outside.Supplier
	now      func() time.Time
}

// New puts the shop together; a nil clock is the system's.
func New(d *dao.ShopDAO, b *outside.Bank, c *outside.Carrier, s *outside.Supplier, now func() time.Time) *ShopManager {
	if now == nil {
		now = time.Now
	}
	return &ShopManager{d, b, c, s, now}
}

// Errors that are the customer's.
var (
	ErrEmpty   = errors.New("an order needs lines")
	ErrBlocked = errors.New("the customer is blocked")
	ErrState   = errors.New("the order's state does not allow that")
)

// taxPercent is the same for everything.
const taxPercent = 19

// Register makes a customer.
func (m *ShopManager) Register(ctx context.Context, c entities.Customer) (entities.Customer, error) {
	c.ID = kernel.NewID("cus")
	return c, m.dao.SaveCustomer(ctx, c)
}

// Customer shows a customer without the card.
func (m *ShopManager) Customer(ctx context.Context, id string) (entities.Customer, error) {
	c, err := m.dao.Customer(ctx, id)
	c.Card = util.Mask(c.Card)
	return c, err
}

// PlaceOrder takes stock, charges the card, and writes order, payment and invoice,
// all in one transaction over three contexts. The bank is called while it is open:
// what the bank did stays when the transaction does not.
func (m *ShopManager) PlaceOrder(ctx context.Context, customer string, lines []entities.OrderLine) (entities.Order, error) {
	o := entities.Order{ID: kernel.NewID("ord"), CustomerID: customer, State: entities.OrderPlaced, Lines: lines, At: m.now()}
	if len(lines) == 0 {
		return o, ErrEmpty
	}
	tx, err := m.dao.DB.BeginTx(ctx, nil)
	if err != nil {
		return o, err
	}
	defer func() { _ = tx.Rollback() }() // nothing to do after a commit
	d := m.dao.In(tx)
	c, err := d.Customer(ctx, customer)
	if err != nil {
		return o, err
	}
	if c.Blocked {
		return o, fmt.Errorf("%s: %w", customer, ErrBlocked)
	}
	for i, l := range o.Lines {
		p, err := d.Product(ctx, l.SKU)
		if err != nil {
			return o, err
		}
		if err := d.Hold(ctx, l.SKU, l.Quantity); err != nil {
			return o, err
		}
		o.Lines[i].OrderID, o.Lines[i].Price = o.ID, p.Price
		o.Total += p.Price.Times(l.Quantity)
	}
	if err := d.InsertOrder(ctx, o); err != nil {
		return o, err
	}
	reference, err := m.bank.Charge(ctx, c.Card, o.Total)
	if err != nil {
		return o, fmt.Errorf("payment: %w", err)
	}
	p := entities.Payment{ID: kernel.NewID("pay"), OrderID: o.ID, Amount: o.Total, Reference: reference}
	if err := d.InsertPayment(ctx, p); err != nil {
		return o, err
	}
	if err := m.writeInvoice(ctx, tx, p); err != nil {
		return o, err
	}
	o.State = entities.OrderPaid
	if err := d.SetState(ctx, o.ID, o.State); err != nil {
		return o, err
	}
	if err := d.AddPoints(ctx, customer, int(o.Total/100)); err != nil {
		return o, err
	}
	return o, tx.Commit()
}

func (m *ShopManager) writeInvoice(ctx context.Context, tx *sql.Tx, p entities.Payment) error {
	_, err := tx.ExecContext(ctx, `insert into invoices (payment_id, order_id, amount, tax) values (?, ?, ?, ?)`, p.ID, p.OrderID, p.Amount, p.Amount.Percent(taxPercent))
	return err
}

// Order shows an order.
func (m *ShopManager) Order(ctx context.Context, id string) (entities.Order, error) {
	return m.dao.Order(ctx, id)
}

// Invoice shows the invoice of an order: billing's table joined with ordering's.
func (m *ShopManager) Invoice(ctx context.Context, order string) (entities.Invoice, error) {
	var v entities.Invoice
	err := m.dao.DB.QueryRowContext(ctx, `select v.number, v.payment_id, v.order_id, v.amount, v.tax from invoices v join orders o on o.id = v.order_id where o.id = ?`, order).
		Scan(&v.Number, &v.PaymentID, &v.OrderID, &v.Amount, &v.Tax)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fmt.Errorf("invoice of order %s: %w", order, dao.ErrNotFound)
	}
	return v, err
}

// Cancel gives stock and money back.
func (m *ShopManager) Cancel(ctx context.Context, id string) error {
	o, err := m.dao.Order(ctx, id)
	if err != nil {
		return err
	}
	if o.State != entities.OrderPaid {
		return fmt.Errorf("%s is %s: %w", id, o.State, ErrState)
	}
	p, err := m.dao.PaymentOf(ctx, id)
	if err != nil {
		return err
	}
	if err := m.bank.Refund(ctx, p.Reference); err != nil {
		return err
	}
	tx, err := m.dao.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	d := m.dao.In(tx)
	for _, l := range o.Lines {
		if err := d.Release(ctx, l.SKU, l.Quantity); err != nil {
			return err
		}
	}
	if err := d.Refunded(ctx, p.ID); err != nil {
		return err
	}
	if err := d.SetState(ctx, id, entities.OrderCancelled); err != nil {
		return err
	}
	return tx.Commit()
}

// Ship hands an order to the carrier.
func (m *ShopManager) Ship(ctx context.Context, id string) (entities.Shipment, error) {
	s := entities.Shipment{ID: kernel.NewID("shp"), OrderID: id}
	o, err := m.dao.Order(ctx, id)
	if err != nil {
		return s, err
	}
	if o.State != entities.OrderPaid {
		return s, fmt.Errorf("%s is %s: %w", id, o.State, ErrState)
	}
	c, err := m.dao.Customer(ctx, o.CustomerID)
	if err != nil {
		return s, err
	}
	s.Address = c.Address
	for _, l := range o.Lines {
		p, err := m.dao.Product(ctx, l.SKU)
		if err != nil {
			return s, err
		}
		s.Weight += p.Weight * l.Quantity
	}
	if s.Tracking, err = m.carrier.Ship(ctx, s.Address, s.Weight); err != nil {
		return s, err
	}
	if _, err := m.dao.DB.ExecContext(ctx, `insert into shipments (id, order_id, tracking, weight, address) values (?, ?, ?, ?, ?)`, s.ID, s.OrderID, s.Tracking, s.Weight, s.Address); err != nil {
		return s, err
	}
	return s, m.dao.SetState(ctx, id, entities.OrderShipped)
}

// Restock takes a delivery in.
func (m *ShopManager) Restock(ctx context.Context, sku string, n int) error {
	return m.dao.Restock(ctx, sku, n)
}

// RefreshPrices asks the supplier for each product that runs low, one after the
// other.
func (m *ShopManager) RefreshPrices(ctx context.Context) (int, error) {
	low, err := m.dao.Low(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range low {
		price, err := m.supplier.Price(ctx, p.SKU)
		if err != nil {
			return 0, err
		}
		if err := m.dao.SetPrice(ctx, p.SKU, price.Percent(130)); err != nil {
			return 0, err
		}
	}
	return len(low), nil
}

// Sales is the sum of what was sold, by product.
func (m *ShopManager) Sales(ctx context.Context) (map[string]kernel.Money, error) {
	return m.dao.Sales(ctx)
}
