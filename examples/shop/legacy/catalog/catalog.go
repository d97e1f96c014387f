// Package catalog shows products and takes reviews. It keeps to its own queries,
// although it shares the database.
package catalog

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/entities"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/util"
)

// Catalog of products.
type Catalog struct{ db *sql.DB }

// New returns a catalogue on a database.
func New(db *sql.DB) *Catalog { return &Catalog{db} }

// List returns all products in order of their names.
func (c *Catalog) List(ctx context.Context) ([]entities.Product, error) {
	rows, err := c.db.QueryContext(ctx, "select sku, name, slug, price, weight, supplier from products order by name")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []entities.Product
	for rows.Next() {
		var p entities.Product
		if err := rows.Scan(&p.SKU, &p.Name, &p.Slug, &p.Price, &p.Weight, &p.Supplier); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Add puts a product into the catalogue.
func (c *Catalog) Add(ctx context.Context, p entities.Product) error {
	p.Slug = util.Slug(p.Name)
	_, err := c.db.ExecContext(ctx, "insert into products (sku, name, slug, price, weight, supplier) values (?, ?, ?, ?, ?, ?)", p.SKU, p.Name, p.Slug, p.Price, p.Weight, p.Supplier)
	return err
}

// Review takes what a customer thinks.
func (c *Catalog) Review(ctx context.Context, sku, customer string, stars int, text string) error {
	if stars < 1 || stars > 5 {
		return fmt.Errorf("%d stars: want 1 to 5", stars)
	}
	_, err := c.db.ExecContext(ctx, "insert into reviews (sku, customer, stars, text) values (?, ?, ?, ?)", sku, customer, stars, text)
	return err
}

// Stars is the mean of a product's reviews; 0 when there is none.
func (c *Catalog) Stars(ctx context.Context, sku string) (float64, error) {
	var stars sql.NullFloat64
	err := c.db.QueryRowContext(ctx, "select avg(stars) from reviews where sku = ?", sku).Scan(&stars)
	return stars.Float64, err
}
