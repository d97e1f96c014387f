// Package sketch holds small code graphs for the tests of split: a layered shop, and
// systems with planted contexts.
package sketch

import (
	"fmt"
	"math/rand/v2"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// builder makes a code graph in few words.
type builder struct{ g *code.Graph }

func newBuilder() *builder {
	return &builder{&code.Graph{Types: map[code.TypeID]code.Type{}, Methods: map[code.MethodID]code.Method{}, Tables: map[arch.Ref]code.Table{}, Tx: map[string]code.Transaction{}, Lines: 40_000}}
}

func (s *builder) typ(kind code.TypeKind, id string, methods ...string) {
	t := code.TypeID(id)
	n := len(s.g.Types) + 1
	name := id
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '.' {
			name = id[i+1:]
			break
		}
	}
	s.g.Types[t] = code.Type{ID: t, Name: name, Kind: kind, Package: id[:max(0, len(id)-len(name)-1)], Pos: code.Pos{File: name + ".java", Line: 1}, Lines: 20 + 10*len(methods)}
	for i, m := range methods {
		id := code.MethodID(string(t) + "#" + m)
		s.g.Methods[id] = code.Method{ID: id, Type: t, Name: m, Lines: 10, Pos: code.Pos{File: name + ".java", Line: 10*i + n}}
	}
}

func (s *builder) table(name string, keys ...string) {
	t := code.Table{Ref: Ref(name), ForeignKeys: map[string]arch.Ref{}, Pos: code.Pos{File: "schema.sql", Line: len(s.g.Tables) + 1}}
	for _, k := range keys {
		t.ForeignKeys[k+"_id"] = Ref(k)
	}
	s.g.Tables[t.Ref] = t
}

func (s *builder) entity(id, table string) {
	s.typ(code.KindEntity, id, "getId")
	t := s.g.Types[code.TypeID(id)]
	t.Table = Ref(table)
	s.g.Types[code.TypeID(id)] = t
}

func (s *builder) call(from, to string) {
	f := s.g.Methods[code.MethodID(from)]
	s.g.Calls = append(s.g.Calls, code.Call{From: code.MethodID(from), To: code.MethodID(to), Pos: f.Pos})
}

func (s *builder) use(method, table, mode string, joins ...string) {
	a := code.Access{Method: code.MethodID(method), Table: Ref(table), Mode: mode, Pos: s.g.Methods[code.MethodID(method)].Pos}
	for _, j := range joins {
		a.Joins = append(a.Joins, Ref(j))
	}
	s.g.Access = append(s.g.Access, a)
}

func (s *builder) tx(method string) {
	m := code.MethodID(method)
	s.g.Tx["tx "+method] = code.Transaction{ID: "tx " + method, Method: m, Kind: "annotation", Pos: s.g.Methods[m].Pos}
}

func (s *builder) entry(method, trigger string) {
	m := code.MethodID(method)
	s.g.Entries = append(s.g.Entries, code.Entry{Method: m, Kind: "http", Trigger: trigger, Pos: s.g.Methods[m].Pos})
}

// Ref of a table of the shop.
func Ref(table string) arch.Ref { return arch.NewRef(arch.KindTable, "shop", table) }

// Shop is a small layered monolith: ordering, catalogue and billing, one data
// access object over all tables, one transaction over two contexts.
func Shop() *code.Graph {
	s := newBuilder()
	s.table("orders", "customer")
	s.table("order_line", "orders", "product")
	s.table("product")
	s.table("category")
	s.table("invoice", "orders")
	s.table("payment", "invoice")
	s.table("customer")
	for id, t := range map[string]string{"Order": "orders", "OrderLine": "order_line", "Product": "product", "Category": "category", "Invoice": "invoice", "Payment": "payment", "Customer": "customer"} {
		s.entity("shop.model."+id, t)
	}
	s.typ(code.KindController, "shop.web.OrderController", "place", "show")
	s.typ(code.KindService, "shop.service.OrderService", "place", "find", "cancel")
	s.typ(code.KindService, "shop.service.OrderPricing", "price")
	s.typ(code.KindController, "shop.web.CatalogController", "browse", "search")
	s.typ(code.KindService, "shop.service.ProductService", "browse", "find", "rename")
	s.typ(code.KindService, "shop.service.CategoryService", "all")
	s.typ(code.KindController, "shop.web.InvoiceController", "pay", "list")
	s.typ(code.KindService, "shop.service.InvoiceService", "bill", "list")
	s.typ(code.KindService, "shop.service.PaymentService", "pay", "refund")
	s.typ(code.KindRepository, "shop.dao.ShopDao", "insertOrder", "findOrder", "insertLine", "findProduct", "listProducts", "updateProduct", "listCategories", "insertInvoice", "listInvoices", "insertPayment", "findCustomer")
	s.typ(code.KindTest, "shop.web.OrderControllerTest", "testPlace")
	dao := "shop.dao.ShopDao#"
	for _, x := range [][3]string{{"insertOrder", "orders", "write"}, {"findOrder", "orders", "read"}, {"insertLine", "order_line", "write"}, {"findProduct", "product", "read"},
		{"listProducts", "product", "read"}, {"updateProduct", "product", "write"}, {"listCategories", "category", "read"}, {"insertInvoice", "invoice", "write"},
		{"listInvoices", "invoice", "read"}, {"insertPayment", "payment", "write"}, {"findCustomer", "customer", "read"}} {
		s.use(dao+x[0], x[1], x[2])
	}
	s.use(dao+"findOrder", "order_line", "read", "product")
	for _, c := range [][2]string{
		{"shop.web.OrderController#place", "shop.service.OrderService#place"}, {"shop.web.OrderController#show", "shop.service.OrderService#find"},
		{"shop.service.OrderService#place", dao + "insertOrder"}, {"shop.service.OrderService#place", dao + "insertLine"}, {"shop.service.OrderService#place", "shop.service.OrderPricing#price"},
		{"shop.service.OrderService#find", dao + "findOrder"}, {"shop.service.OrderService#place", dao + "findCustomer"}, {"shop.service.OrderPricing#price", dao + "findProduct"},
		{"shop.service.OrderService#place", "shop.service.InvoiceService#bill"},
		{"shop.web.CatalogController#browse", "shop.service.ProductService#browse"}, {"shop.web.CatalogController#browse", "shop.service.CategoryService#all"},
		{"shop.service.ProductService#browse", dao + "listProducts"}, {"shop.service.ProductService#find", dao + "findProduct"}, {"shop.service.ProductService#rename", dao + "updateProduct"},
		{"shop.web.CatalogController#search", "shop.service.ProductService#find"}, {"shop.service.CategoryService#all", dao + "listCategories"},
		{"shop.web.InvoiceController#pay", "shop.service.PaymentService#pay"}, {"shop.web.InvoiceController#list", "shop.service.InvoiceService#list"},
		{"shop.service.InvoiceService#bill", dao + "insertInvoice"}, {"shop.service.InvoiceService#list", dao + "listInvoices"}, {"shop.service.PaymentService#pay", dao + "insertPayment"},
		{"shop.service.PaymentService#refund", dao + "insertPayment"}, {"shop.service.PaymentService#pay", "shop.service.InvoiceService#list"},
	} {
		s.call(c[0], c[1])
	}
	s.tx("shop.service.OrderService#place")
	s.tx("shop.service.PaymentService#pay")
	s.tx("shop.service.ProductService#rename")
	s.entry("shop.web.OrderController#place", "POST /orders")
	s.entry("shop.web.OrderController#show", "GET /orders/{id}")
	s.entry("shop.web.CatalogController#browse", "GET /products")
	s.entry("shop.web.CatalogController#search", "GET /products/search")
	s.entry("shop.web.InvoiceController#pay", "POST /invoices/{id}/payment")
	s.entry("shop.web.InvoiceController#list", "GET /invoices")
	s.g.Sort()
	return s.g
}

// Planted is a layered system of n types in k contexts, with noise between them.
func Planted(n, k int, seed uint64) (*code.Graph, map[code.TypeID]int) {
	r := rand.New(rand.NewPCG(seed, 1))
	s := newBuilder()
	truth := map[code.TypeID]int{}
	words := []string{"alpha", "bravo", "carol", "delta", "echo", "fox", "golf", "hotel", "india", "juliet"}
	id := func(i int) string {
		c := i % k
		return fmt.Sprintf("app.layer%d.%s%dThing%d", i%5, words[c%len(words)], c/len(words), i)
	}
	kinds := []code.TypeKind{code.KindController, code.KindService, code.KindService, code.KindRepository, code.KindClass}
	for i := range n {
		s.typ(kinds[i%5], id(i), "run", "more")
		truth[code.TypeID(id(i))] = i % k
	}
	for i := range n {
		for range 4 {
			j := r.IntN(n/k)*k + i%k
			if r.IntN(10) == 0 {
				j = r.IntN(n)
			}
			if j < n && j != i {
				s.call(id(i)+"#run", id(j)+"#more")
			}
		}
		if i%5 == 3 {
			t := fmt.Sprintf("t%d_%d", i%k, r.IntN(1+n/(20*k)))
			if _, ok := s.g.Tables[Ref(t)]; !ok {
				s.table(t)
			}
			s.use(id(i)+"#more", t, []string{"read", "write"}[r.IntN(2)])
		}
		if i%5 == 0 {
			s.entry(id(i)+"#run", fmt.Sprintf("GET /%d", i))
		}
	}
	s.g.Sort()
	return s.g, truth
}
