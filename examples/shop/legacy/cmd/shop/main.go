// Command shop serves the shop on SHOP_ADDR (default localhost:8080) with its
// database in SHOP_DB (default shop.db).
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/ashlar-dev/ashlar/examples/shop/legacy/catalog"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/dao"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/manager"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/outside"
	"github.com/ashlar-dev/ashlar/examples/shop/legacy/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	d, err := dao.Open(ctx, cmp.Or(os.Getenv("SHOP_DB"), "shop.db"))
	if err != nil {
		return err
	}
	defer func() { _ = d.DB.Close() }()
	m := manager.New(d, outside.NewBank(os.Getenv("BANK_URL")), outside.NewCarrier(os.Getenv("CARRIER_URL")), outside.NewSupplier(&http.Client{}, ""), nil)
	srv := &http.Server{Addr: cmp.Or(os.Getenv("SHOP_ADDR"), "localhost:8080"), Handler: web.New(m, catalog.New(d.DB)), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(end) // it is over either way
	}()
	log.Printf("the shop is open at %s", srv.Addr)
	if err := srv.ListenAndServe(); err != nil && err != http.ErrServerClosed {
		return err
	}
	return nil
}
