// Package entities holds all types of the shop. Every package imports it, so a new
// field for billing is a change for everybody.
package entities

import (
	"time"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/kernel"
)

// Customer buys.
type Customer struct {
	ID, Name, Email string
	Card            string // of the bank, for billing
	Address         string // for shipping
	Points          int    // for marketing
	Blocked         bool   // by billing, read by ordering
}

// Product is sold.
type Product struct {
	SKU, Name, Slug string
	Price           kernel.Money
	Weight          int // grams, for shipping
	Supplier        string
}

// Stock is how much of a product there is.
type Stock struct {
	SKU            string
	OnHand, Held   int
	ReorderAt      int
	LastSupplierAt time.Time
}

// States of an order.
const (
	OrderPlaced    = "placed"
	OrderPaid      = "paid"
	OrderShipped   = "shipped"
	OrderCancelled = "cancelled"
)

// Order is what a customer wants.
type Order struct {
	ID, CustomerID string
	State          string
	Total          kernel.Money
	Lines          []OrderLine
	At             time.Time
}

// OrderLine is one product of an order.
type OrderLine struct {
	OrderID, SKU string
	Quantity     int
	Price        kernel.Money // when it was ordered
}

// Payment is what the bank did for an order.
type Payment struct {
	ID, OrderID string
	Amount      kernel.Money
	Reference   string // of the bank
	Refunded    bool
}

// Invoice is what accounting wants for a payment.
type Invoice struct {
	Number    int
	PaymentID string
	OrderID   string
	Amount    kernel.Money
	Tax       kernel.Money
}

// Shipment is an order on its way.
type Shipment struct {
	ID, OrderID string
	Tracking    string
	Weight      int
	Address     string
}
