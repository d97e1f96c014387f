package kafkabus_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
)

// A console producer's plain JSON is handled, and a console consumer reads what
// we publish.
func TestConsole(t *testing.T) {
	t.Parallel()
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("kcat is not installed: Debian's package kcat")
	}
	b, err := bus.New(open(seed), &bus.Options{Source: "/shop"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	topic := drivertest.Name("console")
	if err := b.Ensure(ctx, driver.Topic{Name: topic, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	got := make(chan bus.Event, 2)
	_, err = b.Subscribe(ctx, bus.Subscription{Topics: []string{topic}, Group: drivertest.Name("g"), Start: driver.Earliest}, func(_ context.Context, e bus.Event) error {
		got <- e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, "kcat", "-b", seed, "-t", topic, "-P", "-k", "o-1", "-H", "tenant=a")
	c.Stdin = strings.NewReader(`{"id":"o-1"}`)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("kcat -P: %v\n%s", err, out)
	}
	e := <-got
	if tenant, _ := e.Header("tenant"); e.Key != "o-1" || strings.TrimSpace(string(e.Data)) != `{"id":"o-1"}` || tenant != "a" {
		t.Errorf("from kcat: %+v", e)
	}
	if err := b.Publish(ctx, bus.Event{Topic: topic, Key: "o-2", ID: "7", Type: "placed", Data: []byte(`{"id":"o-2"}`)}); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(ctx, "kcat", "-b", seed, "-t", topic, "-C", "-o", "-1", "-e", "-q", "-f", "%k|%s|%h").CombinedOutput()
	if err != nil {
		t.Fatalf("kcat -C: %v\n%s", err, out)
	}
	for _, want := range []string{`o-2|{"id":"o-2"}|`, "ce_id=7", "ce_type=placed", "ce_source=/shop", "content-type=application/json"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("kcat reads %q, without %q", out, want)
		}
	}
}
