package cli_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

// deadLetters is a program for the scripts. Its group billing gives up on orders
// whose body is "broken", and of every other one it writes a file handled-BODY.
// Once its dead letters can be asked for it writes the file ready; it ends when
// it is interrupted.
func deadLetters() {
	ctx, stop := ossignal.NotifyContext(context.Background(), os.Interrupt)
	err := runDeadLetters(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runDeadLetters(ctx context.Context) (err error) {
	b, err := bus.New(membus.New(&membus.Options{Partitions: 1}), &bus.Options{Source: "/shop", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	if err := b.Ensure(ctx, driver.Topic{Name: "orders", Groups: []string{"billing"}}); err != nil {
		return err
	}
	handled := make(chan struct{}, 10)
	_, err = b.Subscribe(ctx, bus.Subscription{Topics: []string{"orders"}, Group: "billing"}, func(_ context.Context, e bus.Event) error {
		if string(e.Data) == "broken" {
			return bus.Terminal(errors.New("no such\narticle"))
		}
		defer func() { handled <- struct{}{} }()
		return os.WriteFile("handled-"+strings.TrimSpace(string(e.Data)), nil, 0o600)
	})
	if err != nil {
		return err
	}
	// One key: the last one is handled when the dead letters of the others are stored.
	for _, body := range []string{"broken", "broken", "broken", "sound"} {
		if err := b.Publish(ctx, bus.Event{Topic: "orders", Key: "42", Type: "placed", Data: []byte(body), ContentType: "text/plain",
			Headers: []bus.Header{{Name: "tenant", Value: []byte("north")}}}); err != nil {
			return err
		}
	}
	<-handled
	srv, err := admin.Listen("shop", nil, bus.Section(b.DeadLetters("billing.dead-letters")))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close(context.WithoutCancel(ctx))) }()
	if err := os.WriteFile("ready", nil, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// await is a command of the scripts: it waits until a file is there, which a
// program that runs beside the script writes.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(10 * time.Millisecond) {
		_, err := os.Stat(filepath.Join(ts.Getenv("WORK"), args[0]))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("await: %v", err)
		}
	}
}
