// Package dao is the one way to the database.
package dao

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/entities"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/kernel"
)

//go:embed schema.sql
var schema string

// ErrNotFound is what lookups give that find nothing.
var ErrNotFound = errors.New("not found")

// Runner is a database or a transaction.
type Runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ShopDAO reads and writes customers, products, stock, orders, order lines and
// payments.
type ShopDAO struct {
	DB  *sql.DB
	run Runner
}

// Open opens the database file and creates what is missing.
func Open(ctx context.Context, file string) (*ShopDAO, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("schema: %w", err), db.Close())
	}
	return &ShopDAO{DB: db, run: db}, nil
}

// In gives the same object on a transaction.
func (d *ShopDAO) In(tx *sql.Tx) *ShopDAO { return &ShopDAO{DB: d.DB, run: tx} }

// Customer finds a customer.
func (d *ShopDAO) Customer(ctx context.Context, id string) (entities.Customer, error) {
	var c entities.Customer
	err := d.run.QueryRowContext(ctx, `select id, name, email, card, address, points, blocked from customers where id = ?`, id).
		Scan(&c.ID, &c.Name, &c.Email, &c.Card, &c.Address, &c.Points, &c.Blocked)
	return c, found(err, "customer", id)
}

// SaveCustomer inserts or replaces a customer.
func (d *ShopDAO) SaveCustomer(ctx context.Context, c entities.Customer) error {
	_, err := d.run.ExecContext(ctx, `insert into customers (id, name, email, card, address, points, blocked) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (id) do update set name = excluded.name, email = excluded.email, card = excluded.card, address = excluded.address, points = excluded.points, blocked = excluded.blocked`,
		c.ID, c.Name, c.Email, c.Card, c.Address, c.Points, c.Blocked)
	return err
}

// AddPoints gives a customer points for an order.
func (d *ShopDAO) AddPoints(ctx context.Context, id string, n int) error {
	_, err := d.run.ExecContext(ctx, `update customers set points = points + ? where id = ?`, n, id)
	return err
}

// Product finds a product.
func (d *ShopDAO) Product(ctx context.Context, sku string) (entities.Product, error) {
	var p entities.Product
	err := d.run.QueryRowContext(ctx, `select sku, name, slug, price, weight, supplier from products where sku = ?`, sku).
		Scan(&p.SKU, &p.Name, &p.Slug, &p.Price, &p.Weight, &p.Supplier)
	return p, found(err, "product", sku)
}

// SetPrice changes a price.
func (d *ShopDAO) SetPrice(ctx context.Context, sku string, price kernel.Money) error {
	_, err := d.run.ExecContext(ctx, `update products set price = ? where sku = ?`, price, sku)
	return err
}

// ErrOutOfStock says that there is not enough.
var ErrOutOfStock = errors.New("out of stock")

// Hold takes pieces off the shelf for an order.
func (d *ShopDAO) Hold(ctx context.Context, sku string, n int) error {
	r, err := d.run.ExecContext(ctx, `update stock set on_hand = on_hand - ?, held = held + ? where sku = ? and on_hand >= ?`, n, n, sku, n)
	if err != nil {
		return err
	}
	if rows, err := r.RowsAffected(); err != nil || rows == 0 {
		return errors.Join(fmt.Errorf("%d of %s: %w", n, sku, ErrOutOfStock), err)
	}
	return nil
}

// Release puts pieces back.
func (d *ShopDAO) Release(ctx context.Context, sku string, n int) error {
	_, err := d.run.ExecContext(ctx, `update stock set on_hand = on_hand + ?, held = held - ? where sku = ?`, n, n, sku)
	return err
}

// Low lists what must be ordered again, with its supplier: stock joined with the
// catalogue.
func (d *ShopDAO) Low(ctx context.Context) ([]entities.Product, error) {
	rows, err := d.run.QueryContext(ctx, `select p.sku, p.name, p.supplier, p.price from stock s join products p on p.sku = s.sku where s.on_hand <= s.reorder_at order by p.sku`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []entities.Product
	for rows.Next() {
		var p entities.Product
		if err := rows.Scan(&p.SKU, &p.Name, &p.Supplier, &p.Price); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Restock adds what a supplier delivered.
func (d *ShopDAO) Restock(ctx context.Context, sku string, n int) error {
	_, err := d.run.ExecContext(ctx, `insert into stock (sku, on_hand) values (?, ?) on conflict (sku) do update set on_hand = stock.on_hand + excluded.on_hand`, sku, n)
	return err
}

// InsertOrder writes an order with its lines.
func (d *ShopDAO) InsertOrder(ctx context.Context, o entities.Order) error {
	if _, err := d.run.ExecContext(ctx, `insert into orders (id, customer_id, state, total, at) values (?, ?, ?, ?, ?)`, o.ID, o.CustomerID, o.State, o.Total, o.At.UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	for _, l := range o.Lines {
		if _, err := d.run.ExecContext(ctx, `insert into order_lines (order_id, sku, quantity, price) values (?, ?, ?, ?)`, o.ID, l.SKU, l.Quantity, l.Price); err != nil {
			return err
		}
	}
	return nil
}

// Order finds an order with its lines.
func (d *ShopDAO) Order(ctx context.Context, id string) (entities.Order, error) {
	var o entities.Order
	var at string
	err := d.run.QueryRowContext(ctx, `select id, customer_id, state, total, at from orders where id = ?`, id).Scan(&o.ID, &o.CustomerID, &o.State, &o.Total, &at)
	if err := found(err, "order", id); err != nil {
		return o, err
	}
	o.At, _ = time.Parse(time.RFC3339, at) // as InsertOrder wrote it
	rows, err := d.run.QueryContext(ctx, `select order_id, sku, quantity, price from order_lines where order_id = ? order by sku`, id)
	if err != nil {
		return o, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l entities.OrderLine
		if err := rows.Scan(&l.OrderID, &l.SKU, &l.Quantity, &l.Price); err != nil {
			return o, err
		}
		o.Lines = append(o.Lines, l)
	}
	return o, rows.Err()
}

// SetState moves an order on.
func (d *ShopDAO) SetState(ctx context.Context, id, state string) error {
	_, err := d.run.ExecContext(ctx, `update orders set state = ? where id = ?`, state, id)
	return err
}

// InsertPayment writes what the bank did.
func (d *ShopDAO) InsertPayment(ctx context.Context, p entities.Payment) error {
	_, err := d.run.ExecContext(ctx, `insert into payments (id, order_id, amount, reference) values (?, ?, ?, ?)`, p.ID, p.OrderID, p.Amount, p.Reference)
	return err
}

// PaymentOf finds the payment of an order.
func (d *ShopDAO) PaymentOf(ctx context.Context, order string) (entities.Payment, error) {
	var p entities.Payment
	err := d.run.QueryRowContext(ctx, `select id, order_id, amount, reference, refunded from payments where order_id = ?`, order).
		Scan(&p.ID, &p.OrderID, &p.Amount, &p.Reference, &p.Refunded)
	return p, found(err, "payment of order", order)
}

// Refunded marks a payment.
func (d *ShopDAO) Refunded(ctx context.Context, id string) error {
	_, err := d.run.ExecContext(ctx, `update payments set refunded = 1 where id = ?`, id)
	return err
}

// Sales is the report that everybody wants: five tables of four contexts.
func (d *ShopDAO) Sales(ctx context.Context) (map[string]kernel.Money, error) {
	rows, err := d.run.QueryContext(ctx, `
		select p.name, sum(l.quantity * l.price)
		from order_lines l
		join orders o on o.id = l.order_id
		join products p on p.sku = l.sku
		join payments y on y.order_id = o.id and y.refunded = 0
		join customers c on c.id = o.customer_id and c.blocked = 0
		group by p.name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string]kernel.Money{}
	for rows.Next() {
		var name string
		var sum kernel.Money
		if err := rows.Scan(&name, &sum); err != nil {
			return nil, err
		}
		out[name] = sum
	}
	return out, rows.Err()
}

func found(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s %s: %w", what, id, ErrNotFound)
	}
	return err
}
