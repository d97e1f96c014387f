// Package kernel holds what every context means in the same way: money and
// identifiers. It changes seldom, and with everybody's consent.
package kernel

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Money is an amount in cents.
type Money int64

func (m Money) String() string { return fmt.Sprintf("%d.%02d", m/100, m%100) }

// Times is the amount for a number of pieces.
func (m Money) Times(n int) Money { return m * Money(n) }

// Percent is a share of the amount, rounded down.
func (m Money) Percent(p int) Money { return m * Money(p) / 100 }

// NewID makes an identifier with a prefix: "ord_5f0c…".
func NewID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + "_" + hex.EncodeToString(b[:])
}
