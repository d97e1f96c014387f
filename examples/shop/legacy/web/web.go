// Package web is the shop's public face.
package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/catalog"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/dao"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/entities"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/manager"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/util"
)

// Server answers requests.
type Server struct {
	shop    *manager.ShopManager
	catalog *catalog.Catalog
}

// New returns the handler of the whole shop.
func New(m *manager.ShopManager, c *catalog.Catalog) http.Handler {
	s := &Server{m, c}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /customers", s.register)
	mux.HandleFunc("GET /customers/{id}", s.customer)
	mux.HandleFunc("GET /products", s.products)
	mux.HandleFunc("POST /products", s.addProduct)
	mux.HandleFunc("POST /products/{sku}/reviews", s.review)
	mux.HandleFunc("GET /products/{sku}/stars", s.stars)
	mux.HandleFunc("POST /products/{sku}/deliveries", s.restock)
	mux.HandleFunc("POST /prices/refresh", s.refreshPrices)
	mux.HandleFunc("POST /orders", s.placeOrder)
	mux.HandleFunc("GET /orders/{id}", s.order)
	mux.HandleFunc("GET /orders/{id}/invoice", s.invoice)
	mux.HandleFunc("POST /orders/{id}/cancel", s.cancel)
	mux.HandleFunc("POST /orders/{id}/ship", s.ship)
	mux.HandleFunc("GET /reports/sales", s.sales)
	return mux
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var c entities.Customer
	if !read(w, r, &c) {
		return
	}
	c, err := s.shop.Register(r.Context(), c)
	answer(w, http.StatusCreated, c, err)
}

func (s *Server) customer(w http.ResponseWriter, r *http.Request) {
	c, err := s.shop.Customer(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, c, err)
}

func (s *Server) products(w http.ResponseWriter, r *http.Request) {
	ps, err := s.catalog.List(r.Context())
	answer(w, http.StatusOK, ps, err)
}

func (s *Server) addProduct(w http.ResponseWriter, r *http.Request) {
	var p entities.Product
	if read(w, r, &p) {
		answer(w, http.StatusCreated, p, s.catalog.Add(r.Context(), p))
	}
}

func (s *Server) review(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Customer, Text string
		Stars          int
	}
	if read(w, r, &in) {
		answer(w, http.StatusCreated, in, s.catalog.Review(r.Context(), r.PathValue("sku"), in.Customer, in.Stars, in.Text))
	}
}

func (s *Server) stars(w http.ResponseWriter, r *http.Request) {
	n, err := s.catalog.Stars(r.Context(), r.PathValue("sku"))
	answer(w, http.StatusOK, n, err)
}

func (s *Server) restock(w http.ResponseWriter, r *http.Request) {
	var in struct{ Quantity int }
	if read(w, r, &in) {
		answer(w, http.StatusOK, in, s.shop.Restock(r.Context(), r.PathValue("sku"), in.Quantity))
	}
}

func (s *Server) refreshPrices(w http.ResponseWriter, r *http.Request) {
	n, err := s.shop.RefreshPrices(r.Context())
	answer(w, http.StatusOK, n, err)
}

func (s *Server) placeOrder(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Customer string
		Lines    []entities.OrderLine
	}
	if !read(w, r, &in) {
		return
	}
	o, err := s.shop.PlaceOrder(r.Context(), in.Customer, in.Lines)
	answer(w, http.StatusCreated, o, err)
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) {
	o, err := s.shop.Order(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, o, err)
}

func (s *Server) invoice(w http.ResponseWriter, r *http.Request) {
	v, err := s.shop.Invoice(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, v, err)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, "cancelled", s.shop.Cancel(r.Context(), r.PathValue("id")))
}

func (s *Server) ship(w http.ResponseWriter, r *http.Request) {
	x, err := s.shop.Ship(r.Context(), r.PathValue("id"))
	answer(w, http.StatusOK, x, err)
}

func (s *Server) sales(w http.ResponseWriter, r *http.Request) {
	m, err := s.shop.Sales(r.Context())
	answer(w, http.StatusOK, m, err)
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(v); err != nil {
		util.Fail(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	switch {
	case err == nil:
		util.JSON(w, status, v)
	case errors.Is(err, dao.ErrNotFound):
		util.Fail(w, http.StatusNotFound, err)
	case errors.Is(err, dao.ErrOutOfStock), errors.Is(err, manager.ErrBlocked), errors.Is(err, manager.ErrState):
		util.Fail(w, http.StatusConflict, err)
	case errors.Is(err, manager.ErrEmpty):
		util.Fail(w, http.StatusBadRequest, err)
	default:
		util.Fail(w, http.StatusInternalServerError, err)
	}
}
